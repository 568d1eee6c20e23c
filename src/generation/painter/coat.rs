//! The coat: its colours and how they are laid out.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::palette::{Tone, WHITE, tone};
use crate::model::attributes::{Age, Breed, CatAttributes, Color};
use crate::model::seed::Seed;

/// How the colours are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// One colour.
    Solid,
    /// Stripes, and an M on the forehead.
    Tabby,
    /// Dark face, ears, feet and tail.
    Points,
    /// Points, with white feet, bib and blaze.
    Mitted,
    /// Dark, with white bib, muzzle and feet.
    Tuxedo,
    /// White, with patches in two colours.
    Calico,
    /// Dark and orange mingled.
    Tortoiseshell,
}

/// The colours of one cat.
#[derive(Debug, Clone)]
pub struct Coat {
    /// How they are laid out.
    pub pattern: Pattern,
    /// Most of the coat.
    pub base: Tone,
    /// Stripes, points, or the second colour of patches.
    pub mark: Tone,
    /// A third colour: the dark patches of a calico.
    pub third: Tone,
    /// Chin, muzzle and chest.
    pub pale: Tone,
    /// The nose and the pads.
    pub nose: Tone,
    /// The inside of the ears.
    pub ear: Tone,
    /// The outline.
    pub ink: Tone,
    /// The iris.
    pub iris: Tone,
    /// White bib and socks on a cat that is not otherwise white.
    pub bib: bool,
    /// Grey has come into the muzzle.
    pub grizzled: bool,
    /// Decides where stripes and patches lie.
    pub seed: Seed,
}

/// Base, mark, pale and nose of a colour.
fn colours(color: Color) -> (Tone, Tone, Tone, Tone) {
    let pink = tone(0.74, 0.10, 18.0);
    let slate = tone(0.42, 0.03, 300.0);
    match color {
        Color::Orange => (tone(0.775, 0.145, 64.0), tone(0.625, 0.155, 50.0), tone(0.96, 0.03, 82.0), pink),
        Color::Black => {
            (tone(0.335, 0.022, 285.0), tone(0.27, 0.022, 285.0), tone(0.40, 0.022, 285.0), slate.dark(0.1))
        }
        Color::White => (tone(0.965, 0.012, 85.0), tone(0.91, 0.02, 75.0), tone(0.985, 0.006, 85.0), pink.light(0.05)),
        Color::Gray => (tone(0.63, 0.032, 258.0), tone(0.50, 0.036, 260.0), tone(0.76, 0.022, 255.0), slate),
        Color::Brown => (tone(0.63, 0.075, 64.0), tone(0.36, 0.05, 50.0), tone(0.92, 0.03, 78.0), tone(0.6, 0.1, 30.0)),
        Color::Cream => (tone(0.90, 0.05, 80.0), tone(0.81, 0.075, 70.0), tone(0.975, 0.02, 85.0), pink.light(0.03)),
        Color::Tuxedo => (tone(0.33, 0.022, 285.0), tone(0.27, 0.022, 285.0), tone(0.975, 0.008, 85.0), pink),
        Color::Calico => (tone(0.965, 0.012, 85.0), tone(0.755, 0.145, 62.0), tone(0.985, 0.006, 85.0), pink),
        Color::Tortoiseshell => (tone(0.37, 0.035, 45.0), tone(0.69, 0.135, 60.0), tone(0.5, 0.06, 50.0), slate),
        Color::Silver => {
            (tone(0.83, 0.012, 250.0), tone(0.47, 0.022, 262.0), tone(0.97, 0.006, 250.0), tone(0.62, 0.09, 25.0))
        }
        Color::SealPoint => {
            (tone(0.925, 0.035, 80.0), tone(0.40, 0.052, 52.0), tone(0.97, 0.018, 82.0), tone(0.34, 0.045, 40.0))
        }
        Color::BluePoint => {
            (tone(0.93, 0.012, 255.0), tone(0.55, 0.036, 258.0), tone(0.975, 0.006, 255.0), tone(0.5, 0.04, 330.0))
        }
    }
}

fn pattern(breed: Breed, color: Color) -> Pattern {
    match (breed, color) {
        (_, Color::Tuxedo) => Pattern::Tuxedo,
        (_, Color::Calico) => Pattern::Calico,
        (_, Color::Tortoiseshell) => Pattern::Tortoiseshell,
        (_, Color::White) => Pattern::Solid,
        (Breed::Ragdoll, _) => Pattern::Mitted,
        (Breed::Siamese, _) | (_, Color::SealPoint | Color::BluePoint) => Pattern::Points,
        (Breed::Tabby, _) | (_, Color::Orange | Color::Brown | Color::Silver) => Pattern::Tabby,
        _ => Pattern::Solid,
    }
}

impl Coat {
    /// The coat of this cat.
    #[must_use]
    pub fn of(cat: &CatAttributes, seed: &Seed) -> Self {
        let mut rng = seed.rng("coat");
        let (mut base, mut mark, mut pale, mut nose) = colours(cat.color);
        let pattern = pattern(cat.breed, cat.color);
        if matches!(pattern, Pattern::Points | Pattern::Mitted)
            && !matches!(cat.color, Color::SealPoint | Color::BluePoint)
        {
            // A Siamese of any other colour wears it on its points.
            (mark, base, pale) =
                (base.dark(0.03), pale.mix(tone(0.95, 0.03, 80.0), 0.85).light(0.01), tone(0.98, 0.01, 82.0));
            nose = mark.dark(0.1).mix(tone(0.6, 0.1, 20.0), 0.4);
        }
        // A neglected coat is dull.
        let score = cat.beauty_score.unwrap_or(6.5).clamp(0.0, 10.0);
        let gloss = 0.72 + 0.034 * score;
        let (turn, lift) = (rng.random_range(-5.0..=5.0), rng.random_range(-0.015..=0.015));
        let worn = |t: Tone| t.vivid(gloss).turn(turn).light(lift);
        let iris = iris(cat, &mut rng);
        let bib = match cat.breed {
            Breed::DomesticShorthair => true,
            Breed::MaineCoon | Breed::Tabby => rng.random_bool(0.3),
            _ => false,
        } && matches!(pattern, Pattern::Tabby | Pattern::Solid)
            && cat.color != Color::White;
        let dark = base.l.min(0.62);
        Self {
            pattern,
            base: worn(base),
            mark: worn(mark),
            third: tone(0.34, 0.02, 290.0),
            pale: if bib { tone(0.975, 0.01, 85.0) } else { worn(pale) },
            nose,
            ear: tone(0.78, 0.085, 20.0).mix(base, 0.25),
            ink: tone(0.16 + dark * 0.14, 0.035, if base.c > 0.03 { base.h - 20.0 } else { 290.0 }),
            iris,
            bib,
            grizzled: cat.age == Age::Senior,
            seed: *seed,
        }
    }

    /// The colour of the ears' backs.
    #[must_use]
    pub fn ear_back(&self, left: bool) -> Tone {
        match self.pattern {
            Pattern::Points | Pattern::Mitted => self.mark,
            Pattern::Tabby => self.base.mix(self.mark, 0.35),
            Pattern::Calico if left => self.third,
            Pattern::Calico | Pattern::Tortoiseshell if !left => self.mark,
            _ => self.base,
        }
    }

    /// The colour of the tail, apart from rings and its end.
    #[must_use]
    pub fn tail(&self) -> Tone {
        match self.pattern {
            Pattern::Points | Pattern::Mitted | Pattern::Calico => self.mark,
            _ => self.base,
        }
    }

    /// The colour of the feet.
    #[must_use]
    pub fn foot(&self) -> Tone {
        match self.pattern {
            Pattern::Mitted | Pattern::Tuxedo => tone(0.97, 0.01, 85.0),
            Pattern::Points => self.mark,
            _ if self.bib => self.pale,
            _ => self.base,
        }
    }

    /// The colour of the muzzle.
    #[must_use]
    pub fn muzzle(&self) -> Tone {
        let young = match self.pattern {
            Pattern::Points => self.mark.light(0.06),
            Pattern::Mitted => tone(0.97, 0.012, 82.0),
            Pattern::Solid if !self.bib => self.base.light(0.05).mix(self.pale, 0.35),
            Pattern::Tortoiseshell => self.mark.light(0.06).vivid(0.8),
            _ => self.pale,
        };
        if self.grizzled { young.mix(tone(0.90, 0.008, 250.0), if young.l > 0.85 { 0.5 } else { 0.72 }) } else { young }
    }

    /// The colour of whiskers that can be seen on this face.
    #[must_use]
    pub fn whisker(&self) -> Tone {
        if self.base.l > 0.8 && self.pattern != Pattern::Points {
            self.ink.light(0.22).alpha(0.75)
        } else {
            WHITE.alpha(0.92)
        }
    }

    /// A part of the coat in shadow.
    #[must_use]
    pub fn shade(&self) -> Tone {
        let cool = tone(0.30, 0.07, 300.0);
        self.base.dark(0.26).mix(cool, 0.45)
    }

    /// A part of the coat in the light.
    #[must_use]
    pub fn shine(&self) -> Tone {
        self.base.light(0.22).mix(tone(0.99, 0.03, 90.0), 0.5)
    }

    /// The colour of the chest, where it differs from the trunk.
    #[must_use]
    pub fn chest(&self) -> Option<Tone> {
        match self.pattern {
            Pattern::Mitted => Some(tone(0.975, 0.01, 82.0)),
            Pattern::Tabby => Some(if self.bib { self.pale } else { self.base.mix(self.pale, 0.6) }),
            Pattern::Tuxedo | Pattern::Points => Some(self.pale),
            Pattern::Solid if self.bib => Some(self.pale),
            _ => None,
        }
    }
}

fn iris(cat: &CatAttributes, rng: &mut ChaCha8Rng) -> Tone {
    let blue = tone(0.70, 0.135, 240.0);
    let green = tone(0.79, 0.165, 138.0);
    let gold = tone(0.84, 0.155, 90.0);
    let amber = tone(0.76, 0.155, 68.0);
    let copper = tone(0.68, 0.15, 52.0);
    let teal = tone(0.78, 0.11, 190.0);
    let of = match (cat.breed, cat.color) {
        (Breed::Siamese | Breed::Ragdoll, _) | (_, Color::SealPoint | Color::BluePoint) => {
            [blue, blue.light(0.05), blue.turn(-12.0)]
        }
        (Breed::BritishShorthair | Breed::Persian, _) => [copper, amber, copper.turn(-8.0)],
        (_, Color::White) => [blue, green, teal],
        (_, Color::Orange | Color::Cream) => [green, amber, teal],
        _ => [green, gold, amber],
    };
    of[rng.random_range(0..of.len())]
}
