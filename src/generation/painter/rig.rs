//! The measures of one cat: what breed, size, age, mood and chance make of the common skeleton.
//!
//! Lengths are rig units: a grown cat of middle size is some 350 high. The origin lies on the floor between the
//! front paws; y grows downwards.

use rand::RngExt;

use super::breeds::breed;
use crate::model::attributes::{Age, CatAttributes, Expression, Size};
use crate::model::seed::Seed;

/// How the ears are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarKind {
    /// A pointed triangle.
    Upright,
    /// Pointed, with a tuft at the tip, as a lynx has.
    Lynx,
    /// Folded forward over the skull.
    Folded,
    /// Upright, the left one with its tip clipped, as cared-for street cats have.
    Tipped,
}

/// The ears.
#[derive(Debug, Clone, Copy)]
pub struct Ears {
    /// How they are built.
    pub kind: EarKind,
    /// Width at the base.
    pub width: f64,
    /// Height from base to tip.
    pub height: f64,
    /// Where they stand: the angle from the crown, in degrees.
    pub stand: f64,
    /// How far they lean outwards, in degrees.
    pub splay: f64,
}

/// The eyes.
#[derive(Debug, Clone, Copy)]
pub struct Eyes {
    /// From the middle of the face to the middle of an eye.
    pub apart: f64,
    /// Height in the face: 0 is its middle, down is positive.
    pub y: f64,
    /// Half the width.
    pub rx: f64,
    /// Half the height.
    pub ry: f64,
    /// How much higher the outer corner is.
    pub slant: f64,
    /// How far the upper lid is closed at the inner and the outer corner, as a share of the height.
    pub lid: (f64, f64),
    /// How far the lower lid is raised.
    pub squeeze: f64,
    /// The pupil's width and height as shares of the eye's.
    pub pupil: (f64, f64),
    /// Where it looks.
    pub gaze: (f64, f64),
}

/// The measures of a cat.
#[derive(Debug, Clone, Copy)]
pub struct Rig {
    /// Pixels per rig unit on a canvas 448 high.
    pub scale: f64,
    /// Height of the neck above the floor.
    pub neck: f64,
    /// Half the width at the shoulders.
    pub shoulder: f64,
    /// Half the width at the hips.
    pub hip: f64,
    /// How far the belly hangs out, 0 to 1.
    pub belly: f64,
    /// Half the width of a front leg.
    pub leg: f64,
    /// From the middle to the middle of a front leg.
    pub stance: f64,
    /// Half the width of the head.
    pub head_w: f64,
    /// Half its height.
    pub head_h: f64,
    /// Fullness of the cheeks; 1 is common.
    pub cheek: f64,
    /// Fullness of the jaw, 0.5 (a wedge) to 1 (a ball).
    pub jaw: f64,
    /// How far the head is tilted, in degrees.
    pub tilt: f64,
    /// The ears.
    pub ears: Ears,
    /// The eyes.
    pub eyes: Eyes,
    /// Height of the nose in the face.
    pub nose_y: f64,
    /// Size of the muzzle; 1 is common.
    pub muzzle: f64,
    /// Length of the coat, 0 (sleek) to 1 (Persian).
    pub fur: f64,
    /// The collar of long fur on the chest, 0 to 1.
    pub ruff: f64,
    /// Half the thickness of the tail.
    pub tail: f64,
    /// Which side the tail is on, -1 or 1.
    pub side: f64,
    /// Length of the whiskers; 1 is common.
    pub whiskers: f64,
    /// How well kept it is, 0 to 1: from the score.
    pub grooming: f64,
}

impl Rig {
    /// The head is drawn larger than life by this much.
    pub const HEAD: f64 = 1.16;

    /// The measures of this cat.
    #[must_use]
    pub fn of(cat: &CatAttributes, seed: &Seed) -> Self {
        let mut rig = breed(cat.breed);
        rig.grow(cat.age);
        rig.feed(cat.size);
        rig.feel(cat.expression);
        rig.vary(seed);
        rig.scale = rig.scale.min(398.0 / -rig.top());
        rig.grooming = cat.beauty_score.map_or(0.7, |score| (score / 10.0).clamp(0.0, 1.0));
        rig
    }

    /// Height of the middle of the head.
    #[must_use]
    pub fn head_y(&self) -> f64 {
        -self.neck - self.head_h * Self::HEAD * 0.70
    }

    /// Height of the tips of the ears.
    #[must_use]
    pub fn top(&self) -> f64 {
        self.head_y() - (self.head_h * 0.8 + self.ears.height * 0.85) * Self::HEAD
    }

    fn grow(&mut self, age: Age) {
        let (neck, body, head, eyes, muzzle, whiskers) = match age {
            Age::Kitten => (0.50, 0.66, 0.96, 1.24, 0.84, 0.75),
            Age::Young => (0.86, 0.84, 0.97, 1.10, 0.94, 0.95),
            Age::Adult => (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
            Age::Senior => (0.97, 1.06, 0.98, 0.92, 1.08, 1.28),
        };
        self.neck *= neck;
        for width in [&mut self.shoulder, &mut self.hip, &mut self.leg, &mut self.stance, &mut self.tail] {
            *width *= body;
        }
        self.head_w *= head;
        self.head_h *= head;
        self.eyes.rx *= eyes;
        self.eyes.ry *= eyes;
        self.muzzle *= muzzle;
        self.whiskers *= whiskers;
        match age {
            Age::Kitten => {
                self.scale *= 1.06;
                self.eyes.y += 9.0;
                self.nose_y += 7.0;
                self.eyes.apart *= 1.06;
                self.ears.width *= 1.02;
                self.ears.height *= 0.9;
                self.ears.stand += 5.0;
                self.fur = self.fur.max(0.22);
                self.jaw = (self.jaw + 0.06).min(1.0);
            }
            Age::Young => {
                self.ears.height *= 1.1;
                self.ears.width *= 1.06;
            }
            Age::Adult => {}
            Age::Senior => {
                self.jaw = (self.jaw + 0.04).min(1.02);
                self.fur = (self.fur + 0.12).min(1.0);
                self.ears.height *= 0.95;
            }
        }
    }

    fn feed(&mut self, size: Size) {
        let (scale, girth, belly, head) = match size {
            Size::Small => (0.80, 0.86, 0.0, 1.0),
            Size::Medium => (1.02, 1.0, 0.0, 1.0),
            Size::Large => (1.07, 1.28, 0.55, 1.02),
            Size::VeryLarge => (1.12, 1.60, 1.0, 1.04),
        };
        self.scale *= scale;
        self.shoulder *= 1.0 + (girth - 1.0) * 0.95;
        self.hip *= girth;
        self.leg *= 1.0 + (girth - 1.0) * 0.3;
        self.stance *= 1.0 + (girth - 1.0) * 0.55;
        self.belly = belly;
        self.head_w *= head;
        self.cheek *= 1.0 + belly * 0.07;
        self.jaw = (self.jaw * (1.0 + belly * 0.1)).min(1.08);
    }

    fn feel(&mut self, mood: Expression) {
        let eyes = &mut self.eyes;
        match mood {
            Expression::Happy => {
                eyes.squeeze = 0.24;
                eyes.pupil = (0.54, 0.70);
                eyes.ry *= 1.04;
            }
            Expression::Neutral => {
                eyes.lid = (0.24, 0.24);
                eyes.pupil = (0.42, 0.86);
            }
            Expression::Concerned => {
                eyes.lid = (0.02, 0.30);
                eyes.pupil = (0.44, 0.52);
                eyes.gaze = (0.10, -0.10);
                eyes.ry *= 1.06;
                self.ears.splay += 24.0;
                self.ears.stand += 6.0;
                self.tilt += 4.0;
            }
            Expression::Grumpy => {
                eyes.lid = (0.62, 0.22);
                eyes.pupil = (0.28, 0.80);
                eyes.squeeze = 0.12;
                self.ears.splay += 40.0;
                self.ears.stand += 12.0;
            }
        }
    }

    fn vary(&mut self, seed: &Seed) {
        let mut rng = seed.rng("pose");
        self.side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        self.tilt += rng.random_range(-3.5..=3.5);
        self.cheek *= rng.random_range(0.98..=1.03);
        self.ears.splay += rng.random_range(-3.0..=4.0);
        self.eyes.apart *= rng.random_range(0.98..=1.03);
        self.eyes.rx *= rng.random_range(0.97..=1.04);
        self.whiskers *= rng.random_range(0.9..=1.1);
    }
}
