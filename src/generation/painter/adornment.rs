//! What the cat wears and has: collar, glasses, box, yarn, bowl; and what its score does to it.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::background::star;
use super::body::LINE;
use super::coat::Coat;
use super::geometry::{arc, circle, closed, ellipse, hair, line, open, polygon, rounded};
use super::palette::{INK, Tone, WHITE, tone};
use super::rig::Rig;
use super::svg::Svg;
use crate::model::attributes::{Age, CatAttributes, Size};
use crate::model::seed::Seed;

fn ink(fill: Tone) -> Tone {
    fill.dark(0.30).vivid(0.9)
}

/// A colour for things the cat wears that stands out from its coat.
fn accent(coat: &Coat, rng: &mut ChaCha8Rng) -> Tone {
    let hues: &[f64] = if coat.base.c > 0.09 { &[195.0, 255.0, 150.0] } else { &[22.0, 195.0, 255.0, 330.0] };
    tone(0.62, 0.16, hues[rng.random_range(0..hues.len())])
}

/// What it wears around its neck: a bell on a kitten, a kerchief on a young cat, a name tag on a grown one, a bow tie
/// on an old one and on whoever writes TypeScript. A ruff hides it.
pub fn collar(svg: &mut Svg, sitter: &CatAttributes, coat: &Coat, rig: &Rig, seed: &Seed) {
    let mut rng = seed.rng("collar");
    let fill = accent(coat, &mut rng);
    let (n, w) = (rig.neck, rig.shoulder * 0.98);
    let y = -n + 30.0;
    let bow = sitter.language.as_deref() == Some("TypeScript") || sitter.age == Age::Senior;
    if rig.ruff < 0.5 && (sitter.age == Age::Kitten || sitter.age == Age::Adult) && !bow {
        let band = arc((-w * 0.88, y - 15.0), (0.0, y + 27.0), (w * 0.88, y - 15.0));
        svg.stroke(&band, ink(fill), 13.0);
        svg.stroke(&band, fill, 8.0);
    }
    if bow {
        let y = y + 9.0;
        for s in [-1.0, 1.0] {
            let wing = closed(&[
                (0.0, y),
                (s * 16.0, y - 13.0),
                (s * 34.0, y - 16.0),
                (s * 36.0, y),
                (s * 34.0, y + 16.0),
                (s * 16.0, y + 13.0),
            ]);
            svg.inked(&wing, fill, ink(fill), LINE);
            svg.stroke(&line((s * 10.0, y - 2.0), (s * 22.0, y - 5.0)), ink(fill).alpha(0.6), 2.4);
        }
        svg.inked(&rounded((-8.0, y - 9.0), 16.0, 18.0, 6.0), fill.light(0.06), ink(fill), LINE);
        return;
    }
    match sitter.age {
        Age::Kitten | Age::Adult => {
            let gold = tone(0.84, 0.14, 88.0);
            let at = (0.0, y + 13.0);
            svg.inked(&circle(at, if sitter.age == Age::Kitten { 9.5 } else { 11.0 }), gold, ink(gold), 2.8);
            if sitter.age == Age::Kitten {
                svg.stroke(&line((-8.0, at.1 + 1.0), (8.0, at.1 + 1.0)), ink(gold), 2.2);
                svg.fill(&circle((0.0, at.1 + 4.5), 2.0), INK);
            } else {
                // A paw on the tag.
                svg.fill(&ellipse((0.0, at.1 + 3.0), 4.2, 3.4), ink(gold));
                for x in [-4.6, 0.0, 4.6] {
                    svg.fill(&circle((x, at.1 - 2.6 - (4.6 - f64::abs(x)) * 0.35), 1.8), ink(gold));
                }
            }
            svg.fill(&circle((-3.4, at.1 - 5.0), 2.0), WHITE.alpha(0.8));
        }
        Age::Young => {
            let cloth = closed(&[
                (-w * 0.96, y - 20.0),
                (0.0, y - 4.0),
                (w * 0.96, y - 20.0),
                (w * 0.62, y + 10.0),
                (10.0, y + 40.0),
                (0.0, y + 44.0),
                (-10.0, y + 40.0),
                (-w * 0.62, y + 10.0),
            ]);
            svg.fill(&super::geometry::moved(&cloth, (3.0, 6.0), 1.0), coat.shade().alpha(0.4));
            svg.inked(&cloth, fill, ink(fill), LINE);
            svg.clipped(&cloth, |svg| {
                for (x, dy) in [(-30.0, 2.0), (-14.0, 14.0), (0.0, 4.0), (14.0, 15.0), (30.0, 2.0), (0.0, 27.0)] {
                    svg.fill(&circle((x, y + dy), 3.2), WHITE.alpha(0.85));
                }
            });
        }
        Age::Senior => {}
    }
}

/// Glasses for the old, in coordinates of the head.
pub fn glasses(svg: &mut Svg, rig: &Rig, seed: &Seed) {
    let mut rng = seed.rng("glasses");
    let frame = [tone(0.30, 0.03, 290.0), tone(0.46, 0.14, 25.0), tone(0.70, 0.13, 82.0), tone(0.42, 0.10, 200.0)]
        [rng.random_range(0..4)];
    let round = rng.random_bool(0.6);
    let eyes = &rig.eyes;
    let (x, y, r) = (eyes.apart, eyes.y + 4.0, (eyes.rx + 10.5).min(eyes.apart - 2.0));
    for s in [-1.0, 1.0] {
        let lens =
            if round { circle((s * x, y), r) } else { rounded((s * x - r, y - r * 0.80), r * 2.0, r * 1.66, r * 0.42) };
        svg.fill(&lens, tone(0.92, 0.04, 220.0).alpha(0.16));
        svg.clipped(&lens, |svg| {
            for (dx, wide) in [(-0.5, 0.34), (0.02, 0.14)] {
                let left = s * x + dx * r;
                svg.fill(
                    &polygon(&[
                        (left, y + r),
                        (left + r * 0.9, y - r),
                        (left + r * (0.9 + wide), y - r),
                        (left + r * wide, y + r),
                    ]),
                    WHITE.alpha(0.17),
                );
            }
        });
        svg.stroke(&lens, frame, 4.4);
        svg.stroke(&line((s * (x + r), y - 5.0), (s * rig.head_w * 0.96, y - 10.0)), frame, 4.4);
    }
    svg.stroke(&arc((-(x - r), y - 3.0), (0.0, y - 11.0), (x - r, y - 3.0)), frame, 4.4);
}

/// What a low score does: a plaster, dust; and a high one: sparkles. In coordinates of the whole cat.
pub fn upkeep(svg: &mut Svg, sitter: &CatAttributes, rig: &Rig, seed: &Seed) {
    let Some(score) = sitter.beauty_score else { return };
    let mut rng = seed.rng("upkeep");
    let (top, reach) = (rig.top(), rig.hip.max(rig.head_w * Rig::HEAD) + 16.0);
    if score >= 8.0 {
        for (x, y, size) in [(-0.92, 0.86, 30.0), (1.0, 0.70, 22.0), (0.84, 0.98, 16.0), (-1.08, 0.62, 15.0)] {
            let at = (x * reach + rng.random_range(-6.0..6.0), y * top + rng.random_range(-8.0..8.0));
            svg.placed(at, (1.0, 1.0), 0.0, |svg| {
                star(svg, tone(0.90, 0.13, 92.0), size + 7.0, 4);
                star(svg, WHITE, size, 4);
            });
        }
    }
    if score < 3.0 {
        for (x, y) in [(-0.86, 0.30), (0.92, 0.42), (0.80, 0.22)] {
            let at = (x * reach, y * top);
            for (dx, dy, r) in [(0.0, 0.0, 8.0), (9.0, 3.0, 5.5), (-8.0, 4.0, 5.0)] {
                svg.fill(&circle((at.0 + dx, at.1 + dy), r), tone(0.62, 0.03, 70.0).alpha(0.45));
            }
        }
    }
}

/// A plaster on the forehead of a cat that has seen worse days, in coordinates of the head.
pub fn plaster(svg: &mut Svg, sitter: &CatAttributes, rig: &Rig) {
    if sitter.beauty_score.is_some_and(|score| score < 3.0) {
        let skin = tone(0.84, 0.06, 65.0);
        svg.placed((-rig.side * rig.head_w * 0.42, -rig.head_h * 0.62), (1.0, 1.0), rig.side * 28.0, |svg| {
            svg.inked(&rounded((-19.0, -7.5), 38.0, 15.0, 7.0), skin, ink(skin), 2.4);
            svg.fill(&rounded((-8.0, -5.5), 16.0, 11.0, 2.0), skin.light(0.08));
            for x in [-14.0, 14.0] {
                svg.fill(&circle((x, 0.0), 1.5), ink(skin).alpha(0.6));
            }
        });
    }
}

/// The thing that shows its size: wool that dwarfs a small cat, a bowl for a large one, a feast for a very large one.
pub fn belongings(svg: &mut Svg, sitter: &CatAttributes, rig: &Rig, wide: f64, seed: &Seed) {
    let mut rng = seed.rng("belongings");
    let fill = tone(0.66, 0.15, [10.0, 150.0, 255.0, 320.0][rng.random_range(0..4)]);
    let x = rig.side * (rig.hip + 44.0).min(wide - 66.0);
    match sitter.size {
        Size::Small => yarn(svg, (rig.side * (rig.hip + 62.0), -40.0), 46.0, fill),
        Size::Medium => {}
        Size::Large => svg.placed((x, 8.0), (1.0, 1.0), 0.0, |svg| bowl(svg, fill, false)),
        Size::VeryLarge => {
            svg.placed((x - rig.side * 6.0, 8.0), (1.25, 1.25), 0.0, |svg| bowl(svg, fill, true));
            svg.placed((-rig.side * (rig.hip * 0.98).min(wide - 50.0), 2.0), (rig.side, 1.0), 0.0, fishbone);
        }
    }
}

fn yarn(svg: &mut Svg, (x, y): (f64, f64), r: f64, fill: Tone) {
    svg.fill(&ellipse((x, y + r * 0.96), r * 1.05, r * 0.16), INK.alpha(0.28));
    let thread = open(&[
        (x - r * 0.5, y + r * 0.85),
        (x - r * 1.2, y + r * 1.02),
        (x - r * 1.5, y + r * 0.86),
        (x - r * 1.9, y + r * 1.06),
    ]);
    svg.stroke(&thread, ink(fill), 6.0);
    svg.stroke(&thread, fill, 3.0);
    let ball = circle((x, y), r);
    let round = svg.radial(
        (x - r * 0.3, y - r * 0.4),
        (r * 1.4, r * 1.4),
        &[(0.0, fill.light(0.12)), (0.6, fill), (1.0, fill.dark(0.16))],
    );
    svg.fill(&ball, round);
    svg.clipped(&ball, |svg| {
        for i in 0..5 {
            let k = f64::from(i) * 0.36 - 0.72;
            svg.stroke(
                &arc((x + r * (k - 0.5), y - r), (x + r * (k + 0.7), y - r * 0.1), (x + r * (k - 0.1), y + r)),
                ink(fill).alpha(0.55),
                2.6,
            );
            svg.stroke(
                &arc((x - r, y + r * (k - 0.2)), (x + r * 0.1, y + r * (k + 0.7)), (x + r, y + r * (k + 0.1))),
                fill.light(0.14).alpha(0.7),
                3.0,
            );
        }
    });
    svg.stroke(&ball, ink(fill), LINE);
}

fn bowl(svg: &mut Svg, fill: Tone, heaped: bool) {
    svg.fill(&ellipse((0.0, 0.0), 50.0, 7.0), INK.alpha(0.28));
    let food = tone(0.52, 0.09, 50.0);
    if heaped {
        svg.inked(
            &closed(&[(-36.0, -26.0), (-24.0, -46.0), (0.0, -56.0), (24.0, -46.0), (36.0, -26.0)]),
            food,
            ink(food),
            2.8,
        );
    }
    svg.inked(&ellipse((0.0, -28.0), 38.0, 9.0), food, ink(food), 2.8);
    for (x, y) in [(-20.0, -32.0), (-6.0, -36.0), (9.0, -34.0), (22.0, -32.0), (0.0, -29.0)] {
        let y = if heaped { y - 10.0 + f64::abs(x) * 0.2 } else { y };
        svg.inked(&circle((x, y), 5.5), food.light(0.08), ink(food), 2.0);
    }
    let body = closed(&[(-40.0, -28.0), (0.0, -20.0), (40.0, -28.0), (48.0, -2.0), (0.0, 3.0), (-48.0, -2.0)]);
    let round = svg.linear((-48.0, 0.0), (48.0, 0.0), &[(0.0, fill.light(0.08)), (0.5, fill), (1.0, fill.dark(0.12))]);
    svg.inked(&body, round, ink(fill), LINE);
    svg.fill(&ellipse((0.0, -8.0), 6.0, 5.0), WHITE.alpha(0.9));
    for x in [-7.0, 0.0, 7.0] {
        svg.fill(&circle((x, -15.0 - (7.0 - f64::abs(x)) * 0.2), 2.5), WHITE.alpha(0.9));
    }
}

fn fishbone(svg: &mut Svg) {
    let bone = tone(0.96, 0.015, 85.0);
    for (tone, wide) in [(INK.alpha(0.75), 7.5), (bone, 4.0)] {
        svg.stroke(&line((-26.0, 0.0), (22.0, 0.0)), tone, wide);
        for x in [-12.0, -2.0, 8.0] {
            svg.stroke(&line((x - 4.0, -8.0), (x + 3.0, 8.0)), tone, wide * 0.8);
        }
        svg.stroke(&open(&[(-36.0, -9.0), (-26.0, 0.0), (-36.0, 9.0)]), tone, wide);
    }
    svg.inked(
        &closed(&[(20.0, -10.0), (34.0, -8.0), (42.0, 0.0), (34.0, 7.0), (20.0, 9.0)]),
        bone,
        INK.alpha(0.8),
        2.2,
    );
    svg.fill(&circle((32.0, -2.0), 2.0), INK);
}

/// Card, as boxes are made of.
const CARD: Tone = tone(0.74, 0.075, 68.0);

/// How high the front of the box is.
#[must_use]
pub fn box_height(rig: &Rig) -> f64 {
    (rig.neck * 0.60).max(72.0)
}

fn box_half(rig: &Rig) -> f64 {
    rig.hip.max(rig.head_w * 0.9) + 22.0
}

/// The inside and the rear flaps of the box: behind the cat.
pub fn box_behind(svg: &mut Svg, rig: &Rig) {
    let (half, high) = (box_half(rig), box_height(rig));
    let back = polygon(&[
        (-half * 0.9, -high - 22.0),
        (half * 0.9, -high - 22.0),
        (half, -high),
        (half, 0.0),
        (-half, 0.0),
        (-half, -high),
    ]);
    svg.inked(&back, CARD.dark(0.26), ink(CARD), LINE);
    for s in [-1.0, 1.0] {
        let flap = polygon(&[
            (s * half * 0.9, -high - 22.0),
            (s * half, -high),
            (s * (half + 52.0), -high - 6.0),
            (s * (half + 40.0), -high - 34.0),
        ]);
        svg.inked(&flap, CARD.light(0.03), ink(CARD), LINE);
    }
}

/// The front of the box, and the paws that hold its edge.
pub fn box_front(svg: &mut Svg, coat: &Coat, rig: &Rig) {
    let (half, high) = (box_half(rig), box_height(rig));
    let front = polygon(&[(-half, -high), (half, -high), (half * 0.97, 6.0), (-half * 0.97, 6.0)]);
    let round = svg.linear((-half, -high), (half, 0.0), &[(0.0, CARD.light(0.05)), (1.0, CARD.dark(0.07))]);
    svg.inked(&front, round, ink(CARD), LINE);
    svg.fill(
        &polygon(&[(-half, -high), (half, -high), (half, -high + 9.0), (-half, -high + 9.0)]),
        CARD.dark(0.12).alpha(0.5),
    );
    // Tape, a label, and the two arrows that nobody heeds.
    svg.fill(
        &polygon(&[
            (-13.0, -high),
            (13.0, -high),
            (13.0, -high * 0.66),
            (8.0, -high * 0.69),
            (4.0, -high * 0.66),
            (-2.0, -high * 0.69),
            (-8.0, -high * 0.66),
            (-13.0, -high * 0.68),
        ]),
        tone(0.88, 0.05, 85.0).alpha(0.8),
    );
    let mark = tone(0.42, 0.07, 50.0).alpha(0.85);
    let size = (high * 0.23).min(half * 0.17);
    svg.text("HELLO WORLD", (-half * 0.14, -high * 0.20), size, mark, true);
    for x in [0.62, 0.80] {
        let (x, y) = (half * x, -high * 0.16);
        svg.stroke(&line((x, y), (x, y - 24.0)), mark, 5.0);
        svg.stroke(&open(&[(x - 7.0, y - 16.0), (x, y - 25.0), (x + 7.0, y - 16.0)]), mark, 5.0);
    }
    for s in [-1.0, 1.0] {
        let x = s * (rig.head_w * 0.50 + 14.0);
        super::body::paw(svg, coat, (x, -high + 3.0), 21.0, 15.0, coat.foot());
    }
}

/// Hairs that stand off the crown of an unkempt cat, in coordinates of the head.
pub fn stray_hairs(svg: &mut Svg, coat: &Coat, rig: &Rig, seed: &Seed) {
    let mut rng = seed.rng("stray hairs");
    let count = ((0.5 - rig.grooming).max(0.0) * 14.0) as u32;
    for i in 0..count {
        let t = (f64::from(i) + 0.5) / f64::from(count) * 2.0 - 1.0;
        let root = (t * rig.head_w * 0.34, -rig.head_h * (0.99 - 0.10 * t * t));
        let (lean, long) = (t * 14.0 + rng.random_range(-8.0..8.0), rng.random_range(12.0..24.0));
        svg.fill(
            &hair(root, (root.0 + lean * 0.2, root.1 - long * 0.6), (root.0 + lean, root.1 - long), 5.0),
            coat.ink,
        );
    }
}
