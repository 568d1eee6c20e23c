//! Why a cat is as it is: which measurement led to which attribute.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::analysis::{Analysis, ScoreTerm};
use super::attributes::{Age, CatAttributes, Size};
use super::figures::grouped;

/// Why a cat is as it is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Why {
    /// The score, 0 to 10; none where there was too little code to judge.
    pub score: Option<f64>,
    /// Why there is no score.
    pub score_reason: Option<String>,
    /// Which rules made the score.
    pub score_model: String,
    /// How much the score can be trusted, 0 to 1.
    pub confidence: f64,
    /// The parts of the score.
    pub score_terms: Vec<ScoreTerm>,
    /// What each attribute comes from.
    pub attributes: Vec<Reason>,
}

/// What an attribute comes from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Reason {
    /// The attribute.
    #[schema(example = "size")]
    pub attribute: String,
    /// What it is.
    #[schema(example = "medium")]
    pub value: String,
    /// The measurement that it comes from, as the analysis names it.
    #[schema(example = "repo_size_kb")]
    pub measure: String,
    /// What was measured: a number, a text, a truth; null where nothing could be.
    pub measured: Value,
    /// The rule, in words.
    #[schema(example = "1,204 KB: medium is from 1,001 to 5,000 KB")]
    pub because: String,
}

impl Why {
    /// Why this cat came out of that analysis.
    #[must_use]
    pub fn of(cat: &CatAttributes, analysis: &Analysis) -> Self {
        Self {
            score: analysis.code_quality_score,
            score_reason: analysis.score_reason.clone(),
            score_model: analysis.score_model.clone(),
            confidence: analysis.confidence,
            score_terms: analysis.score_terms.clone(),
            attributes: reasons(cat, analysis),
        }
    }

    /// The same of documents as they are stored; none where they are not of our making.
    #[must_use]
    pub fn of_stored(cat: &Value, analysis: &Value) -> Option<Self> {
        Some(Self::of(&CatAttributes::deserialize(cat).ok()?, &Analysis::deserialize(analysis).ok()?))
    }
}

fn reasons(cat: &CatAttributes, analysis: &Analysis) -> Vec<Reason> {
    let reason = |attribute: &str, value: &str, (measure, measured): (&str, Value), because: String| Reason {
        attribute: attribute.to_owned(),
        value: value.to_owned(),
        measure: measure.to_owned(),
        measured,
        because,
    };
    let size = || ("repo_size_kb", json!(analysis.repo_size_kb));
    let score = || ("code_quality_score", json!(analysis.code_quality_score));
    let language = || ("primary_language", json!(analysis.primary_language));
    let spoken = cat.language.as_deref().map_or_else(
        || "no language was recognised".to_owned(),
        |language| format!("{language} is the language with the most code"),
    );
    let tested = if analysis.metrics.has_tests { "with tests" } else { "without tests" };
    let colors: Vec<&str> = cat.breed.colors().iter().map(|color| color.name()).collect();
    let coat =
        format!("chosen by repository and commit among those of the {}: {}", cat.breed.name(), colors.join(", "));
    vec![
        reason("size", cat.size.word(), size(), why_size(cat.size, analysis.repo_size_kb)),
        reason("age", cat.age.word(), score(), why_age(cat.age, cat.beauty_score)),
        reason("expression", cat.expression.word(), score(), format!("{}, {tested}", scored(cat.beauty_score))),
        reason("breed", cat.breed.word(), language(), spoken.clone()),
        reason("background", &cat.background, language(), spoken),
        reason("color", cat.color.word(), ("primary_language", json!(analysis.primary_language)), coat),
    ]
}

fn why_size(size: Size, kb: u64) -> String {
    let bounds = Size::UP_TO_KB;
    let place = bounds.iter().position(|(of, _)| *of == size);
    let range = match place {
        Some(0) => format!("up to {} KB", grouped(bounds[0].1)),
        Some(nth) => format!("from {} to {} KB", grouped(bounds[nth - 1].1 + 1), grouped(bounds[nth].1)),
        None => format!("more than {} KB", grouped(bounds[bounds.len() - 1].1)),
    };
    format!("{} KB: {} is {range}", grouped(kb), words(size.word()))
}

fn why_age(age: Age, score: Option<f64>) -> String {
    let rule = Age::FROM_SCORE.iter().find(|(of, _)| *of == age).map_or_else(
        || format!("below {} it has yet to grow up", Age::FROM_SCORE[Age::FROM_SCORE.len() - 1].1),
        |(_, from)| format!("{age} is from {from} on"),
    );
    match score {
        Some(_) => format!("{}: {rule}", scored(score)),
        None => format!("{}: it has yet to grow up", scored(score)),
    }
}

fn scored(score: Option<f64>) -> String {
    score.map_or_else(|| "too little code for a score".to_owned(), |score| format!("a score of {score:.1}"))
}

fn words(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::wish::from_json;

    #[test]
    fn the_rule_is_told_with_what_was_measured() {
        for (size, kb, told) in [
            (Size::Small, 12, "12 KB: small is up to 1,000 KB"),
            (Size::Medium, 1204, "1,204 KB: medium is from 1,001 to 5,000 KB"),
            (Size::VeryLarge, 70_000, "70,000 KB: very large is more than 10,000 KB"),
        ] {
            assert_eq!(why_size(size, kb), told);
        }
        assert_eq!(why_age(Age::Senior, Some(8.25)), "a score of 8.2: senior is from 8 on");
        assert_eq!(why_age(Age::Kitten, Some(1.0)), "a score of 1.0: below 4 it has yet to grow up");
        assert_eq!(why_age(Age::Kitten, None), "too little code for a score: it has yet to grow up");
    }

    #[test]
    fn documents_of_others_have_no_reasons() {
        let cat = serde_json::to_value(from_json("{}").unwrap()).unwrap();
        assert_eq!(Why::of_stored(&cat, &json!({"code_quality_score": 7.0})), None);
        assert_eq!(Why::of_stored(&json!({"size": "chonky", "color": "orange"}), &json!({})), None);
    }
}
