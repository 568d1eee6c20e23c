//! What a text-to-image service is told: one paragraph about the cat.
//!
//! Nothing that the repository's authors could have typed stands in it, but the language's name, cleaned and capped.

use rand::seq::IndexedRandom;

use super::plain;
use crate::model::analysis::Analysis;
use crate::model::attributes::{Age, Breed, CatAttributes, Expression, Size};
use crate::model::habitat;
use crate::model::seed::Seed;

/// The prompt, of less than 1,000 characters: what it is, coat, build, age, mood, grooming, collar, background, style
/// and light, in this order.
#[must_use]
pub fn write(analysis: &Analysis, cat: &CatAttributes, seed: &Seed) -> String {
    let style = pick(STYLES, seed, "prompt style");
    let pose = pick(POSES, seed, "prompt pose");
    format!(
        "{style} of one {portrait} {pose}, with {coat}, {girth} and {age}. The cat looks {mood} and is {grooming}; it \
         wears {collar}. Behind it, softly out of focus: {background}{language}. {light}; the whole cat in the frame, \
         sharp eyes, natural anatomy, no people, no lettering, no watermark.",
        portrait = cat.portrait(),
        coat = coat(cat.breed),
        girth = girth(cat.size),
        age = age(cat.age),
        mood = mood(cat.expression),
        grooming = grooming(cat.beauty_score),
        collar = collar(analysis),
        // By the language, from the table: the words in the attributes people may have written.
        background = habitat::background_of(cat.language.as_deref()),
        language = language(cat),
        light = pick(LIGHTS, seed, "prompt light"),
    )
}

const STYLES: &[&str] = &[
    "A warm storybook illustration",
    "A detailed gouache painting",
    "A soft-shaded digital painting",
    "A cosy animation film still",
];
const POSES: &[&str] = &[
    "sitting upright and facing the viewer",
    "sitting with its tail around its paws",
    "lying with its paws tucked in",
];
const LIGHTS: &[&str] = &[
    "Golden evening light from the left and a thin rim of light on the fur",
    "Soft window light from the right and gentle shadows",
    "Bright morning light from above and clear colours",
];

fn pick(from: &'static [&'static str], seed: &Seed, feature: &str) -> &'static str {
    from.choose(&mut seed.rng(feature)).expect("the table has rows")
}

const fn coat(breed: Breed) -> &'static str {
    match breed {
        Breed::Tabby => "a striped short coat and an M on the forehead",
        Breed::Siamese => "a sleek pale coat, dark points, big ears and blue eyes",
        Breed::Persian => "a long silky coat and a flat round face",
        Breed::MaineCoon => "a shaggy coat, a lion's ruff and tufted ears",
        Breed::ScottishFold => "a dense coat and small ears folded forward",
        Breed::BritishShorthair => "a plush coat, a round head and copper eyes",
        Breed::Ragdoll => "a silky pale coat, dark points and deep blue eyes",
        Breed::DomesticShorthair => "a short glossy coat and alert green eyes",
    }
}

const fn girth(size: Size) -> &'static str {
    match size {
        Size::Small => "a slight body that leaves much room around it",
        Size::Medium => "a well-built body",
        Size::Large => "a broad, heavy body",
        Size::VeryLarge => "a gigantic round body that fills the frame and dwarfs the furniture",
    }
}

const fn age(age: Age) -> &'static str {
    match age {
        Age::Kitten => "the big head, round eyes and short legs of a kitten",
        Age::Young => "the long legs and bright eyes of a young cat",
        Age::Adult => "the even proportions of an adult cat",
        Age::Senior => "the greying muzzle and wise eyes of a senior cat",
    }
}

const fn mood(expression: Expression) -> &'static str {
    match expression {
        Expression::Happy => "happy, eyes half closed, with a small smile",
        Expression::Neutral => "calm and unimpressed, ears upright",
        Expression::Concerned => "concerned, with wide pupils and ears turned outward",
        Expression::Grumpy => "grumpy, with lowered brows and flattened ears",
    }
}

fn grooming(score: Option<f64>) -> &'static str {
    match score {
        Some(score) if score >= 8.0 => "immaculately groomed, every hair in place",
        Some(score) if score >= 6.0 => "well groomed",
        Some(score) if score >= 4.0 => "a little ruffled",
        Some(_) => "thoroughly dishevelled, with tangled fur and a leaf in it",
        None => "fluffy and not brushed yet",
    }
}

fn collar(analysis: &Analysis) -> &'static str {
    match (analysis.has_license, analysis.has_ci) {
        (true, true) => "a collar with a round brass tag and a small bell",
        (true, false) => "a collar with a round brass tag",
        (false, true) => "a collar with a small bell",
        (false, false) => "no collar",
    }
}

fn language(cat: &CatAttributes) -> String {
    let name = cat.language.as_deref().and_then(plain::language);
    name.map_or_else(String::new, |name| format!(", a nod to the programming language {name}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::generation::steps::attributes::describe;
    use crate::model::analysis::strategy;

    const PROMPT_MAX: usize = 1_000;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn a_prompt_is_one_short_paragraph_for_any_analysis(analysis in strategy::wild(), commit in "[0-9a-f]{8}") {
            let seed = Seed::of("r", &commit);
            let cat = describe(&analysis, &seed);
            let prompt = write(&analysis, &cat, &seed);
            prop_assert!(prompt.chars().count() < PROMPT_MAX, "{} characters", prompt.chars().count());
            prop_assert!(prompt.is_ascii() && !prompt.contains('\n') && !prompt.contains(['{', '}']), "{}", prompt);
            prop_assert!(prompt.contains(&cat.portrait()));
            prop_assert_eq!(&prompt, &write(&analysis, &cat, &seed));
        }

        #[test]
        fn nothing_of_the_repository_but_its_language_is_in_it(analysis in strategy::wild()) {
            let seed = Seed::of("r", "c");
            let cat = describe(&analysis, &seed);
            let stripped = Analysis {
                has_ci: analysis.has_ci,
                has_license: analysis.has_license,
                ..strategy::blank()
            };
            prop_assert_eq!(write(&analysis, &cat, &seed), write(&stripped, &cat, &seed));
        }
    }

    #[test]
    fn every_combination_is_short_enough() {
        let seed = Seed::of("r", "c");
        let longest_theme = habitat::HABITATS.iter().max_by_key(|habitat| habitat.background.len()).unwrap();
        let base = Analysis { has_ci: true, has_license: true, ..strategy::blank() };
        for &size in Size::ALL {
            for &age in Age::ALL {
                for &breed in Breed::ALL {
                    for &expression in Expression::ALL {
                        for &color in breed.colors() {
                            let cat = CatAttributes {
                                size,
                                age,
                                breed,
                                color,
                                beauty_score: Some(1.0),
                                expression,
                                background: "x".repeat(5_000),
                                language: Some(longest_theme.language.into()),
                            };
                            assert!(write(&base, &cat, &seed).len() < PROMPT_MAX);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_prompt_reads_like_this() {
        let analysis = Analysis {
            code_quality_score: Some(8.4),
            primary_language: Some("Rust".into()),
            repo_size_kb: 812,
            has_ci: true,
            has_license: true,
            ..strategy::blank()
        };
        let seed = Seed::of("https://example.org/o/r", "c0ffee");
        insta::assert_snapshot!(write(&analysis, &describe(&analysis, &seed), &seed));
    }
}
