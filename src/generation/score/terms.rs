//! The score: weighted terms, each with the measurement behind it.

use crate::model::analysis::{Distributions, ScoreTerm};

use super::distributions::Quality;
use super::grammar::Grammar;
use super::round;
use super::signals::Signals;

/// The version of these rules. Any change of a weight, a map or a measurement is a new one.
pub const SCORE_MODEL: &str = "2026-11.1";
/// Fewer lines of parsed code outside of tests than this are not judged.
pub const MIN_SLOC: u64 = 200;

/// Share of test code from which more tests add nothing.
const ENOUGH_TESTS: f64 = 0.25;
/// Share of duplicated code at which half of that term is gone.
const HALF_DUPLICATED: f64 = 0.25;

/// What the score is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence<'a> {
    /// Means over the code.
    pub quality: Quality,
    /// The bands, for the words.
    pub bands: &'a Distributions,
    /// Share of windows of tokens that occur more than once.
    pub duplication: f64,
    /// Whether there are tests.
    pub has_tests: bool,
    /// Share of code that is tests.
    pub test_ratio: f64,
    /// What the paths tell.
    pub signals: Signals,
}

/// The terms in a fixed order; their weights sum to 1.
#[must_use]
pub fn terms(evidence: &Evidence<'_>) -> Vec<ScoreTerm> {
    let Evidence { quality, bands, duplication, has_tests, test_ratio, signals } = evidence;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let of_functions = |value: Option<f64>, because: String| {
        value.map_or((0.5, "there are no functions".to_owned()), |value| (value, because))
    };
    let size = of_functions(
        quality.function_size,
        format!(
            "{} of code in functions of up to 30 lines",
            percent(bands.function_length[0] + bands.function_length[1])
        ),
    );
    let cognitive = of_functions(
        quality.cognitive,
        format!(
            "{} of code in functions of cognitive complexity up to 15",
            percent(bands.cognitive[0] + bands.cognitive[1])
        ),
    );
    let nesting = of_functions(
        quality.nesting,
        format!("{} of code in functions nested up to 3 deep", percent(bands.nesting[0] + bands.nesting[1])),
    );
    let tests = if *has_tests {
        (0.5 + 0.5 * (test_ratio / ENOUGH_TESTS).min(1.0), format!("{} of code is tests", percent(*test_ratio)))
    } else {
        (0.0, "there are no tests".to_owned())
    };
    let documentation = match (signals.readme, signals.docs_folder) {
        (true, true) => (1.0, "a README and a documentation folder"),
        (true, false) => (0.7, "a README, no documentation folder"),
        (false, true) => (0.3, "a documentation folder, no README of substance"),
        (false, false) => (0.0, "no README of substance, no documentation folder"),
    };
    let presence = |there: bool, yes: &str, no: &str| {
        if there { (1.0, yes.to_owned()) } else { (0.0, no.to_owned()) }
    };
    let copies = 1.0 / (1.0 + (duplication / HALF_DUPLICATED).powi(2));
    let file_size = quality.file_size.unwrap_or(1.0);
    vec![
        term("function_size", "Function size", 0.25, size),
        term("cognitive_complexity", "Cognitive complexity", 0.20, cognitive),
        term("nesting", "Nesting", 0.10, nesting),
        term(
            "duplication",
            "Duplication",
            0.10,
            (copies, format!("{} of code in functions occurs more than once", percent(*duplication))),
        ),
        term("tests", "Tests", 0.15, tests),
        term("documentation", "Documentation", 0.06, (documentation.0, documentation.1.to_owned())),
        term("license", "Licence", 0.04, presence(signals.license, "a licence file", "no licence file")),
        term(
            "ci",
            "Continuous integration",
            0.05,
            presence(signals.ci, "continuous integration is set up", "no continuous integration"),
        ),
        term(
            "file_size",
            "File size",
            0.05,
            (
                file_size,
                format!("{} of code in files of up to 500 lines", percent(bands.file_length[0] + bands.file_length[1])),
            ),
        ),
    ]
}

/// 0.0 to 10.0 with one decimal.
#[must_use]
pub fn score(terms: &[ScoreTerm]) -> f64 {
    round(terms.iter().map(|term| term.contribution).sum(), 1)
}

/// The terms about code, applied to one file; `None` where it has no function.
#[must_use]
pub fn file_score(quality: &Quality) -> Option<f64> {
    let sum = 0.25 * quality.function_size?
        + 0.20 * quality.cognitive?
        + 0.10 * quality.nesting?
        + 0.05 * quality.file_size?;
    Some(round(10.0 * sum / 0.60, 1))
}

/// Why there is no score, where there is too little to judge.
///
/// `parsed` are the lines of parsed code outside of tests, `code` all lines of code, `main` the language of most.
#[must_use]
pub fn reason_for_none(parsed: u64, code: u64, main: Option<&str>) -> Option<String> {
    if parsed >= MIN_SLOC {
        return None;
    }
    Some(match main {
        None => "there is no code".to_owned(),
        Some(language) if parsed == 0 && code >= MIN_SLOC => format!(
            "{code} lines of code, most of it {language}, but none outside of tests that is judged: {} are",
            Grammar::NAMES
        ),
        Some(_) => {
            format!("{parsed} lines of parsed code outside of tests are too few to judge: {MIN_SLOC} are needed")
        }
    })
}

/// How much the score can be trusted, 0 to 1: grows with the parsed code and with its share of all code.
#[must_use]
pub fn confidence(parsed: u64, code: u64) -> f64 {
    if parsed == 0 || code == 0 {
        return 0.0;
    }
    let (parsed, code) = (parsed as f64, code as f64);
    round(parsed / (parsed + 1000.0) * (parsed / code).min(1.0), 2)
}

fn term(name: &str, label: &str, weight: f64, (value, because): (f64, String)) -> ScoreTerm {
    let value = round(value, 6);
    let contribution = round(10.0 * weight * value, 6);
    ScoreTerm { name: name.to_owned(), label: label.to_owned(), weight, value, contribution, because }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(bands: &Distributions, value: f64, has: bool) -> Evidence<'_> {
        let quality = Quality {
            function_size: Some(value),
            cognitive: Some(value),
            nesting: Some(value),
            file_size: Some(value),
        };
        let signals = Signals { readme: has, docs_folder: has, license: has, ci: has };
        Evidence { quality, bands, duplication: 1.0 - value, has_tests: has, test_ratio: value, signals }
    }

    #[test]
    fn the_best_is_ten_and_the_worst_almost_zero() {
        let bands = Distributions::default();
        let best = terms(&evidence(&bands, 1.0, true));
        assert!((best.iter().map(|term| term.weight).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((score(&best) - 10.0).abs() < 1e-9);
        let worst = score(&terms(&evidence(&bands, 0.0, false)));
        assert!((0.0..0.2).contains(&worst), "{worst}");
    }

    #[test]
    fn too_little_code_has_a_reason() {
        assert_eq!(reason_for_none(200, 200, Some("Rust")), None);
        insta::assert_snapshot!(
            [
                reason_for_none(12, 12, Some("Rust")),
                reason_for_none(0, 40_000, Some("C++")),
                reason_for_none(0, 0, None),
                reason_for_none(0, 30, Some("Shell")),
            ]
            .map(Option::unwrap)
            .join("\n"),
            @r"
        12 lines of parsed code outside of tests are too few to judge: 200 are needed
        40000 lines of code, most of it C++, but none outside of tests that is judged: Rust, Python, JavaScript, TypeScript, Go and Java are
        there is no code
        0 lines of parsed code outside of tests are too few to judge: 200 are needed
        "
        );
    }

    proptest! {
        #[test]
        fn each_term_stays_in_its_bounds(value in 0.0..=1.0_f64, has: bool) {
            let bands = Distributions::default();
            let terms = terms(&evidence(&bands, value, has));
            for term in &terms {
                prop_assert!((0.0..=1.0).contains(&term.value));
                prop_assert!((term.contribution - 10.0 * term.weight * term.value).abs() < 1e-5);
            }
            prop_assert!((0.0..=10.0).contains(&score(&terms)));
        }

        #[test]
        fn confidence_grows_with_parsed_code(parsed in 0_u64..100_000, more in 0_u64..100_000, rest in 0_u64..100_000) {
            let (less, more) = (confidence(parsed, parsed + rest), confidence(parsed + more, parsed + more + rest));
            prop_assert!(less <= more && more <= 1.0);
        }
    }
}
