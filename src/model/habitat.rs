//! What a language gives its cat: the breed, and what is behind it.

use super::attributes::Breed;
use super::attributes::Breed::{
    BritishShorthair, DomesticShorthair, MaineCoon, Persian, Ragdoll, ScottishFold, Siamese, Tabby,
};

/// One language's cat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habitat {
    /// The language, as GitHub writes it.
    pub language: &'static str,
    /// The breed of its cats.
    pub breed: Breed,
    /// What is behind the cat: a noun phrase.
    pub background: &'static str,
}

/// What is behind the cat of a language without a theme, and of a repository without a language.
pub const ELSEWHERE: &str = "a code editor glowing in the dark under a rain of ones and zeros";

/// Every language that has a breed or a theme of its own, by breed.
pub const HABITATS: &[Habitat] = &[
    at("Python", Tabby, "a sunny terrarium with friendly snakes curled around its branches"),
    at("Ruby", Tabby, "a heap of red gems beside polished railway tracks"),
    at("Perl", Tabby, "a desert at dusk with camels walking along the dunes"),
    at("PHP", Tabby, "a savanna with a herd of purple elephants"),
    at("Shell", Tabby, "a dark room lit by the green letters of an old terminal"),
    at("Bash", Tabby, "a dark room lit by the green letters of an old terminal"),
    at("Lua", Tabby, "a night sky with a big moon and small bright stars"),
    at("JavaScript", Siamese, "a coffee bar with steaming cups and towers of npm parcels"),
    at("TypeScript", Siamese, "a tidy coffee bar with steaming cups and a blue bow tie on a hook"),
    at("CoffeeScript", Siamese, ELSEWHERE),
    at("Dart", Siamese, "a meadow full of blue butterflies"),
    at("Java", Persian, "a busy office with sacks of roasted coffee beans between the desks"),
    at("C#", Persian, "a bright hall of tall windows with blue sky in every pane"),
    at("Scala", Persian, "a grand flight of red and white marble stairs"),
    at("Kotlin", Persian, "a mountain lake with small green androids hiking along the shore"),
    at("F#", Persian, "a workshop wall of shining copper pipes"),
    at("Go", MaineCoon, "a mountain meadow with blue gophers looking out of their burrows"),
    at("Rust", MaineCoon, "a workshop of turning iron gears with a small orange crab on the bench"),
    at("C++", MaineCoon, "a city of glowing printed circuits"),
    at("C", MaineCoon, "long shelves of black memory chips with golden legs"),
    at("Zig", MaineCoon, ELSEWHERE),
    at("Haskell", ScottishFold, "a chalkboard full of lambdas in a quiet lecture hall"),
    at("Elixir", ScottishFold, "an alchemist's shelf of purple potions"),
    at("Clojure", ScottishFold, "a garden of round arches, each nested in the next like parentheses"),
    at("Erlang", ScottishFold, "an old telephone exchange with rows of switches and blinking lamps"),
    at("OCaml", ScottishFold, ELSEWHERE),
    at("Swift", BritishShorthair, "drifting feathers in a warm orange sky"),
    at("Objective-C", BritishShorthair, "a shelf of beige old computers with rounded screens"),
    at("R", Ragdoll, "walls covered with bell curves and scatter plots"),
    at("MATLAB", Ragdoll, ELSEWHERE),
    at("Julia", Ragdoll, ELSEWHERE),
    at("Groovy", DomesticShorthair, "a small stage with a record player and floating musical notes"),
    at("Crystal", DomesticShorthair, "a cave of tall glittering crystal shards"),
];

/// Other names that counters of code use for those languages, or for dialects close enough to share the cat.
const ALIASES: &[(&str, &str)] = &[
    ("C Header", "C"),
    ("C++ Header", "C++"),
    ("C++ Module", "C++"),
    ("ClojureC", "Clojure"),
    ("ClojureScript", "Clojure"),
    ("CSharp", "C#"),
    ("FSharp", "F#"),
    ("Golang", "Go"),
    ("JSX", "JavaScript"),
    ("Objective-C++", "Objective-C"),
    ("TSX", "TypeScript"),
    ("Zsh", "Shell"),
];

const fn at(language: &'static str, breed: Breed, background: &'static str) -> Habitat {
    Habitat { language, breed, background }
}

/// The habitat of a language by its name in any case; none for a language without breed or theme of its own.
#[must_use]
pub fn of(language: &str) -> Option<&'static Habitat> {
    let name = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(language)).map_or(language, |(_, of)| of);
    HABITATS.iter().find(|habitat| habitat.language.eq_ignore_ascii_case(name))
}

/// What is behind the cat of a language, by its name in any case; [`ELSEWHERE`] for any other and for none.
#[must_use]
pub fn background_of(language: Option<&str>) -> &'static str {
    language.and_then(of).map_or(ELSEWHERE, |habitat| habitat.background)
}

impl Breed {
    /// The breed of a language's cats, by its name in any case; a domestic shorthair for any other and for none.
    #[must_use]
    pub fn of_language(language: Option<&str>) -> Self {
        language.and_then(of).map_or(Self::DomesticShorthair, |habitat| habitat.breed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_original_tables_are_kept() {
        for (breed, languages) in [
            (Tabby, &["Python", "Ruby", "Perl", "PHP", "Shell", "Bash", "Lua"][..]),
            (Siamese, &["JavaScript", "TypeScript", "Dart", "CoffeeScript"]),
            (Persian, &["Java", "C#", "Scala", "Kotlin", "F#"]),
            (MaineCoon, &["Go", "Rust", "C++", "C", "Zig"]),
            (ScottishFold, &["Haskell", "Elixir", "Clojure", "Erlang", "OCaml"]),
            (BritishShorthair, &["Swift", "Objective-C"]),
            (Ragdoll, &["R", "MATLAB", "Julia"]),
            (DomesticShorthair, &["Groovy", "Crystal", "COBOL", "", "C+", "no such language"]),
        ] {
            for language in languages {
                for name in [(*language).to_owned(), language.to_lowercase(), language.to_uppercase()] {
                    assert_eq!(Breed::of_language(Some(&name)), breed, "{name}");
                }
            }
        }
        assert_eq!(Breed::of_language(None), DomesticShorthair);
    }

    #[test]
    fn names_are_unique_and_aliases_lead_somewhere_new() {
        let names: BTreeSet<_> = HABITATS.iter().map(|habitat| habitat.language.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), HABITATS.len());
        for (alias, language) in ALIASES {
            assert!(!names.contains(&alias.to_ascii_lowercase()), "{alias}");
            assert_eq!(of(alias).map(|habitat| habitat.language), Some(*language));
        }
    }

    #[test]
    fn themes_differ() {
        let themed: Vec<_> = HABITATS.iter().map(|habitat| habitat.background).filter(|b| *b != ELSEWHERE).collect();
        // Shell and Bash share one.
        assert_eq!(themed.iter().collect::<BTreeSet<_>>().len(), themed.len() - 1);
        assert!(themed.iter().all(|background| background.is_ascii() && background.len() <= 80));
    }

    proptest! {
        #[test]
        fn any_name_has_a_breed(name in any::<String>()) {
            let expected = of(&name).map_or(DomesticShorthair, |habitat| habitat.breed);
            prop_assert_eq!(Breed::of_language(Some(&name)), expected);
        }
    }
}
