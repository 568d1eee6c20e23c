//! What must not change the score, and what must never raise it, over random programs in two languages.

use std::fmt::Write;

use proptest::prelude::*;

use crate::model::analysis::{Analysis, ScoreTerm};

use super::fixture::MemoryTree;

/// A statement; the numbers choose names and literals.
#[derive(Debug, Clone)]
enum Statement {
    Assign(u8, u8, u16),
    If(u8, Vec<Statement>),
    Loop(u8, Vec<Statement>),
}

/// A function's number, which is also in its name, and its body.
type Function = (usize, Vec<Statement>);

/// The functions of each file.
#[derive(Clone)]
struct Program {
    python: bool,
    files: Vec<Vec<Function>>,
    tests: bool,
}

/// How a program is written down.
#[derive(Debug, Clone, Copy)]
struct Style {
    indent: usize,
    blank_lines: usize,
    comments: bool,
    names: &'static str,
}

const PLAIN: Style = Style { indent: 4, blank_lines: 0, comments: false, names: "v" };

/// A program in a failure is shown as its text.
impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.iter().try_for_each(|file| writeln!(f, "--\n{}", self.render_file(file, PLAIN)))
    }
}

impl Program {
    fn render(&self, style: Style) -> MemoryTree {
        let extension = if self.python { "py" } else { "js" };
        let mut files: Vec<(String, String)> = Vec::new();
        for (index, functions) in self.files.iter().enumerate() {
            files.push((format!("src/f{index}.{extension}"), self.render_file(functions, style)));
        }
        if self.tests {
            files.push((format!("tests/test_all.{extension}"), self.render_file(&self.files[0], style)));
        }
        MemoryTree::new(files)
    }

    fn render_file(&self, functions: &[Function], style: Style) -> String {
        let mut text = String::new();
        for (number, body) in functions {
            let name = format!("{}f{number}", style.names);
            let parameters = format!("{0}0, {0}1", style.names);
            let head = if self.python {
                format!("def {name}({parameters}):")
            } else {
                format!("function {name}({parameters}) {{")
            };
            writeln!(text, "{head}").unwrap();
            self.render_body(body, 1, style, &mut text);
            writeln!(text, "{}{}", " ".repeat(style.indent), format_args!("return {}0", style.names)).unwrap();
            if !self.python {
                writeln!(text, "}}").unwrap();
            }
        }
        text
    }

    fn render_body(&self, body: &[Statement], depth: usize, style: Style, text: &mut String) {
        let (margin, v) = (" ".repeat(style.indent * depth), style.names);
        for statement in body {
            text.push_str(&"\n".repeat(style.blank_lines));
            if style.comments {
                let mark = if self.python { "#" } else { "//" };
                writeln!(text, "{margin}{mark} if this and that: ({{").unwrap();
            }
            let (head, inner) = match statement {
                Statement::Assign(to, from, number) => {
                    writeln!(text, "{margin}{v}{to} = {v}{from} + {number}").unwrap();
                    continue;
                }
                Statement::If(name, inner) if self.python => (format!("if {v}{name}:"), inner),
                Statement::Loop(name, inner) if self.python => (format!("while {v}{name}:"), inner),
                Statement::If(name, inner) => (format!("if ({v}{name}) {{"), inner),
                Statement::Loop(name, inner) => (format!("while ({v}{name}) {{"), inner),
            };
            writeln!(text, "{margin}{head}").unwrap();
            self.render_body(inner, depth + 1, style, text);
            if !self.python {
                writeln!(text, "{margin}}}").unwrap();
            }
        }
    }

    fn analyse(&self) -> Analysis {
        self.render(PLAIN).analyse().analysis
    }
}

fn statement() -> impl Strategy<Value = Statement> {
    let assign = (0..6_u8, 0..6_u8, any::<u16>()).prop_map(|(to, from, number)| Statement::Assign(to, from, number));
    assign.clone().prop_recursive(4, 30, 6, move |inner| {
        let body = prop::collection::vec(prop_oneof![2 => assign.clone(), 1 => inner], 1..6);
        (any::<bool>(), 0..6_u8, body)
            .prop_map(|(is_if, name, body)| if is_if { Statement::If(name, body) } else { Statement::Loop(name, body) })
    })
}

fn program() -> impl Strategy<Value = Program> {
    let body = prop::collection::vec(statement(), 8..30);
    let file = prop::collection::vec(body, 5..9);
    (any::<bool>(), prop::collection::vec(file, 3..5)).prop_map(|(python, bodies)| {
        let mut number = 0;
        let mut numbered = |body| {
            number += 1;
            (number, body)
        };
        let files = bodies.into_iter().map(|file| file.into_iter().map(&mut numbered).collect()).collect();
        Program { python, files, tests: true }
    })
}

fn value(analysis: &Analysis, name: &str) -> f64 {
    analysis.score_terms.iter().find(|term| term.name == name).map_or(f64::NAN, |term| term.value)
}

fn values(terms: &[ScoreTerm]) -> Vec<(&str, u64)> {
    terms.iter().map(|term| (term.name.as_str(), term.value.to_bits())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn reformatting_and_renaming_leave_it(program in program(), indent in 1..9_usize, blank_lines in 0..3_usize, comments: bool) {
        let before = program.analyse();
        prop_assert!(before.code_quality_score.is_some());
        let style = Style { indent, blank_lines, comments, names: "another_name" };
        let after = program.render(style).analyse().analysis;
        prop_assert_eq!(values(&before.score_terms), values(&after.score_terms));
        prop_assert_eq!(before.code_quality_score, after.code_quality_score);
    }

    #[test]
    fn reordering_leaves_it(program in program(), rotate in 0..8_usize) {
        let mut other = program.clone();
        other.tests = false;
        let mut program = other.clone();
        other.files.reverse();
        for file in &mut other.files {
            let by = rotate % file.len();
            file.rotate_left(by);
        }
        program.tests = false;
        let (before, after) = (program.analyse(), other.analyse());
        prop_assert_eq!(values(&before.score_terms), values(&after.score_terms));
    }

    #[test]
    fn nesting_never_raises_it(program in program(), file: prop::sample::Index, function: prop::sample::Index, depth in 1..6_u8) {
        let before = program.analyse();
        let mut nested = program.clone();
        nested.tests = false;
        let before_without_tests = nested.analyse();
        let file = file.get_mut(&mut nested.files);
        let (_, body) = function.get_mut(file);
        for level in 0..depth {
            *body = vec![Statement::If(level, std::mem::take(body))];
        }
        let after = nested.analyse();
        for name in ["function_size", "cognitive_complexity", "nesting", "file_size"] {
            prop_assert!(value(&after, name) <= value(&before_without_tests, name), "{}", name);
        }
        prop_assert!(value(&after, "cognitive_complexity") < value(&before, "cognitive_complexity"));
        prop_assert!(after.code_quality_score <= before_without_tests.code_quality_score);
    }

    #[test]
    fn copies_never_raise_it(program in program(), function: prop::sample::Index, copies in 1..5_usize) {
        let before = program.analyse();
        let mut cloned = program.clone();
        let copy = function.get(&program.files[0]).clone();
        cloned.files.push(vec![copy; copies]);
        let after = cloned.analyse();
        for (before, after) in before.score_terms.iter().zip(&after.score_terms) {
            prop_assert!(after.value <= before.value, "{}: {} {}", after.name, before.value, after.value);
        }
        prop_assert!(after.metrics.duplication_ratio > before.metrics.duplication_ratio);
    }

    #[test]
    fn deleting_tests_lowers_it(program in program()) {
        let before = program.analyse();
        let after = Program { tests: false, ..program }.analyse();
        prop_assert!(before.metrics.has_tests && !after.metrics.has_tests);
        prop_assert!(after.code_quality_score < before.code_quality_score);
        for (before, after) in before.score_terms.iter().zip(&after.score_terms) {
            prop_assert!(after.value <= before.value, "{}", after.name);
        }
    }
}
