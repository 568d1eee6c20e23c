//! One theme for each language: its colours, its backdrop, its thing.

use rand::rngs::ChaCha8Rng;

use super::super::palette::{Tone, tone};
use super::super::svg::Svg;
use super::indoors::{
    blueprint, cafe, chalkboard, chips, circuits, editor, gears, graphs, marble, museum, music, nest, office, plumbing,
    potions, prompt, switchboard, windows,
};
use super::outdoors::{cave, desert, dusk, feathers, herd, jungle, meadow, mountains, night, rails};
use super::{Stage, creatures, things};
use crate::model::attributes::CatAttributes;
use crate::model::habitat::{self, Habitat};

/// What a language looks like.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// The wall, or the sky.
    pub wall: Tone,
    /// The floor, or the ground.
    pub floor: Tone,
    /// The light that falls on the cat from behind.
    pub light: Tone,
    /// What hangs or stands behind, out of focus.
    pub backdrop: fn(&mut Svg, &Stage, &mut ChaCha8Rng),
    /// What stands beside the cat.
    pub hero: fn(&mut Svg),
}

const fn theme(
    wall: (f64, f64, f64),
    floor: (f64, f64, f64),
    light: (f64, f64, f64),
    backdrop: fn(&mut Svg, &Stage, &mut ChaCha8Rng),
    hero: fn(&mut Svg),
) -> Theme {
    Theme {
        wall: tone(wall.0, wall.1, wall.2),
        floor: tone(floor.0, floor.1, floor.2),
        light: tone(light.0, light.1, light.2),
        backdrop,
        hero,
    }
}

/// The languages that have a theme of their own. `Shell` also serves Bash.
pub const LANGUAGES: [&str; 28] = [
    "Python",
    "JavaScript",
    "TypeScript",
    "Java",
    "C#",
    "C++",
    "C",
    "Go",
    "Rust",
    "PHP",
    "Ruby",
    "Swift",
    "Kotlin",
    "Perl",
    "Scala",
    "Haskell",
    "Elixir",
    "Clojure",
    "Lua",
    "R",
    "Dart",
    "Shell",
    "Objective-C",
    "F#",
    "Erlang",
    "Groovy",
    "Crystal",
    "Bash",
];

/// The theme of a cat: its language's; without one, what its background's words name; else an editor with binary rain.
#[must_use]
pub fn theme_of(cat: &CatAttributes) -> Theme {
    let named = |habitat: &&Habitat| habitat.background == cat.background && habitat.background != habitat::ELSEWHERE;
    let spoken = cat.language.as_deref().and_then(habitat::of);
    theme_of_language(spoken.or_else(|| habitat::HABITATS.iter().find(named)).map_or("", |habitat| habitat.language))
}

fn theme_of_language(language: &str) -> Theme {
    const WARM: (f64, f64, f64) = (0.97, 0.05, 90.0);
    const WOOD: (f64, f64, f64) = (0.62, 0.075, 60.0);
    match language {
        "Python" => theme((0.72, 0.085, 165.0), (0.60, 0.085, 130.0), WARM, jungle, creatures::snake),
        "JavaScript" => theme((0.86, 0.085, 92.0), WOOD, WARM, cafe, things::coffee),
        "TypeScript" => {
            theme((0.60, 0.105, 252.0), (0.72, 0.04, 245.0), (0.93, 0.05, 235.0), blueprint, things::typed_coffee)
        }
        "Java" => theme((0.80, 0.055, 55.0), (0.55, 0.07, 50.0), WARM, office, things::beans),
        "C#" => theme((0.72, 0.085, 305.0), (0.66, 0.06, 300.0), (0.96, 0.04, 80.0), windows, things::plant),
        "C++" => theme((0.38, 0.075, 245.0), (0.42, 0.05, 250.0), (0.72, 0.11, 225.0), circuits, things::plus_chip),
        "C" => theme((0.48, 0.07, 165.0), (0.44, 0.035, 200.0), (0.82, 0.08, 165.0), chips, things::memory),
        "Go" => theme((0.84, 0.065, 215.0), (0.68, 0.11, 135.0), (0.98, 0.03, 95.0), mountains, creatures::burrower),
        "Rust" => theme((0.70, 0.085, 48.0), (0.86, 0.06, 82.0), (0.96, 0.06, 78.0), gears, creatures::crab),
        "PHP" => theme((0.78, 0.085, 295.0), (0.70, 0.09, 300.0), (0.97, 0.03, 330.0), herd, creatures::elephant),
        "Ruby" => theme((0.66, 0.115, 15.0), (0.62, 0.05, 55.0), (0.95, 0.06, 40.0), rails, things::ruby),
        "Swift" => theme((0.84, 0.075, 55.0), (0.76, 0.07, 45.0), (0.98, 0.04, 85.0), feathers, things::quill),
        "Kotlin" => theme((0.74, 0.105, 330.0), (0.56, 0.10, 295.0), (0.95, 0.07, 70.0), dusk, creatures::robot),
        "Perl" => theme((0.85, 0.065, 225.0), (0.84, 0.085, 80.0), (0.98, 0.05, 85.0), desert, creatures::camel),
        "Scala" => theme((0.80, 0.035, 25.0), (0.88, 0.012, 250.0), (0.98, 0.02, 60.0), marble, things::stairs),
        "Haskell" => theme((0.42, 0.05, 165.0), WOOD, (0.78, 0.05, 150.0), chalkboard, things::slate),
        "Elixir" => theme((0.48, 0.105, 305.0), (0.46, 0.07, 310.0), (0.84, 0.10, 315.0), potions, things::elixir),
        "Clojure" => theme((0.86, 0.05, 150.0), (0.74, 0.06, 235.0), (0.98, 0.03, 120.0), nest, things::nested),
        "Lua" => theme((0.34, 0.105, 275.0), (0.40, 0.09, 280.0), (0.74, 0.10, 265.0), night, things::telescope),
        "R" => theme((0.87, 0.035, 245.0), (0.76, 0.03, 250.0), (0.99, 0.01, 200.0), graphs, things::chart),
        "Dart" => theme((0.84, 0.075, 200.0), (0.74, 0.11, 145.0), (0.98, 0.04, 100.0), meadow, things::target),
        "Shell" | "Bash" => {
            theme((0.24, 0.045, 150.0), (0.30, 0.035, 160.0), (0.62, 0.13, 148.0), prompt, things::terminal)
        }
        "Objective-C" => {
            theme((0.76, 0.035, 80.0), (0.62, 0.045, 70.0), (0.97, 0.03, 90.0), museum, things::old_computer)
        }
        "F#" => theme((0.66, 0.07, 220.0), (0.52, 0.04, 240.0), (0.95, 0.04, 200.0), plumbing, things::pipes),
        "Erlang" => theme((0.62, 0.075, 25.0), (0.50, 0.06, 40.0), (0.95, 0.05, 60.0), switchboard, things::telephone),
        "Groovy" => theme((0.72, 0.095, 215.0), (0.60, 0.10, 330.0), (0.96, 0.05, 95.0), music, things::record),
        "Crystal" => theme((0.40, 0.065, 265.0), (0.50, 0.05, 255.0), (0.85, 0.07, 220.0), cave, things::crystals),
        _ => theme((0.28, 0.05, 268.0), (0.38, 0.04, 265.0), (0.62, 0.10, 235.0), editor, things::laptop),
    }
}
