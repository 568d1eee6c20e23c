//! From the analysis to the cat.
//!
//! Each attribute has one source: size is kilobytes, age and beauty are the score, the mood is score and tests, breed
//! and background are the language. Only the colour is chance, among those that the breed comes in.
//!
//! A repository with too little code to judge has no score. Its cat is a kitten, because it has yet to grow up, and
//! neutral, because nobody has given it a reason to be otherwise.

use rand::seq::IndexedRandom;

use super::plain;
use crate::model::analysis::Analysis;
use crate::model::attributes::{Age, Breed, CatAttributes, Color, Expression, Size};
use crate::model::habitat;
use crate::model::seed::Seed;

/// The cat that the repository deserves.
#[must_use]
pub fn describe(analysis: &Analysis, seed: &Seed) -> CatAttributes {
    let score = score(analysis);
    let language = language(analysis);
    let breed = Breed::of_language(language.as_deref());
    CatAttributes {
        size: Size::of_kb(analysis.repo_size_kb),
        age: Age::of_score(score),
        breed,
        color: color(breed, seed),
        beauty_score: score,
        expression: Expression::of(score, analysis.metrics.has_tests),
        background: background(language.as_deref()).to_owned(),
        language,
    }
}

/// The score where there is one: a number, and within its scale.
fn score(analysis: &Analysis) -> Option<f64> {
    analysis.code_quality_score.filter(|score| !score.is_nan()).map(|score| score.clamp(0.0, 10.0))
}

/// The name of the primary language, fit to be shown.
fn language(analysis: &Analysis) -> Option<String> {
    analysis.primary_language.as_deref().and_then(plain::language)
}

fn color(breed: Breed, seed: &Seed) -> Color {
    *breed.colors().choose(&mut seed.rng("color")).expect("every breed comes in some colour")
}

fn background(language: Option<&str>) -> &'static str {
    language.and_then(habitat::of).map_or(habitat::ELSEWHERE, |habitat| habitat.background)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::analysis::strategy;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_analysis_has_its_cat(analysis in strategy::wild(), commit in "[0-9a-f]{40}") {
            let seed = Seed::of("https://example.org/owner/name", &commit);
            let cat = describe(&analysis, &seed);
            prop_assert_eq!(cat.size, Size::of_kb(analysis.repo_size_kb));
            prop_assert_eq!(cat.age, Age::of_score(cat.beauty_score));
            prop_assert_eq!(cat.expression, Expression::of(cat.beauty_score, analysis.metrics.has_tests));
            prop_assert!(cat.breed.colors().contains(&cat.color));
            prop_assert!(cat.beauty_score.is_none_or(|score| (0.0..=10.0).contains(&score)));
            prop_assert!(!cat.background.is_empty());
            prop_assert_eq!(&cat, &describe(&analysis, &seed));
        }

        #[test]
        fn it_comes_back_from_the_database_as_it_was(analysis in strategy::credible()) {
            let cat = describe(&analysis, &Seed::of("r", "c"));
            let json = serde_json::to_string(&cat).unwrap();
            prop_assert_eq!(cat, serde_json::from_str::<CatAttributes>(&json).unwrap());
        }
    }

    #[test]
    fn every_colour_of_a_breed_is_chosen_by_some_seed() {
        for &breed in Breed::ALL {
            for &wanted in breed.colors() {
                let found = (0..500).any(|n| color(breed, &Seed::of("r", &n.to_string())) == wanted);
                assert!(found, "no {wanted} {breed} among 500");
            }
        }
    }

    #[test]
    fn a_repository_too_small_to_judge_is_a_neutral_kitten_of_its_language() {
        let analysis = Analysis { primary_language: Some("rust".into()), ..strategy::blank() };
        let cat = describe(&analysis, &Seed::of("r", "c"));
        assert_eq!((cat.age, cat.expression, cat.size), (Age::Kitten, Expression::Neutral, Size::Small));
        assert_eq!((cat.breed, cat.beauty_score), (Breed::MaineCoon, None));
        assert_eq!(cat.background, habitat::of("Rust").unwrap().background);
    }
}
