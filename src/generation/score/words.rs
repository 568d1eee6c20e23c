//! Strengths, weaknesses, recommendations and a summary, from the terms of the score: the same facts in sentences.

use crate::model::analysis::{Hotspot, ScoreTerm};
use crate::model::figures::{counted, grouped};

/// From here on a term is a strength.
const STRONG: f64 = 0.85;
/// Below this it is a weakness.
const WEAK: f64 = 0.5;
/// Recommendations that are given.
const MOST: usize = 3;

/// What is good, in the order of the terms.
#[must_use]
pub fn strengths(terms: &[ScoreTerm]) -> Vec<String> {
    terms.iter().filter(|term| term.value >= STRONG).map(sentence).collect()
}

/// What is not.
#[must_use]
pub fn weaknesses(terms: &[ScoreTerm]) -> Vec<String> {
    terms.iter().filter(|term| term.value < WEAK).map(sentence).collect()
}

/// What to do first: where most points are to be had.
#[must_use]
pub fn recommendations(terms: &[ScoreTerm], hotspots: &[Hotspot]) -> Vec<String> {
    let mut by_loss: Vec<&ScoreTerm> = terms.iter().filter(|term| loss(term) >= 0.2).collect();
    by_loss.sort_by(|a, b| loss(b).total_cmp(&loss(a)));
    by_loss.into_iter().take(MOST).map(|term| recommendation(term, hotspots)).collect()
}

/// Two sentences.
#[must_use]
pub fn summary(
    language: Option<&str>,
    sloc: u64,
    files: usize,
    score: Option<f64>,
    reason: Option<&str>,
    terms: &[ScoreTerm],
) -> String {
    let files = counted(files as u64, "file", "files");
    let what = match language {
        Some(language) => format!("{} lines in {files}, mostly {language}.", grouped(sloc)),
        None => format!("{files}, none of them in a language that is known."),
    };
    let Some(score) = score else {
        return format!("{what} No score: {}.", reason.unwrap_or("there is too little to judge"));
    };
    // Of terms that look the same to people, the weightiest is named.
    let percent = |term: &ScoreTerm| (term.value * 100.0).round() as u32;
    let best = terms.iter().max_by(|a, b| percent(a).cmp(&percent(b)).then(a.weight.total_cmp(&b.weight)));
    let worst = terms.iter().max_by(|a, b| loss(a).total_cmp(&loss(b)));
    let (Some(best), Some(worst)) = (best, worst) else { return what };
    if loss(worst) < 0.2 {
        return format!("{what} {score:.1} of 10 points, and nothing of weight is missing.");
    }
    format!(
        "{what} {score:.1} of 10 points: best is {} ({}), most is lost by {} ({}).",
        best.label.to_lowercase(),
        best.because,
        worst.label.to_lowercase(),
        worst.because
    )
}

/// Points of the score that a term does not give.
fn loss(term: &ScoreTerm) -> f64 {
    10.0 * term.weight - term.contribution
}

fn sentence(term: &ScoreTerm) -> String {
    format!("{}: {}.", term.label, term.because)
}

fn recommendation(term: &ScoreTerm, hotspots: &[Hotspot]) -> String {
    let worst = |key: fn(&Hotspot) -> u64| {
        hotspots
            .iter()
            .max_by_key(|spot| key(spot))
            .map(|spot| format!("`{}` in {}:{}", spot.function.name, spot.path, spot.function.line))
    };
    let start = |spot: Option<String>| spot.map_or_else(String::new, |spot| format!("; start with {spot}"));
    let points = loss(term);
    let what = match term.name.as_str() {
        "function_size" => format!("Split long functions{}", start(worst(|spot| spot.function.sloc))),
        "cognitive_complexity" => format!("Simplify tangled functions{}", start(worst(|spot| spot.function.cognitive))),
        "nesting" => format!("Return early instead of nesting{}", start(worst(|spot| spot.function.nesting))),
        "duplication" => "Give code that occurs more than once one home".to_owned(),
        "tests" => "Write tests, or more of them".to_owned(),
        "documentation" => "Write a README that says what it is and how to start, and a docs folder".to_owned(),
        "license" => "Add a licence file, so that others know what they may do".to_owned(),
        "ci" => "Set up continuous integration".to_owned(),
        _ => "Split long files".to_owned(),
    };
    format!("{what} (up to {points:.1} points).")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(name: &str, weight: f64, value: f64) -> ScoreTerm {
        ScoreTerm {
            name: name.to_owned(),
            label: name.to_owned(),
            weight,
            value,
            contribution: 10.0 * weight * value,
            because: format!("{name} is so"),
        }
    }

    #[test]
    fn the_dearest_loss_comes_first() {
        let terms = [term("ci", 0.05, 0.0), term("tests", 0.15, 0.1), term("license", 0.04, 1.0)];
        let recommendations = recommendations(&terms, &[]);
        assert_eq!(
            recommendations,
            ["Write tests, or more of them (up to 1.4 points).", "Set up continuous integration (up to 0.5 points)."]
        );
        assert_eq!(strengths(&terms), ["license: license is so."]);
        assert_eq!(weaknesses(&terms).len(), 2);
    }

    #[test]
    fn the_summary_is_two_sentences() {
        let terms = [term("ci", 0.05, 0.0), term("tests", 0.15, 1.0)];
        assert_eq!(
            summary(Some("Go"), 12_345, 1, Some(7.25), None, &terms),
            "12,345 lines in 1 file, mostly Go. 7.2 of 10 points: best is tests (tests is so), most is lost by ci (ci is so)."
        );
        assert_eq!(
            summary(None, 0, 2, None, Some("there is no code"), &[]),
            "2 files, none of them in a language that is known. No score: there is no code."
        );
    }
}
