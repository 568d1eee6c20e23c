//! Everything that is found out about the content of one file. Runs in the parser's child.

use std::ops::ControlFlow;

use tokei::LanguageType;
use tree_sitter::{ParseOptions, ParseState};

use crate::model::analysis::LeftOutReason;

use super::facts::{FileFacts, LineFacts};
use super::filter;
use super::functions;
use super::grammar::{Grammar, Syntax};
use super::language;
use super::signals;

/// Deepest nesting of brackets that is parsed. People's code stays under 100, but strings
/// and comments count, too.
const MAX_BRACKETS: usize = 10_000;
/// Steps of 100 operations that parsing may take: for any file, and the bytes that allow for another. Real code takes
/// one for 50 bytes, the worst that was found one for 13.
const STEPS: (usize, usize) = (1000, 4);
/// Share of bytes that may be no valid code before the functions that were found mean nothing.
const MAX_BROKEN: f64 = 0.5;

/// What is to be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Functions, too.
    Parse,
    /// Lines only, for a file that was not parsed because of `reason`'s sentence.
    Count,
}

/// Examines files, one after the other; keeps the parsers between them.
#[derive(Default)]
pub struct Examiner {
    syntaxes: [Option<Box<Syntax>>; Grammar::ALL.len()],
}

impl Examiner {
    /// The measurements of a file, and its sampled windows of tokens. Any bytes are fine.
    pub fn examine(&mut self, path: &str, content: &[u8], depth: Depth, shift: u8) -> (FileFacts, Vec<u64>) {
        let language = language::by_path(path).or_else(|| language::by_shebang(content));
        let mut facts = FileFacts {
            language: language.map(|language| language::name(language).to_owned()),
            ..FileFacts::default()
        };
        let mut windows = Vec::new();
        facts.left_out = filter::by_content(content, language);
        let Some(language) = language.filter(|_| facts.left_out.is_none()) else {
            facts.left_out = facts.left_out.or(Some(LeftOutReason::NotCode));
            return (facts, windows);
        };
        if language::is_not_code(language) {
            facts.left_out = Some(LeftOutReason::NotCode);
        }
        let text = String::from_utf8_lossy(content);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            facts.notes.push("not UTF-8: bytes that are no text were read as replacement characters".to_owned());
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let is_code = facts.left_out.is_none();
        facts.is_test = is_code && signals::is_test(path);
        facts.lines = line_facts(text);
        if let (Some(grammar), Depth::Parse) = (language::grammar(language), depth) {
            self.parse(grammar, text.as_bytes(), shift, &mut facts, &mut windows);
        }
        if !facts.parsed {
            count(language, text, &mut facts);
            facts.test_sloc = if facts.is_test { facts.sloc } else { 0 };
        }
        (facts, windows)
    }

    fn parse(&mut self, grammar: Grammar, source: &[u8], shift: u8, facts: &mut FileFacts, windows: &mut Vec<u64>) {
        if bracket_depth(source) > MAX_BRACKETS {
            facts.notes.push(format!("brackets nested over {MAX_BRACKETS} deep: counted, not parsed"));
            return;
        }
        let syntax = self.syntaxes[grammar as usize].get_or_insert_with(|| Box::new(Syntax::new(grammar)));
        let mut steps = STEPS.0 + source.len() / STEPS.1;
        let mut progress = |_: &ParseState| {
            steps = steps.saturating_sub(1);
            if steps == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut progress);
        let mut read = |at: usize, _| source.get(at..).unwrap_or_default();
        let Some(tree) = syntax.parser.parse_with_options(&mut read, None, Some(options)) else {
            syntax.parser.reset();
            facts.notes.push("parsing took too many steps: counted, not parsed".to_owned());
            return;
        };
        functions::measure(syntax, &tree, source, facts.is_test, shift, facts, windows);
        let broken = facts.broken_bytes as f64 / (source.len().max(1)) as f64;
        if broken > MAX_BROKEN {
            let language = facts.language.as_deref().unwrap_or("code");
            facts.notes.push(format!("{:.0} % of it is no valid {language}: counted, not scored", broken * 100.0));
            facts.functions.clear();
            facts.statements = 0;
            windows.clear();
            return;
        }
        facts.parsed = true;
        let rows = source.split_inclusive(|&byte| byte == b'\n').count() as u64;
        facts.blanks = rows.saturating_sub(facts.sloc + facts.comments);
    }
}

fn count(language: LanguageType, text: &str, facts: &mut FileFacts) {
    let stats = language.parse_from_str(text, &tokei::Config::default()).summarise();
    facts.sloc = stats.code as u64;
    facts.comments = stats.comments as u64;
    facts.blanks = stats.blanks as u64;
}

fn line_facts(text: &str) -> LineFacts {
    let mut facts = LineFacts::default();
    for line in text.lines().filter(|line| !line.trim_start().is_empty()) {
        let characters = line.chars().count() as u64;
        facts.count += 1;
        facts.characters += characters;
        facts.longest = facts.longest.max(characters);
        facts.too_long += u64::from(characters > 120);
    }
    facts
}

/// Most brackets that are open at once, as far as can be told without knowing strings and comments.
fn bracket_depth(source: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in source {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests;
