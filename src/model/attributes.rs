//! What the cat is like.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands in JSON and in the database.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words! {
    /// How big the cat is: by the repository's size.
    Size {
        /// Up to 1,000 KB.
        Small = "small",
        /// 1,001 to 5,000 KB.
        Medium = "medium",
        /// 5,001 to 10,000 KB.
        Large = "large",
        /// More than 10,000 KB.
        VeryLarge = "very_large",
    }
}

impl Size {
    /// The upper bounds in KB, smallest size first; what is above the last is very large, whatever its size.
    pub const UP_TO_KB: [(Self, u64); 3] = [(Self::Small, 1_000), (Self::Medium, 5_000), (Self::Large, 10_000)];

    /// The size of the cat of a repository of so many KB.
    #[must_use]
    pub fn of_kb(kb: u64) -> Self {
        Self::UP_TO_KB.iter().find(|(_, up_to)| kb <= *up_to).map_or(Self::VeryLarge, |(size, _)| *size)
    }
}

words! {
    /// How old the cat is: by the score.
    Age {
        /// A score below 4.
        Kitten = "kitten",
        /// A score from 4 to below 6.
        Young = "young",
        /// A score from 6 to below 8.
        Adult = "adult",
        /// A score of 8 or more.
        Senior = "senior",
    }
}

impl Age {
    /// The lowest score of each age, oldest first; below the last, and without a score, it is a kitten.
    pub const FROM_SCORE: [(Self, f64); 3] = [(Self::Senior, 8.0), (Self::Adult, 6.0), (Self::Young, 4.0)];

    /// The age of a cat with this score; without one (or with one that is no number) it has not grown up yet.
    #[must_use]
    pub fn of_score(score: Option<f64>) -> Self {
        let reached = |from: f64| score.is_some_and(|score| score >= from);
        Self::FROM_SCORE.iter().find(|(_, from)| reached(*from)).map_or(Self::Kitten, |(age, _)| *age)
    }
}

words! {
    /// The cat's mood: by score and tests.
    Expression {
        /// A score of 8 or more, with tests.
        Happy = "happy",
        /// A score of 6 or more.
        Neutral = "neutral",
        /// A score of 4 or more.
        Concerned = "concerned",
        /// A score below 4.
        Grumpy = "grumpy",
    }
}

impl Expression {
    /// The mood of a cat with this score, its repository having tests or not.
    ///
    /// Without a score (or with one that is no number) it is neutral: nobody has given it a reason to be otherwise.
    #[must_use]
    pub fn of(score: Option<f64>, has_tests: bool) -> Self {
        match score {
            Some(score) if score >= 8.0 && has_tests => Self::Happy,
            Some(score) if score >= 6.0 => Self::Neutral,
            Some(score) if score >= 4.0 => Self::Concerned,
            Some(score) if !score.is_nan() => Self::Grumpy,
            _ => Self::Neutral,
        }
    }
}

words! {
    /// The cat's breed: by the primary language.
    Breed {
        /// Scripting languages: Python, Ruby, Perl, PHP, Shell, Lua.
        Tabby = "tabby",
        /// JavaScript and its kin.
        Siamese = "siamese",
        /// Java, C#, Scala, Kotlin, F#.
        Persian = "persian",
        /// Go, Rust, C++, C, Zig.
        MaineCoon = "maine_coon",
        /// Functional languages.
        ScottishFold = "scottish_fold",
        /// Swift, Objective-C.
        BritishShorthair = "british_shorthair",
        /// R, MATLAB, Julia.
        Ragdoll = "ragdoll",
        /// Everything else.
        DomesticShorthair = "domestic_shorthair",
    }
}

impl Breed {
    /// The breed as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tabby => "tabby",
            Self::Siamese => "Siamese",
            Self::Persian => "Persian",
            Self::MaineCoon => "Maine Coon",
            Self::ScottishFold => "Scottish Fold",
            Self::BritishShorthair => "British Shorthair",
            Self::Ragdoll => "Ragdoll",
            Self::DomesticShorthair => "domestic shorthair",
        }
    }

    /// The colours that the breed comes in, of those that we paint.
    #[must_use]
    pub const fn colors(self) -> &'static [Color] {
        use Color::{
            Black, BluePoint, Brown, Calico, Cream, Gray, Orange, SealPoint, Silver, Tortoiseshell, Tuxedo, White,
        };
        match self {
            Self::Tabby => &[Orange, Brown, Gray, Silver, Cream],
            Self::Siamese | Self::Ragdoll => &[SealPoint, BluePoint],
            Self::Persian => &[White, Cream, Gray, Silver, Orange, Black, Tortoiseshell],
            Self::MaineCoon => &[Brown, Orange, Silver, Black, Gray, Cream, White, Tortoiseshell],
            Self::ScottishFold => &[Gray, Silver, Cream, White, Black, Calico],
            Self::BritishShorthair => &[Gray, Silver, Cream, Black, White],
            Self::DomesticShorthair => &[Tuxedo, Black, Orange, Gray, White, Calico, Tortoiseshell, Brown],
        }
    }
}

words! {
    /// The colour of the coat, chosen by seed among those that the breed comes in.
    Color {
        /// Orange, ginger.
        Orange = "orange",
        /// Black.
        Black = "black",
        /// White.
        White = "white",
        /// Grey, blue.
        Gray = "gray",
        /// Brown.
        Brown = "brown",
        /// Cream.
        Cream = "cream",
        /// Black with a white bib and paws.
        Tuxedo = "tuxedo",
        /// White, orange and black patches.
        Calico = "calico",
        /// Orange and black mingled.
        Tortoiseshell = "tortoiseshell",
        /// Silver.
        Silver = "silver",
        /// Pale with seal-brown points.
        SealPoint = "seal_point",
        /// Pale with blue-grey points.
        BluePoint = "blue_point",
    }
}

impl Color {
    /// The colour as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gray => "grey",
            Self::SealPoint => "seal-point",
            Self::BluePoint => "blue-point",
            _ => self.word(),
        }
    }
}

/// Everything the painter and the texts need to know about the cat; stored as `generations.cat_attributes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatAttributes {
    /// How big it is.
    pub size: Size,
    /// How old it is.
    pub age: Age,
    /// Its breed.
    pub breed: Breed,
    /// The colour of its coat.
    pub color: Color,
    /// The score, 0.0 to 10.0, or null where there was too little code to judge.
    pub beauty_score: Option<f64>,
    /// Its mood.
    pub expression: Expression,
    /// What is behind it, in words: the theme of the language.
    pub background: String,
    /// The primary language, as named by the analysis; null where no language was recognised.
    pub language: Option<String>,
}

impl CatAttributes {
    /// Its build in one adjective.
    ///
    /// Size and age are told apart on purpose: the words for a size never name an age, and each pair has a word of
    /// its own, so that no cat is called a kitten for being small or old for being big.
    #[must_use]
    pub const fn build(&self) -> &'static str {
        match (self.age, self.size) {
            (Age::Kitten, Size::Small) => "pocket-sized",
            (Age::Kitten, Size::Medium) => "sturdy",
            (Age::Kitten, Size::Large) => "oversized",
            (Age::Kitten, Size::VeryLarge) => "preposterously large",
            (Age::Young, Size::Small) => "slender",
            (Age::Young, Size::Medium) => "long-legged",
            (Age::Young, Size::Large) => "broad-shouldered",
            (Age::Young, Size::VeryLarge) => "enormous",
            (Age::Adult, Size::Small) => "compact",
            (Age::Adult, Size::Medium) => "well-fed",
            (Age::Adult, Size::Large) => "hefty",
            (Age::Adult, Size::VeryLarge) => "colossal",
            (Age::Senior, Size::Small) => "dainty",
            (Age::Senior, Size::Medium) => "well-upholstered",
            (Age::Senior, Size::Large) => "stately",
            (Age::Senior, Size::VeryLarge) => "monumental",
        }
    }

    /// The cat in a few words without an article: `dainty senior grey Persian`, `oversized orange tabby kitten`.
    #[must_use]
    pub fn portrait(&self) -> String {
        let (build, color, breed) = (self.build(), self.color.name(), self.breed.name());
        match self.age {
            Age::Kitten => format!("{build} {color} {breed} kitten"),
            age => format!("{build} {age} {color} {breed}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_change_exactly_at_their_bounds() {
        for (kb, size) in [
            (0, Size::Small),
            (1_000, Size::Small),
            (1_001, Size::Medium),
            (5_000, Size::Medium),
            (5_001, Size::Large),
            (10_000, Size::Large),
            (10_001, Size::VeryLarge),
            (1_000_000, Size::VeryLarge),
            (u64::MAX, Size::VeryLarge),
        ] {
            assert_eq!(Size::of_kb(kb), size, "{kb} KB");
        }
    }

    #[test]
    fn ages_and_moods_change_exactly_at_their_scores() {
        for (score, age, tested, untested) in [
            (10.0, Age::Senior, Expression::Happy, Expression::Neutral),
            (8.0, Age::Senior, Expression::Happy, Expression::Neutral),
            (8.0_f64.next_down(), Age::Adult, Expression::Neutral, Expression::Neutral),
            (6.0, Age::Adult, Expression::Neutral, Expression::Neutral),
            (6.0_f64.next_down(), Age::Young, Expression::Concerned, Expression::Concerned),
            (4.0, Age::Young, Expression::Concerned, Expression::Concerned),
            (4.0_f64.next_down(), Age::Kitten, Expression::Grumpy, Expression::Grumpy),
            (0.0, Age::Kitten, Expression::Grumpy, Expression::Grumpy),
        ] {
            assert_eq!(Age::of_score(Some(score)), age, "{score}");
            assert_eq!(Expression::of(Some(score), true), tested, "{score} with tests");
            assert_eq!(Expression::of(Some(score), false), untested, "{score} without tests");
        }
    }

    #[test]
    fn without_a_score_it_is_a_neutral_kitten() {
        for score in [None, Some(f64::NAN)] {
            for has_tests in [true, false] {
                assert_eq!(Age::of_score(score), Age::Kitten);
                assert_eq!(Expression::of(score, has_tests), Expression::Neutral);
            }
        }
    }

    #[test]
    fn words_for_a_size_never_name_an_age_and_none_is_used_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for &size in Size::ALL {
            for &age in Age::ALL {
                let cat = CatAttributes {
                    size,
                    age,
                    breed: Breed::Tabby,
                    color: Color::Orange,
                    beauty_score: None,
                    expression: Expression::Neutral,
                    background: String::new(),
                    language: None,
                };
                for word in ["kitten", "baby", "young", "junior", "adult", "grown", "old", "senior", "aged"] {
                    assert!(!cat.build().contains(word), "{size} {age}: {}", cat.build());
                }
                assert!(seen.insert(cat.build()), "{} twice", cat.build());
                assert_eq!(Age::ALL.iter().filter(|age| cat.portrait().contains(age.word())).count(), 1);
            }
        }
    }

    #[test]
    fn every_breed_has_colours_and_every_colour_a_breed() {
        for &breed in Breed::ALL {
            let colors = breed.colors();
            assert!(colors.len() >= 2, "{breed}");
            let distinct: std::collections::BTreeSet<_> = colors.iter().collect();
            assert_eq!(distinct.len(), colors.len(), "{breed}");
        }
        for color in Color::ALL {
            assert!(Breed::ALL.iter().any(|breed| breed.colors().contains(color)), "{color}");
        }
    }

    proptest! {
        #[test]
        fn a_bigger_repository_is_never_a_smaller_cat(one: u64, other: u64) {
            let (less, more) = (one.min(other), one.max(other));
            prop_assert!(Size::of_kb(less) <= Size::of_kb(more));
        }

        #[test]
        fn a_better_score_is_never_a_younger_or_sadder_cat(
            one in proptest::num::f64::ANY, other in proptest::num::f64::ANY, has_tests: bool,
        ) {
            let (Some(less), Some(more)) = (
                [one, other].into_iter().reduce(f64::min).filter(|_| !one.is_nan() && !other.is_nan()),
                [one, other].into_iter().reduce(f64::max),
            ) else {
                return Ok(());
            };
            prop_assert!(Age::of_score(Some(less)) <= Age::of_score(Some(more)));
            // Moods are declared from the best to the worst.
            prop_assert!(Expression::of(Some(less), has_tests) >= Expression::of(Some(more), has_tests));
        }
    }
}
