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
