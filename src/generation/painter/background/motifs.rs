//! Small things that fill a backdrop, each drawn around the origin and some 60 units across.

use std::f64::consts::TAU;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::super::geometry::{At, arc, blade, circle, closed, ellipse, hair, line, open, polygon, ribbon, rounded};
use super::super::palette::{INK, Tone, WHITE, tone};
use super::super::svg::Svg;

/// The outline that goes with a colour.
pub fn ink(fill: Tone) -> Tone {
    fill.dark(0.32).vivid(0.9)
}

/// A toothed wheel.
pub fn gear(svg: &mut Svg, fill: Tone, teeth: u32, radius: f64) {
    let mut points = Vec::new();
    for i in 0..teeth {
        for (offset, r) in [(0.0, 0.80), (0.14, 1.0), (0.42, 1.0), (0.56, 0.80)] {
            let angle = (f64::from(i) + offset) / f64::from(teeth) * TAU;
            points.push((angle.cos() * r * radius, angle.sin() * r * radius));
        }
    }
    let mut shape = polygon(&points);
    shape.extend(circle((0.0, 0.0), radius * 0.36));
    let shine = svg.linear((-radius, -radius), (radius, radius), &[(0.0, fill.light(0.08)), (1.0, fill.dark(0.08))]);
    svg.fill_holes(&shape, shine);
    svg.stroke(&shape, ink(fill), 2.6);
    svg.stroke(&circle((0.0, 0.0), radius * 0.58), ink(fill).alpha(0.35), 2.6);
}

/// A coffee mug with steam; its foot on the origin.
pub fn mug(svg: &mut Svg, fill: Tone, size: f64) {
    let p = |x: f64, y: f64| (x * size, y * size);
    let edge = ink(fill);
    for x in [-0.16, 0.08, 0.30] {
        svg.stroke(
            &open(&[p(x, -1.10), p(x + 0.10, -1.26), p(x - 0.04, -1.42), p(x + 0.06, -1.60)]),
            WHITE.alpha(0.5),
            size * 0.07,
        );
    }
    svg.stroke(&arc(p(0.44, -0.78), p(0.98, -0.66), p(0.42, -0.22)), edge, size * 0.20);
    svg.stroke(&arc(p(0.44, -0.78), p(0.98, -0.66), p(0.42, -0.22)), fill, size * 0.11);
    let body = closed(&[
        p(-0.5, -0.96),
        p(0.5, -0.96),
        p(0.50, -0.5),
        p(0.44, -0.08),
        p(0.30, 0.0),
        p(-0.30, 0.0),
        p(-0.44, -0.08),
        p(-0.50, -0.5),
    ]);
    let round = svg.linear(p(-0.5, 0.0), p(0.5, 0.0), &[(0.0, fill.light(0.09)), (0.45, fill), (1.0, fill.dark(0.14))]);
    svg.inked(&body, round, edge, size * 0.045);
    svg.inked(&ellipse(p(0.0, -0.96), size * 0.5, size * 0.12), tone(0.36, 0.06, 50.0), edge, size * 0.045);
    svg.fill(&ellipse(p(-0.12, -0.97), size * 0.2, size * 0.04), tone(0.55, 0.08, 60.0));
}

/// A box.
pub fn crate_box(svg: &mut Svg, fill: Tone, size: f64) {
    let p = |x: f64, y: f64| (x * size, y * size);
    svg.inked(
        &polygon(&[p(-0.5, -0.8), p(-0.36, -1.0), p(0.64, -1.0), p(0.5, -0.8)]),
        fill.light(0.10),
        ink(fill),
        size * 0.04,
    );
    svg.inked(
        &polygon(&[p(0.5, -0.8), p(0.64, -1.0), p(0.64, -0.18), p(0.5, 0.0)]),
        fill.dark(0.12),
        ink(fill),
        size * 0.04,
    );
    svg.inked(&polygon(&[p(-0.5, -0.8), p(0.5, -0.8), p(0.5, 0.0), p(-0.5, 0.0)]), fill, ink(fill), size * 0.04);
    svg.fill(&rounded(p(-0.30, -0.56), size * 0.6, size * 0.34, size * 0.04), WHITE.alpha(0.85));
    svg.stroke(&open(&[p(-0.18, -0.38), p(-0.02, -0.38), p(0.16, -0.38)]), fill.dark(0.1), size * 0.07);
}

/// A coffee bean.
pub fn bean(svg: &mut Svg, size: f64) {
    let fill = tone(0.46, 0.08, 50.0);
    svg.inked(&ellipse((0.0, 0.0), size * 0.36, size * 0.5), fill, ink(fill), 2.4);
    svg.stroke(
        &open(&[(0.0, -size * 0.44), (size * 0.10, -size * 0.15), (-size * 0.10, size * 0.15), (0.0, size * 0.44)]),
        ink(fill),
        3.2,
    );
    svg.fill(&ellipse((-size * 0.18, -size * 0.15), size * 0.06, size * 0.15), WHITE.alpha(0.25));
}

/// A snow-capped mountain with its foot on the origin.
pub fn mountain(svg: &mut Svg, fill: Tone, width: f64, height: f64) {
    let half = width / 2.0;
    svg.fill(
        &polygon(&[
            (-half, 0.0),
            (-half * 0.1, -height),
            (0.0, -height * 1.02),
            (half * 0.12, -height * 0.97),
            (half, 0.0),
        ]),
        fill,
    );
    svg.fill(
        &polygon(&[
            (0.0, -height * 1.02),
            (half * 0.12, -height * 0.97),
            (half, 0.0),
            (half * 0.1, 0.0),
            (-half * 0.06, -height * 0.5),
        ]),
        fill.dark(0.06),
    );
    svg.fill(
        &polygon(&[
            (-half * 0.1, -height),
            (0.0, -height * 1.02),
            (half * 0.12, -height * 0.97),
            (half * 0.36, -height * 0.70),
            (half * 0.18, -height * 0.76),
            (half * 0.06, -height * 0.66),
            (-half * 0.10, -height * 0.77),
            (-half * 0.28, -height * 0.68),
            (-half * 0.32, -height * 0.75),
        ]),
        tone(0.97, 0.012, 230.0),
    );
}

/// A cloud.
pub fn cloud(svg: &mut Svg, fill: Tone, size: f64) {
    for (x, y, r) in [(-0.45, 0.0, 0.28), (-0.1, -0.18, 0.38), (0.32, -0.06, 0.32), (0.62, 0.06, 0.2)] {
        svg.fill(&circle((x * size, y * size), r * size), fill);
    }
    svg.fill(&rounded((-0.72 * size, 0.0), 1.52 * size, 0.28 * size, 0.14 * size), fill);
}

/// A cut stone.
pub fn gem(svg: &mut Svg, fill: Tone, size: f64) {
    let p = |x: f64, y: f64| (x * size, y * size);
    let table = [p(-0.3, -0.42), p(0.3, -0.42), p(0.52, -0.14), p(0.0, 0.5), p(-0.52, -0.14)];
    svg.fill(&polygon(&table), fill);
    svg.fill(&polygon(&[p(-0.52, -0.14), p(-0.2, -0.14), p(0.0, 0.5)]), fill.light(0.08));
    svg.fill(&polygon(&[p(0.2, -0.14), p(0.52, -0.14), p(0.0, 0.5)]), fill.dark(0.12));
    svg.fill(&polygon(&[p(-0.3, -0.42), p(0.0, -0.42), p(-0.2, -0.14), p(-0.52, -0.14)]), fill.light(0.2));
    svg.fill(&polygon(&[p(0.0, -0.42), p(0.3, -0.42), p(0.2, -0.14), p(-0.2, -0.14)]), fill.light(0.12));
    svg.stroke(&polygon(&table), ink(fill), size * 0.05);
}

/// A crystal standing on the origin.
pub fn shard(svg: &mut Svg, fill: Tone, width: f64, height: f64) {
    let half = width / 2.0;
    svg.fill(
        &polygon(&[
            (-half, 0.0),
            (-half, -height * 0.72),
            (0.0, -height),
            (half * 0.2, -height * 0.66),
            (half * 0.1, 0.0),
        ]),
        fill.light(0.10),
    );
    svg.fill(
        &polygon(&[
            (0.0, -height),
            (half, -height * 0.66),
            (half, 0.0),
            (half * 0.1, 0.0),
            (half * 0.2, -height * 0.66),
        ]),
        fill.dark(0.08),
    );
    svg.stroke(
        &polygon(&[(-half, 0.0), (-half, -height * 0.72), (0.0, -height), (half, -height * 0.66), (half, 0.0)]),
        ink(fill),
        2.6,
    );
    svg.stroke(&line((-half * 0.55, -height * 0.62), (-half * 0.55, -height * 0.25)), WHITE.alpha(0.7), 3.0);
}

/// A feather.
pub fn feather(svg: &mut Svg, fill: Tone, size: f64) {
    let p = |x: f64, y: f64| (x * size, y * size);
    let vane = closed(&[
        p(0.0, 0.55),
        p(-0.20, 0.25),
        p(-0.22, -0.2),
        p(0.06, -0.72),
        p(0.24, -0.30),
        p(0.20, 0.12),
        p(0.08, 0.42),
    ]);
    let shade = svg.linear(p(-0.2, 0.0), p(0.25, 0.0), &[(0.0, fill.light(0.08)), (1.0, fill.dark(0.08))]);
    svg.inked(&vane, shade, ink(fill), size * 0.03);
    svg.stroke(&open(&[p(0.04, 0.80), p(0.0, 0.2), p(0.06, -0.62)]), ink(fill), size * 0.04);
    for y in [-0.30, -0.05, 0.2] {
        svg.stroke(&line(p(0.02, y + 0.1), p(0.17, y - 0.05)), ink(fill).alpha(0.5), size * 0.025);
        svg.stroke(&line(p(0.02, y + 0.16), p(-0.17, y + 0.02)), ink(fill).alpha(0.5), size * 0.025);
    }
}

/// A butterfly.
pub fn butterfly(svg: &mut Svg, fill: Tone, size: f64) {
    for s in [-1.0, 1.0] {
        let p = |x: f64, y: f64| (s * x * size, y * size);
        svg.inked(
            &closed(&[p(0.03, 0.0), p(0.22, -0.42), p(0.56, -0.50), p(0.60, -0.18), p(0.30, 0.04)]),
            fill,
            ink(fill),
            size * 0.04,
        );
        svg.inked(
            &closed(&[p(0.03, 0.02), p(0.36, 0.06), p(0.46, 0.30), p(0.26, 0.46), p(0.08, 0.24)]),
            fill.turn(25.0).light(0.06),
            ink(fill),
            size * 0.04,
        );
        svg.fill(&circle(p(0.42, -0.32), size * 0.07), WHITE.alpha(0.8));
        svg.stroke(&arc(p(0.02, -0.25), p(0.06, -0.42), p(0.16, -0.50)), ink(fill), size * 0.03);
    }
    svg.fill(&ellipse((0.0, 0.02), size * 0.055, size * 0.28), ink(fill));
}

/// A packaged chip with legs.
pub fn chip(svg: &mut Svg, fill: Tone, size: f64) {
    for i in 0..5 {
        let at = -0.4 + f64::from(i) * 0.2;
        for s in [-1.0, 1.0] {
            svg.stroke(
                &line((s * 0.45 * size, at * size), (s * 0.62 * size, at * size)),
                tone(0.80, 0.05, 90.0),
                size * 0.07,
            );
            svg.stroke(
                &line((at * size, s * 0.45 * size), (at * size, s * 0.62 * size)),
                tone(0.80, 0.05, 90.0),
                size * 0.07,
            );
        }
    }
    let body = svg.linear(
        (-size * 0.5, -size * 0.5),
        (size * 0.5, size * 0.5),
        &[(0.0, fill.light(0.08)), (1.0, fill.dark(0.04))],
    );
    svg.inked(
        &rounded((-size * 0.48, -size * 0.48), size * 0.96, size * 0.96, size * 0.07),
        body,
        ink(fill),
        size * 0.035,
    );
    svg.fill(&circle((-size * 0.32, -size * 0.32), size * 0.06), WHITE.alpha(0.5));
    svg.stroke(
        &rounded((-size * 0.22, -size * 0.18), size * 0.44, size * 0.36, size * 0.05),
        WHITE.alpha(0.28),
        size * 0.04,
    );
}

/// A traced wire on a circuit board, from the origin to the right, ending in an eye.
pub fn trace(svg: &mut Svg, colour: Tone, rng: &mut ChaCha8Rng) {
    let (a, rise, b) = (rng.random_range(40.0..110.0), rng.random_range(-1..=1), rng.random_range(20.0..90.0));
    let step = 26.0 * f64::from(rise);
    let mut path = line((0.0, 0.0), (a, 0.0));
    path.line_to((a + step.abs(), step));
    path.line_to((a + step.abs() + b, step));
    svg.stroke(&path, colour, 4.0);
    for at in [(0.0, 0.0), (a + step.abs() + b, step)] {
        svg.fill(&circle(at, 8.0), colour);
        svg.fill(&circle(at, 3.5), INK.alpha(0.6));
    }
}

/// A musical note.
pub fn note(svg: &mut Svg, fill: Tone, size: f64) {
    let p = |x: f64, y: f64| (x * size, y * size);
    svg.fill(&polygon(&[p(-0.28, -0.5), p(0.44, -0.64), p(0.44, -0.46), p(-0.28, -0.32)]), fill);
    for (x, y) in [(-0.24, 0.36), (0.40, 0.22)] {
        svg.stroke(&line(p(x, y), p(x, y - 0.82)), fill, size * 0.09);
        svg.placed(p(x - 0.13, y + 0.02), (1.0, 1.0), -20.0, |svg| {
            svg.fill(&ellipse((0.0, 0.0), size * 0.19, size * 0.14), fill);
        });
    }
}

/// A star with `points` rays.
pub fn star(svg: &mut Svg, fill: Tone, size: f64, rays: u32) {
    let points: Vec<At> = (0..rays * 2)
        .map(|i| {
            let r = if i % 2 == 0 { size * 0.5 } else { size * 0.5 * if rays == 4 { 0.24 } else { 0.44 } };
            let angle = f64::from(i) / f64::from(rays * 2) * TAU - TAU / 4.0;
            (angle.cos() * r, angle.sin() * r)
        })
        .collect();
    svg.fill(&polygon(&points), fill);
}

/// The digit 0 or 1.
pub fn bit(svg: &mut Svg, one: bool, colour: Tone, size: f64) {
    if one {
        let mut path = line((-size * 0.16, -size * 0.30), (size * 0.04, -size * 0.46));
        path.line_to((size * 0.04, size * 0.46));
        svg.stroke(&path, colour, size * 0.15);
    } else {
        svg.stroke(&ellipse((0.0, 0.0), size * 0.26, size * 0.44), colour, size * 0.15);
    }
}

/// A pair of parentheses.
pub fn parentheses(svg: &mut Svg, colour: Tone, width: f64, height: f64, thick: f64) {
    for s in [-1.0, 1.0] {
        svg.stroke(
            &arc((s * width * 0.34, -height / 2.0), (s * width * 0.66, 0.0), (s * width * 0.34, height / 2.0)),
            colour,
            thick,
        );
    }
}

/// A brace, opening for `s` = 1, closing for -1.
pub fn brace(svg: &mut Svg, colour: Tone, s: f64, size: f64, thick: f64) {
    let p = |x: f64, y: f64| (s * x * size, y * size);
    svg.stroke(
        &open(&[
            p(0.2, -0.5),
            p(0.04, -0.46),
            p(0.0, -0.32),
            p(0.0, -0.14),
            p(-0.14, 0.0),
            p(0.0, 0.14),
            p(0.0, 0.32),
            p(0.04, 0.46),
            p(0.2, 0.5),
        ]),
        colour,
        thick,
    );
}

/// A Greek lambda.
pub fn lambda(svg: &mut Svg, colour: Tone, size: f64, thick: f64) {
    let p = |x: f64, y: f64| (x * size, y * size);
    svg.stroke(
        &open(&[p(-0.34, -0.48), p(-0.2, -0.5), p(-0.10, -0.36), p(0.24, 0.40), p(0.38, 0.5), p(0.46, 0.44)]),
        colour,
        thick,
    );
    svg.stroke(&line(p(0.02, -0.08), p(-0.32, 0.5)), colour, thick);
}

/// A stoppered bottle on the origin, half full.
pub fn potion(svg: &mut Svg, liquid: Tone, size: f64) {
    let p = |x: f64, y: f64| (x * size, y * size);
    let glass = tone(0.93, 0.02, 220.0);
    let bottle = closed(&[
        p(-0.13, -1.0),
        p(0.13, -1.0),
        p(0.13, -0.72),
        p(0.38, -0.48),
        p(0.42, -0.2),
        p(0.26, 0.0),
        p(-0.26, 0.0),
        p(-0.42, -0.2),
        p(-0.38, -0.48),
        p(-0.13, -0.72),
    ]);
    svg.fill(&bottle, glass.alpha(0.55));
    svg.clipped(&bottle, |svg| {
        let deep = svg.linear((0.0, -0.5 * size), (0.0, 0.0), &[(0.0, liquid.light(0.1)), (1.0, liquid.dark(0.1))]);
        svg.fill(&rounded(p(-0.6, -0.46), size * 1.2, size * 0.6, 0.0), deep);
        svg.fill(&ellipse(p(0.0, -0.46), size * 0.42, size * 0.06), liquid.light(0.16));
        for (x, y, r) in [(-0.12, -0.2, 0.05), (0.14, -0.32, 0.035), (0.05, -0.12, 0.03)] {
            svg.fill(&circle(p(x, y), r * size), WHITE.alpha(0.5));
        }
    });
    svg.stroke(&bottle, ink(liquid), size * 0.045);
    svg.inked(
        &rounded(p(-0.12, -1.14), size * 0.24, size * 0.2, size * 0.04),
        tone(0.66, 0.08, 65.0),
        tone(0.4, 0.06, 55.0),
        size * 0.04,
    );
    svg.stroke(&arc(p(-0.28, -0.4), p(-0.36, -0.24), p(-0.26, -0.12)), WHITE.alpha(0.75), size * 0.05);
}

/// A leafy vine that hangs from the origin.
pub fn vine(svg: &mut Svg, colour: Tone, length: f64, rng: &mut ChaCha8Rng) {
    let sway = rng.random_range(-14.0..14.0);
    svg.stroke(
        &open(&[(0.0, 0.0), (sway, length * 0.35), (-sway * 0.7, length * 0.7), (sway * 0.4, length)]),
        colour.dark(0.08),
        5.0,
    );
    let leaves = (length / 22.0) as u32;
    for i in 0..leaves {
        let t = (f64::from(i) + 0.6) / f64::from(leaves);
        let s = if i % 2 == 0 { 1.0 } else { -1.0 };
        let root = (sway * (t * 3.0).sin() * 0.6, length * t);
        svg.fill(
            &blade(root, (root.0 + s * 16.0, root.1 + 2.0), (root.0 + s * 34.0, root.1 + 16.0), 11.0),
            colour.light(if i % 3 == 0 { 0.06 } else { 0.0 }),
        );
    }
}

/// A length of pipe with a joint.
pub fn pipe(svg: &mut Svg, fill: Tone, points: &[At], half: f64) {
    let mut path = line(points[0], points[1]);
    for p in &points[2..] {
        path.line_to(*p);
    }
    svg.stroke(&path, ink(fill), half * 2.0 + 5.0);
    svg.stroke(&path, fill, half * 2.0);
    let up = super::super::geometry::moved(&path, (-half * 0.3, -half * 0.35), 1.0);
    svg.stroke(&up, fill.light(0.12), half * 0.55);
    for p in &points[1..points.len() - 1] {
        svg.inked(&circle(*p, half * 1.45), fill.dark(0.03), ink(fill), 2.6);
        svg.fill(&circle((p.0 - half * 0.4, p.1 - half * 0.4), half * 0.4), fill.light(0.12));
    }
}

/// A small snake that hangs down in waves.
pub fn hanging_snake(svg: &mut Svg, fill: Tone, length: f64) {
    let spine = open(&[
        (0.0, -10.0),
        (16.0, length * 0.2),
        (-14.0, length * 0.42),
        (14.0, length * 0.64),
        (-6.0, length * 0.84),
        (6.0, length),
    ]);
    svg.inked(&ribbon(&spine, |t| 8.0 - 2.5 * t + if t > 0.9 { 5.0 } else { 0.0 }), fill, ink(fill), 2.6);
    svg.fill(&circle((2.0, length - 3.0), 2.2), INK);
    svg.fill(&circle((10.0, length - 3.0), 2.2), INK);
    svg.stroke(&line((6.0, length + 12.0), (6.0, length + 20.0)), tone(0.6, 0.2, 20.0), 2.0);
}

/// Grass on the origin.
pub fn grass(svg: &mut Svg, colour: Tone, size: f64) {
    for (x, lean, tall) in [(-0.3, -0.3, 0.6), (-0.1, -0.08, 0.95), (0.1, 0.12, 0.8), (0.3, 0.36, 0.6)] {
        svg.fill(
            &hair((x * size, 0.0), (x * size, -tall * size * 0.6), ((x + lean) * size, -tall * size), size * 0.16),
            colour,
        );
    }
}
