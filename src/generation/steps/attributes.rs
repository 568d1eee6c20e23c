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
        background: habitat::background_of(language.as_deref()).to_owned(),
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

    /// Rows of a Markdown table.
    fn rows(cells: impl IntoIterator<Item = Vec<String>>) -> String {
        cells.into_iter().flat_map(|row| ["| ".to_owned(), row.join(" | "), " |\n".to_owned()]).collect()
    }

    fn listed<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
        items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_document_says_what_the_code_does() {
        let document = include_str!("../../../docs/cats.md");
        let sizes = [("0 to 1,000", 0, 1_000), ("1,001 to 5,000", 1_001, 5_000), ("5,001 to 10,000", 5_001, 10_000)];
        let sizes = sizes.into_iter().chain([("more than 10,000", 10_001, u64::MAX)]).map(|(kb, from, to)| {
            assert_eq!(Size::of_kb(from), Size::of_kb(to));
            vec![kb.into(), Size::of_kb(to).to_string()]
        });
        let scores = [
            ("8.0 to 10.0", Some(8.0), Some(10.0)),
            ("6.0 to 7.9", Some(6.0), Some(7.9)),
            ("4.0 to 5.9", Some(4.0), Some(5.9)),
            ("0.0 to 3.9", Some(0.0), Some(3.9)),
            ("none", None, None),
        ];
        let scores = scores.map(|(band, from, to)| {
            let of = |score| {
                let moods = [true, false].map(|has_tests| Expression::of(score, has_tests).to_string());
                [vec![band.to_owned(), Age::of_score(score).to_string()], moods.to_vec()].concat()
            };
            assert_eq!(of(from), of(to));
            of(to)
        });
        let builds = Age::ALL.iter().map(|&age| {
            let cat = |size| CatAttributes { size, age, ..describe(&strategy::blank(), &Seed::of("r", "c")) };
            let words = Size::ALL.iter().map(|&size| cat(size).build().to_owned());
            std::iter::once(age.to_string()).chain(words).collect()
        });
        let breeds = Breed::ALL.iter().map(|&breed| {
            let mut languages = listed(
                habitat::HABITATS.iter().filter(|habitat| habitat.breed == breed).map(|habitat| habitat.language),
            );
            if breed == Breed::DomesticShorthair {
                languages.push_str(", every other, and none");
            }
            vec![breed.to_string(), languages, listed(breed.colors())]
        });
        let themed = habitat::HABITATS.iter().filter(|habitat| habitat.background != habitat::ELSEWHERE);
        let backgrounds = themed
            .map(|habitat| (habitat.language, habitat.background))
            .chain([("every other, and none", habitat::ELSEWHERE)])
            .map(|(language, background)| vec![language.to_owned(), background.to_owned()]);
        for table in [rows(sizes), rows(scores), rows(builds), rows(breeds), rows(backgrounds)] {
            assert!(document.contains(&format!("-|\n{table}\n")), "docs/cats.md lacks this table:\n{table}");
        }
    }
}
