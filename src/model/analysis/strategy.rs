//! Analyses for tests: a blank one to start from, credible ones, and every one that the type allows.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    Analysis, Distributions, FunctionMetrics, Hotspot, LanguageShare, LeftOut, LeftOutReason, Metrics, ScoreTerm,
};

const REASONS: [LeftOutReason; 9] = [
    LeftOutReason::Binary,
    LeftOutReason::Generated,
    LeftOutReason::Vendored,
    LeftOutReason::Minified,
    LeftOutReason::LfsPointer,
    LeftOutReason::Symlink,
    LeftOutReason::Submodule,
    LeftOutReason::TooLarge,
    LeftOutReason::NotCode,
];

/// The analysis of a repository with nothing in it; for `Analysis { sloc: 12, ..blank() }`.
#[must_use]
pub fn blank() -> Analysis {
    Analysis {
        code_quality_score: None,
        score_reason: Some("there is no code".into()),
        score_model: "test".into(),
        confidence: 0.0,
        score_terms: Vec::new(),
        primary_language: None,
        languages: Vec::new(),
        repo_size_kb: 0,
        entries: 0,
        sloc: 0,
        files_analyzed: Vec::new(),
        files_parsed: 0,
        metrics: Metrics::default(),
        has_ci: false,
        has_documentation: false,
        has_license: false,
        left_out: Vec::new(),
        notes: Vec::new(),
        distributions: Distributions::default(),
        hotspots: Vec::new(),
        strengths: Vec::new(),
        weaknesses: Vec::new(),
        recommendations: Vec::new(),
        summary: String::new(),
    }
}

/// Files left out for one reason, without examples.
#[must_use]
pub fn left_out(reason: LeftOutReason, files: u64) -> LeftOut {
    LeftOut { reason, files, bytes: files.saturating_mul(1_024), examples: Vec::new() }
}

/// A function in need of care.
#[must_use]
pub fn hotspot(path: &str, name: &str, length: u64, cyclomatic: u64, cognitive: u64) -> Hotspot {
    let function = FunctionMetrics {
        name: name.into(),
        line: 1,
        length,
        sloc: length,
        parameters: 2,
        cyclomatic,
        cognitive,
        nesting: 3,
        typed: false,
    };
    Hotspot { path: path.into(), function }
}

/// A language's share of the code.
#[must_use]
pub fn language(name: &str, sloc: u64, share: f64) -> LanguageShare {
    LanguageShare { name: name.into(), files: 1, sloc, comments: 0, blanks: 0, share }
}

/// Analyses with numbers as a real one has them: in their ranges, and names of all sorts.
pub fn credible() -> impl Strategy<Value = Analysis> {
    analyses(credible_score().boxed(), (0.0..=1.0).boxed(), (0_u64..5_000).boxed())
}

/// Analyses with any value that the type allows: NaN, infinities, `u64::MAX`, names of control characters.
pub fn wild() -> impl Strategy<Value = Analysis> {
    let number = prop_oneof![any::<u64>(), 0_u64..3, Just(u64::MAX)];
    let float = proptest::num::f64::ANY;
    analyses(proptest::option::of(float).boxed(), float.boxed(), number.boxed())
}

fn credible_score() -> impl Strategy<Value = Option<f64>> {
    proptest::option::weighted(0.9, (0_u32..=100).prop_map(|tenths| f64::from(tenths) / 10.0))
}

fn analyses(
    score: BoxedStrategy<Option<f64>>,
    share: BoxedStrategy<f64>,
    number: BoxedStrategy<u64>,
) -> impl Strategy<Value = Analysis> {
    let size = prop_oneof![0_u64..20_000, any::<u64>()];
    let sloc = prop_oneof![Just(0), 0_u64..500, 0_u64..500_000, number.clone()];
    (
        (score, size, sloc, any::<[bool; 3]>()),
        vec((names(), number.clone(), share.clone()), 0..8),
        metrics(share.clone(), number.clone()),
        vec((names(), names(), vec(number.clone(), 4)), 0..4),
        vec((0..REASONS.len(), number.clone()), 0..5),
        vec((words(), vec(share.clone(), 3)), 0..7),
        vec(share, 4),
        number,
    )
        .prop_map(|((score, size, sloc, has), languages, metrics, hotspots, left_out, terms, bands, entries)| {
            Analysis {
                code_quality_score: score,
                repo_size_kb: size,
                sloc,
                entries,
                primary_language: languages.first().map(|(name, ..)| name.clone()),
                languages: languages.iter().map(|(name, sloc, share)| language(name, *sloc, *share)).collect(),
                metrics,
                has_ci: has[0],
                has_documentation: has[1],
                has_license: has[2],
                hotspots: hotspots.iter().map(|(path, name, of)| hotspot(path, name, of[0], of[1], of[2])).collect(),
                left_out: left_out.iter().map(|(reason, files)| self::left_out(REASONS[*reason], *files)).collect(),
                score_terms: terms.iter().map(|(name, of)| term(name, of)).collect(),
                distributions: Distributions {
                    file_length: [bands[0], bands[1], bands[2], bands[3]],
                    ..Default::default()
                },
                ..blank()
            }
        })
}

fn metrics(share: BoxedStrategy<f64>, number: BoxedStrategy<u64>) -> impl Strategy<Value = Metrics> {
    (vec(share, 5), vec(number, 4), prop_oneof![0_u64..3_000, any::<u64>()], any::<[bool; 2]>()).prop_map(
        |(shares, numbers, longest, has)| Metrics {
            line_length_avg: shares[0] * 80.0,
            line_length_max: numbers[0],
            lines_too_long_pct: shares[0] * 100.0,
            function_length_avg: shares[1] * 60.0,
            function_length_max: longest,
            function_count: numbers[1],
            nesting_depth_max: numbers[2] % 16,
            comment_ratio: shares[2],
            has_tests: has[0],
            has_type_hints: has[1],
            complexity_max: numbers[3],
            test_ratio: shares[3],
            duplication_ratio: shares[4],
            ..Metrics::default()
        },
    )
}

fn term(name: &str, of: &[f64]) -> ScoreTerm {
    ScoreTerm {
        name: name.into(),
        label: name.into(),
        weight: of[0],
        value: of[1],
        contribution: of[2],
        because: String::new(),
    }
}

fn words() -> impl Strategy<Value = String> {
    // One that looks like an infinite number would hide such a number in a text.
    "[A-Z][a-z]{2,8}( [a-z]{2,8}){0,2}".prop_filter("looks like an infinite number", |words| !words.contains(" inf"))
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(&["Rust", "Python", "C++", "C#", "Go", "Jupyter Notebooks", "src/main.rs"][..])
            .prop_map(str::to_owned),
        4 => "[a-z_]{1,12}(/[a-z_]{1,12}){0,3}\\.[a-z]{1,3}",
        1 => "[a-z]{300,400}",
        1 => Just("<anonymous>".to_owned()),
        1 => Just("{sloc} ß. Ǆ! \u{202e}</b>`x`".to_owned()),
        2 => any::<String>(),
    ]
}
