//! The measures of one cat: what breed, size, age, mood and chance make of the common skeleton.
//!
//! Lengths are rig units: a grown cat of middle size is some 350 high. The origin lies on the floor between the
//! front paws; y grows downwards.

use rand::RngExt;

use crate::model::attributes::{Age, Breed, CatAttributes, Expression, Size};
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
                eyes.pupil = (0.66, 0.76);
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

const COMMON: Rig = Rig {
    scale: 1.0,
    neck: 148.0,
    shoulder: 62.0,
    hip: 98.0,
    belly: 0.0,
    leg: 18.5,
    stance: 26.0,
    head_w: 92.0,
    head_h: 76.0,
    cheek: 1.0,
    jaw: 0.80,
    tilt: 0.0,
    ears: Ears { kind: EarKind::Upright, width: 60.0, height: 66.0, stand: 38.0, splay: 8.0 },
    eyes: Eyes {
        apart: 39.0,
        y: -2.0,
        rx: 23.0,
        ry: 22.0,
        slant: 3.0,
        lid: (0.0, 0.0),
        squeeze: 0.0,
        pupil: (0.4, 0.8),
        gaze: (0.0, 0.0),
    },
    nose_y: 24.0,
    muzzle: 1.0,
    fur: 0.2,
    ruff: 0.0,
    tail: 14.0,
    side: 1.0,
    whiskers: 1.0,
    grooming: 0.7,
};

fn breed(breed: Breed) -> Rig {
    let Rig { ears, eyes, .. } = COMMON;
    match breed {
        Breed::Tabby => Rig { fur: 0.28, ..COMMON },
        Breed::Siamese => Rig {
            head_w: 80.0,
            head_h: 79.0,
            cheek: 0.93,
            jaw: 0.58,
            shoulder: 52.0,
            hip: 80.0,
            leg: 15.5,
            neck: 160.0,
            stance: 22.0,
            tail: 9.5,
            fur: 0.0,
            muzzle: 0.92,
            nose_y: 29.0,
            ears: Ears { width: 68.0, height: 86.0, stand: 46.0, splay: 17.0, ..ears },
            eyes: Eyes { slant: 8.0, ry: 18.5, rx: 22.0, apart: 34.0, ..eyes },
            ..COMMON
        },
        Breed::Persian => Rig {
            head_w: 102.0,
            head_h: 80.0,
            cheek: 1.08,
            jaw: 0.97,
            shoulder: 80.0,
            hip: 112.0,
            leg: 21.0,
            neck: 132.0,
            stance: 29.0,
            tail: 24.0,
            fur: 1.0,
            ruff: 1.0,
            muzzle: 0.98,
            nose_y: 10.0,
            ears: Ears { width: 48.0, height: 40.0, stand: 42.0, splay: 16.0, ..ears },
            eyes: Eyes { apart: 44.0, y: 2.0, rx: 25.0, ry: 24.0, slant: 0.0, ..eyes },
            ..COMMON
        },
        Breed::MaineCoon => Rig {
            head_w: 92.0,
            head_h: 84.0,
            cheek: 1.02,
            jaw: 0.84,
            shoulder: 78.0,
            hip: 112.0,
            leg: 22.0,
            neck: 152.0,
            stance: 29.0,
            tail: 27.0,
            fur: 0.82,
            ruff: 0.9,
            muzzle: 1.18,
            nose_y: 28.0,
            ears: Ears { kind: EarKind::Lynx, width: 60.0, height: 84.0, stand: 31.0, splay: 3.0 },
            eyes: Eyes { slant: 5.0, ry: 20.0, ..eyes },
            ..COMMON
        },
        Breed::ScottishFold => Rig {
            head_w: 98.0,
            head_h: 84.0,
            cheek: 1.05,
            jaw: 0.95,
            hip: 102.0,
            shoulder: 66.0,
            neck: 138.0,
            tail: 15.0,
            fur: 0.2,
            nose_y: 22.0,
            ears: Ears { kind: EarKind::Folded, width: 52.0, height: 34.0, stand: 42.0, splay: 10.0 },
            eyes: Eyes { rx: 26.0, ry: 26.0, apart: 42.0, slant: 0.0, ..eyes },
            ..COMMON
        },
        Breed::BritishShorthair => Rig {
            head_w: 104.0,
            head_h: 82.0,
            cheek: 1.12,
            jaw: 1.03,
            shoulder: 78.0,
            hip: 112.0,
            leg: 22.5,
            stance: 30.0,
            neck: 138.0,
            tail: 17.0,
            fur: 0.08,
            muzzle: 1.08,
            ears: Ears { width: 52.0, height: 48.0, stand: 44.0, splay: 14.0, ..ears },
            eyes: Eyes { rx: 24.0, ry: 23.0, apart: 42.0, slant: 1.0, ..eyes },
            ..COMMON
        },
        Breed::Ragdoll => Rig {
            head_w: 95.0,
            head_h: 78.0,
            cheek: 1.04,
            jaw: 0.86,
            shoulder: 72.0,
            hip: 106.0,
            tail: 23.0,
            fur: 0.62,
            ruff: 0.65,
            ears: Ears { width: 58.0, height: 58.0, splay: 14.0, ..ears },
            eyes: Eyes { slant: 5.0, ..eyes },
            ..COMMON
        },
        Breed::DomesticShorthair => Rig {
            head_w: 88.0,
            jaw: 0.76,
            fur: 0.1,
            ears: Ears { kind: EarKind::Tipped, width: 60.0, height: 68.0, ..ears },
            ..COMMON
        },
    }
}
