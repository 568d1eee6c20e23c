//! The coat: its colours, and its pattern on each part of the body.

use kurbo::BezPath;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::geometry::{At, blade, blob, circle, closed, ellipse, polygon};
use super::palette::{Tone, WHITE, tone};
use super::rig::Rig;
use super::svg::Svg;
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

    fn chance(&self, part: &str) -> ChaCha8Rng {
        self.seed.rng(part)
    }

    /// The pattern of the face, in coordinates of the head.
    pub fn mark_head(&self, svg: &mut Svg, rig: &Rig) {
        let (w, h) = (rig.head_w, rig.head_h);
        let mut rng = self.chance("coat of the head");
        match self.pattern {
            Pattern::Solid => {}
            Pattern::Tabby => {
                let m = self.mark;
                // The M, and the stripes that run back over the crown.
                for s in [-1.0, 1.0] {
                    let p = |x: f64, y: f64| (s * x * w, y * h);
                    svg.fill(&blade(p(0.07, -1.1), p(0.13, -0.72), p(0.10, -0.40), 6.0), m);
                    svg.fill(&blade(p(0.30, -1.08), p(0.24, -0.70), p(0.30, -0.46), 6.5), m);
                    svg.fill(&blade(p(0.10, -0.42), p(0.20, -0.58), p(0.29, -0.48), 3.5), m);
                    svg.fill(&blade(p(0.54, -1.0), p(0.50, -0.74), p(0.56, -0.52), 5.0), m);
                    // Cheeks.
                    for (y, drop, size) in [(-0.02, 0.06, 5.5), (0.24, 0.12, 6.5), (0.48, 0.14, 5.5)] {
                        let jitter = rng.random_range(-0.03..=0.03);
                        svg.fill(&blade(p(1.14, y + drop + jitter), p(0.90, y + 0.02), p(0.66, y + jitter), size), m);
                    }
                }
                svg.fill(&blade((0.0, -1.1 * h), (0.0, -0.8 * h), (0.0, -0.52 * h), 4.5), m);
            }
            Pattern::Points | Pattern::Mitted => {
                let fade = [
                    (0.0, self.mark),
                    (0.48, self.mark.alpha(0.93)),
                    (0.74, self.mark.alpha(0.5)),
                    (1.0, self.mark.alpha(0.0)),
                ];
                let mask = svg.radial((0.0, h * 0.20), (w * 0.92, h * 1.02), &fade);
                svg.fill(&ellipse((0.0, h * 0.2), w * 0.95, h * 1.05), mask);
                if self.pattern == Pattern::Mitted {
                    let blaze = [
                        (0.0, -h * 0.62),
                        (10.0, -h * 0.2),
                        (20.0, h * 0.15),
                        (w * 0.38, h * 0.46),
                        (w * 0.40, h * 0.74),
                        (w * 0.22, h * 1.04),
                        (0.0, h * 1.12),
                    ];
                    svg.fill(&closed(&super::geometry::mirrored(&blaze)), tone(0.97, 0.012, 82.0));
                }
            }
            Pattern::Tuxedo => {
                let lean = rng.random_range(-5.0..=5.0);
                let blaze = [
                    (lean, -h * 0.52),
                    (7.0, -h * 0.18),
                    (17.0, h * 0.18),
                    (w * 0.40, h * 0.44),
                    (w * 0.42, h * 0.72),
                    (w * 0.24, h * 1.04),
                    (0.0, h * 1.14),
                ];
                svg.fill(&closed(&super::geometry::mirrored(&blaze)), self.pale);
            }
            Pattern::Calico => {
                let drift = rng.random_range(-0.05..=0.05) * w;
                svg.fill(&blob((-w * 0.66 + drift, -h * 0.50), w * 0.54, h * 0.66, 0.13, &mut rng), self.third);
                svg.fill(&blob((w * 0.66 + drift, -h * 0.46), w * 0.56, h * 0.74, 0.12, &mut rng), self.mark);
                svg.fill(&blob((w * 0.9, h * 0.72), w * 0.25, h * 0.25, 0.2, &mut rng), self.third);
            }
            Pattern::Tortoiseshell => {
                // A face in two halves, then flecks of either colour in the other.
                let half = [
                    (2.0, -h * 1.2),
                    (w * 1.3, -h * 1.2),
                    (w * 1.3, h * 0.5),
                    (w * 0.75, h * 0.62),
                    (w * 0.5, h * 1.1),
                    (w * 0.06, h * 0.55),
                    (6.0, h * 0.1),
                    (-5.0, -h * 0.4),
                ];
                svg.fill(&closed(&half), self.mark);
                self.fleck(svg, (w, h), (0.0, 0.0), 26, &mut rng);
            }
        }
        if self.bib && self.pattern != Pattern::Calico {
            let blaze = [
                (0.0, -h * 0.30),
                (6.0, -h * 0.05),
                (14.0, h * 0.2),
                (w * 0.34, h * 0.46),
                (w * 0.36, h * 0.72),
                (w * 0.2, h * 1.02),
                (0.0, h * 1.12),
            ];
            svg.fill(&closed(&super::geometry::mirrored(&blaze)), self.pale);
        }
    }

    fn fleck(&self, svg: &mut Svg, (w, h): (f64, f64), centre: At, count: u32, rng: &mut ChaCha8Rng) {
        for i in 0..count {
            let at = (centre.0 + rng.random_range(-1.0..1.0) * w, centre.1 + rng.random_range(-1.0..1.0) * h);
            let (long, thin) = (rng.random_range(0.09..0.2) * w, rng.random_range(0.035..0.075) * w);
            let lean = rng.random_range(-0.4..0.4) * long;
            let colour = if i % 3 == 0 { self.base.dark(0.05) } else { self.mark.turn(f64::from(i % 4) * 3.0 - 4.0) };
            svg.fill(&blade((at.0 - lean, at.1 - long), (at.0 + lean, at.1), (at.0 + lean, at.1 + long), thin), colour);
        }
    }

    /// The pattern of the trunk and the haunches.
    pub fn mark_body(&self, svg: &mut Svg, rig: &Rig) {
        let (n, hip) = (rig.neck, rig.hip);
        let mut rng = self.chance("coat of the body");
        match self.pattern {
            Pattern::Solid | Pattern::Mitted => {}
            Pattern::Points => {
                let fade = svg.linear(
                    (0.0, -n * 0.5),
                    (0.0, 0.0),
                    &[(0.0, self.mark.alpha(0.0)), (1.0, self.mark.alpha(0.35))],
                );
                svg.fill(&polygon(&[(-hip * 1.2, -n), (hip * 1.2, -n), (hip * 1.2, 10.0), (-hip * 1.2, 10.0)]), fade);
            }
            Pattern::Tabby => {
                for s in [-1.0, 1.0] {
                    for i in 0..7 {
                        let t = f64::from(i) / 6.0;
                        let y = -n * (0.90 - t * 0.78) + rng.random_range(-3.0..=3.0);
                        let inner = hip * (0.42 + 0.10 * (t * 3.0).sin()) + rng.random_range(-6.0..=6.0);
                        let bend = (s * hip * 0.86, y - 4.0);
                        svg.fill(
                            &blade((s * hip * 1.16, y + 15.0), bend, (s * inner, y + 8.0), 6.0 + 2.5 * t),
                            self.mark,
                        );
                    }
                }
            }
            Pattern::Tuxedo => {}
            Pattern::Calico => {
                svg.fill(&blob((-hip * 0.82, -n * 0.34), hip * 0.42, n * 0.30, 0.15, &mut rng), self.mark);
                svg.fill(&blob((hip * 0.86, -n * 0.30), hip * 0.36, n * 0.26, 0.16, &mut rng), self.third);
                svg.fill(&blob((hip * 0.62, -n * 0.82), hip * 0.32, n * 0.2, 0.16, &mut rng), self.mark);
                svg.fill(&blob((-hip * 0.66, -n * 0.86), hip * 0.2, n * 0.16, 0.16, &mut rng), self.third);
            }
            Pattern::Tortoiseshell => {
                for (x, y, r) in [(-0.8, -0.3, 0.3), (0.75, -0.55, 0.34), (0.4, -0.85, 0.22), (-0.45, -0.75, 0.2)] {
                    svg.fill(&blob((hip * x, n * y), hip * r, n * r * 0.7, 0.25, &mut rng), self.mark);
                }
                self.fleck(svg, (hip, n * 0.5), (0.0, -n * 0.5), 30, &mut rng);
            }
        }
    }

    /// The pattern of a front leg around `x`.
    pub fn mark_leg(&self, svg: &mut Svg, rig: &Rig, x: f64) {
        let (n, leg) = (rig.neck, rig.leg);
        let sock = |svg: &mut Svg, top: f64, colour: Tone, soft: bool| {
            let fade = if soft { 0.55 } else { 0.06 };
            let paint = svg.linear((0.0, top), (0.0, top * (1.0 - fade)), &[(0.0, colour.alpha(0.0)), (1.0, colour)]);
            svg.fill(&polygon(&[(x - 60.0, top), (x + 60.0, top), (x + 60.0, 20.0), (x - 60.0, 20.0)]), paint);
        };
        match self.pattern {
            Pattern::Points => sock(svg, -n * 0.5, self.mark, true),
            Pattern::Mitted => sock(svg, -n * 0.22, self.foot(), false),
            Pattern::Tuxedo => sock(svg, -n * 0.20, self.foot(), false),
            Pattern::Tabby => {
                for y in [-0.50, -0.37, -0.245] {
                    svg.fill(&blade((x - leg * 1.4, n * y), (x, n * y + 7.0), (x + leg * 1.4, n * y), 4.5), self.mark);
                }
            }
            Pattern::Tortoiseshell if x > 0.0 => sock(svg, -n * 0.2, self.mark, false),
            _ => {}
        }
        if self.bib {
            sock(svg, -n * 0.19, self.pale, false);
        }
    }

    /// The pattern of the tail: rings, or a coloured end. `spine` are points along it, from the root.
    pub fn mark_tail(&self, svg: &mut Svg, outline: &BezPath, spine: &[(At, At)], half: f64) {
        let across = |i: usize, reach: f64| {
            let ((x, y), (nx, ny)) = spine[i];
            ((x + nx * reach, y + ny * reach), (x - nx * reach, y - ny * reach))
        };
        let last = spine.len() - 1;
        match self.pattern {
            Pattern::Tabby => {
                let mut i = 3;
                while i < last {
                    let (a, b) = across(i, half * 2.2);
                    let ((x, y), (nx, ny)) = spine[i];
                    svg.fill(&blade(a, (x - ny * 4.0, y + nx * 4.0), b, half * 0.45), self.mark);
                    i += 4;
                }
                svg.fill(&circle(spine[last].0, half * 1.7), self.mark);
            }
            Pattern::Points | Pattern::Mitted => svg.fill(outline, self.mark),
            Pattern::Tuxedo => svg.fill(&circle(spine[last].0, half * 1.5), self.pale),
            Pattern::Calico => {
                svg.fill(outline, self.mark);
                svg.fill(&circle(spine[last].0, half * 2.2), self.third);
            }
            Pattern::Tortoiseshell => {
                for i in (2..last).step_by(4) {
                    svg.fill(&circle(spine[i].0, half * 0.8), self.mark);
                }
            }
            Pattern::Solid if self.bib => svg.fill(&circle(spine[last].0, half * 1.4), self.pale),
            Pattern::Solid => {}
        }
    }

    /// The colour of the chest, where it differs from the trunk.
    #[must_use]
    pub fn chest(&self) -> Option<Tone> {
        match self.pattern {
            Pattern::Tuxedo => Some(self.pale),
            Pattern::Mitted => Some(tone(0.975, 0.01, 82.0)),
            Pattern::Tabby => Some(if self.bib { self.pale } else { self.base.mix(self.pale, 0.6) }),
            Pattern::Points => Some(self.pale),
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
