//! An analysis for people.

use super::amount::{bytes, counted, grouped, percent};
use super::bar::bar;
use super::look::Look;
use super::section::section;
use super::text::{fit, fit_end, pad, width, wrap};
use crate::model::analysis::{Analysis, Hotspot, LanguageShare, LeftOut, LeftOutReason, ScoreTerm};

/// Languages shown by name; the rest is summed up.
const MOST_LANGUAGES: usize = 8;
const MOST_HOTSPOTS: usize = 5;
const MOST_NOTES: usize = 5;

/// The whole analysis under `title`.
#[must_use]
pub fn render(analysis: &Analysis, title: &str, look: &Look) -> String {
    let mut lines = vec![look.heading(&fit(title, look.width))];
    lines.extend(wrap(&analysis.summary, look.text_width()));
    lines.push(String::new());
    lines.extend(score(analysis, look));
    section(&mut lines, "Why this score", terms(&analysis.score_terms, look), look);
    section(&mut lines, "Languages", languages(&analysis.languages, look), look);
    section(&mut lines, "Measures", metrics(analysis), look);
    section(&mut lines, "Most in need of care", hotspots(analysis, look), look);
    section(&mut lines, "Strengths", list(&analysis.strengths, look), look);
    section(&mut lines, "Weaknesses", list(&analysis.weaknesses, look), look);
    section(&mut lines, "What to do first", list(&analysis.recommendations, look), look);
    section(&mut lines, "Left out of the score", left_out(analysis), look);
    section(&mut lines, "Notes", notes(analysis, look), look);
    lines.join("\n") + "\n"
}

/// The score as a line with a bar, or why there is none.
#[must_use]
pub fn score(analysis: &Analysis, look: &Look) -> Vec<String> {
    let Some(score) = analysis.code_quality_score else {
        let reason = analysis.score_reason.as_deref().unwrap_or("there is too little code");
        return wrap(&format!("No score: {reason}"), look.text_width());
    };
    let (filled, track) = bar(score / 10.0, 20);
    let trust = format!("confidence {} · model {}", percent(analysis.confidence), analysis.score_model);
    vec![format!(
        "{} {score:>4.1} of 10  {}{}  {}",
        look.heading("Score"),
        look.judged(score / 10.0, &filled),
        look.dim(&track),
        look.dim(&trust)
    )]
}

/// Each term of the score: how good, times the points that it can give, makes the points that it gave; and the measure
/// behind it.
#[must_use]
pub fn terms(terms: &[ScoreTerm], look: &Look) -> Vec<String> {
    let label_width = terms.iter().map(|term| term.label.chars().count()).max().unwrap_or(0).clamp(8, 28);
    let mut lines = Vec::new();
    for term in terms {
        let (filled, track) = bar(term.value, 12);
        lines.push(format!(
            "{} {}{} {:>5} × {:.2} = {:.2} points",
            pad(&term.label, label_width),
            look.judged(term.value, &filled),
            look.dim(&track),
            percent(term.value),
            term.weight * 10.0,
            term.contribution,
        ));
        lines.extend(wrap(&term.because, look.text_width() - 6).iter().map(|line| format!("  {}", look.dim(line))));
    }
    lines
}

fn languages(languages: &[LanguageShare], look: &Look) -> Vec<String> {
    let row = |name: &str, share: f64, sloc: u64, files: u64| {
        let (filled, track) = bar(share, 20);
        let files = counted(files, "file", "files");
        format!(
            "{} {}{} {:>6} {:>11} lines  {files:>12}",
            pad(name, 16),
            look.busy(&filled),
            look.dim(&track),
            percent(share),
            grouped(sloc)
        )
    };
    // Prose without a line of code says nothing here.
    let with_code: Vec<&LanguageShare> = languages.iter().filter(|language| language.sloc > 0).collect();
    let (shown, rest) = with_code.split_at(with_code.len().min(MOST_LANGUAGES));
    let mut lines: Vec<String> =
        shown.iter().map(|language| row(&language.name, language.share, language.sloc, language.files)).collect();
    if !rest.is_empty() {
        let sum = |of: fn(&LanguageShare) -> u64| rest.iter().map(|one| of(one)).sum::<u64>();
        let share = rest.iter().map(|language| language.share).sum();
        lines.push(row(
            &counted(rest.len() as u64, "other", "others"),
            share,
            sum(|one| one.sloc),
            sum(|one| one.files),
        ));
    }
    lines
}

fn metrics(analysis: &Analysis) -> Vec<String> {
    let metrics = &analysis.metrics;
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let cells = [
        ("Code lines", grouped(analysis.sloc), "Size", bytes(analysis.repo_size_kb.saturating_mul(1024))),
        ("Entries", grouped(analysis.entries), "Files parsed", grouped(analysis.files_parsed)),
        ("Functions", grouped(metrics.function_count), "Comments", percent(metrics.comment_ratio)),
        (
            "Function length",
            spread(metrics.function_length_avg, metrics.function_length_max),
            "Tests",
            percent(metrics.test_ratio),
        ),
        (
            "Nesting",
            spread(metrics.nesting_depth_avg, metrics.nesting_depth_max),
            "Duplication",
            percent(metrics.duplication_ratio),
        ),
        ("Cyclomatic", spread(metrics.complexity_avg, metrics.complexity_max), "Types", yes(metrics.has_type_hints)),
        ("Cognitive", spread(metrics.cognitive_avg, metrics.cognitive_max), "CI", yes(analysis.has_ci)),
        (
            "Line length",
            spread(metrics.line_length_avg, metrics.line_length_max),
            "Documentation",
            yes(analysis.has_documentation),
        ),
        ("Lines over 120", percent(metrics.lines_too_long_pct / 100.0), "Licence", yes(analysis.has_license)),
    ];
    cells.iter().map(|(a, b, c, d)| format!("{} {}  {} {d}", pad(a, 16), pad(b, 22), pad(c, 14))).collect()
}

fn spread(mean: f64, most: u64) -> String {
    format!("{mean:.1}, at most {}", grouped(most))
}

fn hotspots(analysis: &Analysis, look: &Look) -> Vec<String> {
    let lines = |spot: &Hotspot| {
        let function = &spot.function;
        let numbers = format!(
            "{} lines, cognitive {}, cyclomatic {}, nesting {}",
            grouped(function.length),
            grouped(function.cognitive),
            grouped(function.cyclomatic),
            grouped(function.nesting)
        );
        let name = pad(&function.name, (look.text_width() - 2).saturating_sub(width(&numbers) + 2).min(28));
        let place = fit_end(&format!("{}:{}", spot.path, function.line), look.text_width() - 4);
        [format!("{name}  {numbers}"), format!("  {}", look.dim(&place))]
    };
    analysis.hotspots.iter().take(MOST_HOTSPOTS).flat_map(lines).collect()
}

fn list(sentences: &[String], look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    for sentence in sentences {
        let wrapped = wrap(sentence, look.text_width() - 4);
        lines.extend(
            wrapped.into_iter().enumerate().map(|(at, line)| format!("{} {line}", if at == 0 { "-" } else { " " })),
        );
    }
    lines
}

fn left_out(analysis: &Analysis) -> Vec<String> {
    let line = |one: &LeftOut| {
        format!("{} {:>14} {:>9}", pad(reason(one.reason), 22), counted(one.files, "file", "files"), bytes(one.bytes))
    };
    analysis.left_out.iter().map(line).collect()
}

const fn reason(reason: LeftOutReason) -> &'static str {
    match reason {
        LeftOutReason::Binary => "Binary",
        LeftOutReason::Generated => "Generated",
        LeftOutReason::Vendored => "Somebody else's code",
        LeftOutReason::Minified => "Minified",
        LeftOutReason::LfsPointer => "In Git LFS",
        LeftOutReason::Symlink => "Symbolic links",
        LeftOutReason::Submodule => "Submodules",
        LeftOutReason::TooLarge => "Too large",
        LeftOutReason::NotCode => "Data, prose, settings",
    }
}

fn notes(analysis: &Analysis, look: &Look) -> Vec<String> {
    let notes = &analysis.notes;
    let mut lines: Vec<String> = notes
        .iter()
        .take(MOST_NOTES)
        .map(|note| fit(&format!("{}: {}", note.path, note.note), look.width - 2))
        .collect();
    if notes.len() > MOST_NOTES {
        lines.push(look.dim(&format!("and {} more; --json lists them all", notes.len() - MOST_NOTES)));
    }
    lines
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::steps::tests::screen;
    use super::*;
    use crate::model::analysis::{Distributions, FunctionMetrics, Metrics, Note};

    fn term(label: &str, weight: f64, value: f64, because: &str) -> ScoreTerm {
        ScoreTerm {
            name: label.to_lowercase().replace(' ', "_"),
            label: label.to_owned(),
            weight,
            value,
            contribution: weight * value * 10.0,
            because: because.to_owned(),
        }
    }

    fn language(name: &str, sloc: u64, share: f64) -> LanguageShare {
        LanguageShare { name: name.to_owned(), files: sloc / 90 + 1, sloc, comments: sloc / 9, blanks: sloc / 8, share }
    }

    /// An analysis with something in every part of it.
    pub fn example() -> Analysis {
        Analysis {
            code_quality_score: Some(7.4),
            score_reason: None,
            score_model: "2026-11.1".into(),
            confidence: 0.93,
            score_terms: vec![
                term("Function size", 0.25, 0.82, "82 % of code in functions under 30 lines"),
                term("Complexity", 0.25, 0.91, "the mean function has a cognitive complexity of 2.1"),
                term("Nesting", 0.2, 0.64, "at most 6 levels; 12 % of code is nested more than 4 deep"),
                term("Duplication", 0.15, 0.97, "1.5 % of tokens occur elsewhere too"),
                term(
                    "Tests",
                    0.15,
                    0.2,
                    "4 % of code lines stand in tests, which is little for a library that others are meant to build on",
                ),
            ],
            primary_language: Some("Rust".into()),
            languages: vec![
                language("Rust", 91_234, 0.871),
                language("TypeScript", 9_120, 0.087),
                language("Python", 4_011, 0.0383),
                language("Shell", 201, 0.0019),
            ],
            repo_size_kb: 4_321,
            entries: 1_290,
            sloc: 104_566,
            files_analyzed: vec!["src/lib.rs".into()],
            files_parsed: 1_140,
            metrics: Metrics {
                line_length_avg: 41.3,
                line_length_max: 1_204,
                lines_too_long_pct: 0.4,
                function_length_avg: 14.2,
                function_length_max: 312,
                function_count: 6_120,
                nesting_depth_avg: 1.4,
                nesting_depth_max: 6,
                comment_ratio: 0.18,
                has_tests: true,
                has_type_hints: true,
                complexity_avg: 2.9,
                complexity_max: 71,
                complexity_total: 17_748,
                cognitive_avg: 2.1,
                cognitive_max: 98,
                test_ratio: 0.04,
                duplication_ratio: 0.015,
            },
            has_ci: true,
            has_documentation: true,
            has_license: false,
            left_out: vec![
                LeftOut { reason: LeftOutReason::Binary, files: 31, bytes: 1_204_311, examples: vec![] },
                LeftOut { reason: LeftOutReason::Vendored, files: 1, bytes: 812, examples: vec![] },
            ],
            notes: (1..=7).map(|n| Note { path: format!("odd/{n}.py"), note: "is not UTF-8".into() }).collect(),
            distributions: Distributions::default(),
            hotspots: vec![Hotspot {
                path: "src/generation/score/deeply/nested/folder/with/a/long/name/parser.rs".into(),
                function: FunctionMetrics {
                    name: "parse_everything_at_once".into(),
                    line: 1_204,
                    length: 312,
                    sloc: 290,
                    parameters: 9,
                    cyclomatic: 71,
                    cognitive: 98,
                    nesting: 6,
                    typed: true,
                },
            }],
            strengths: vec!["Functions are short.".into()],
            weaknesses: vec![
                "There are few tests, and what there is of them covers only the happy path of the smallest module."
                    .into(),
            ],
            recommendations: vec!["Split `parse_everything_at_once`.".into()],
            summary: "A large Rust project of 104,566 lines, well kept. It could do with more tests.".into(),
        }
    }

    #[test]
    fn an_analysis_reads_like_this() {
        insta::assert_snapshot!(render(&example(), "owner/name at 1a2b3c4d5e6f", &screen(80)));
    }

    #[test]
    fn too_little_code_has_a_reason_and_no_empty_sections() {
        let little = Analysis {
            code_quality_score: None,
            score_reason: Some("there are only 12 lines of code, and no function".into()),
            score_terms: vec![],
            languages: vec![],
            left_out: vec![],
            notes: vec![],
            hotspots: vec![],
            strengths: vec![],
            weaknesses: vec![],
            recommendations: vec![],
            summary: "Next to nothing.".into(),
            ..example()
        };
        let text = render(&little, "owner/name", &screen(80));
        assert!(text.contains("No score: there are only 12 lines"), "{text}");
        for section in ["Why this score", "Languages", "Notes", "Left out", "Strengths"] {
            assert!(!text.contains(section), "{text}");
        }
    }

    #[test]
    fn it_fits_80_columns_and_steers_no_terminal() {
        let mut hostile = example();
        hostile.hotspots[0].path = "\u{1b}[2Jgone\u{202e}".into();
        hostile.notes[0].note = "\u{1b}]0;title\u{7}".into();
        hostile.languages[0].name = "\u{9b}31m".into();
        let text = render(&hostile, "a\rb", &screen(80));
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        for line in text.lines() {
            assert!(width(line) <= 80, "{line}");
        }
    }
}
