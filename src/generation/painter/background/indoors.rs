//! What is out of focus behind the cat, on walls and shelves.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::super::geometry::{arc, circle, closed, line, open, polygon, rounded};
use super::super::palette::{Tone, WHITE, tone};
use super::super::svg::Svg;
use super::motifs::{bean, bit, brace, chip, crate_box, gear, lambda, mug, note, parentheses, pipe, potion, trace};
use super::{Stage, things, window};

fn shelf(svg: &mut Svg, stage: &Stage, y: f64, left: bool, colour: Tone) {
    let x = if left { -10.0 } else { stage.w * 0.70 };
    svg.fill(&rounded((x, y), stage.w * 0.30 + 10.0, 11.0 * stage.unit, 3.0), colour);
    svg.fill(
        &rounded((x, y + 11.0 * stage.unit), stage.w * 0.30 + 10.0, 7.0 * stage.unit, 0.0),
        colour.dark(0.2).alpha(0.35),
    );
}

/// Shelves of mugs and parcels.
pub fn cafe(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for (row, left) in [(0.36, true), (0.36, false), (0.72, true), (0.72, false)] {
        let y = stage.horizon * row;
        shelf(svg, stage, y, left, tone(0.52, 0.08, 55.0));
        for i in 0..3 {
            let x = stage.w * (if left { 0.05 } else { 0.76 } + 0.09 * f64::from(i));
            svg.placed((x, y), (stage.unit, stage.unit), 0.0, |svg| {
                if rng.random_bool(0.55) {
                    mug(svg, tone(0.72, 0.12, rng.random_range(0.0..360.0)), rng.random_range(34.0..46.0));
                } else {
                    crate_box(svg, tone(0.60, 0.17, 25.0), rng.random_range(36.0..48.0));
                }
            });
        }
    }
}

/// Ruled paper, braces, bow ties.
pub fn blueprint(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    let ruled = WHITE.alpha(0.15);
    let step = 30.0 * stage.unit;
    for i in 0..=(stage.w / step) as u32 {
        svg.stroke(&line((f64::from(i) * step, 0.0), (f64::from(i) * step, stage.horizon)), ruled, 1.5 * stage.unit);
    }
    for i in 0..=(stage.horizon / step) as u32 {
        svg.stroke(&line((0.0, f64::from(i) * step), (stage.w, f64::from(i) * step)), ruled, 1.5 * stage.unit);
    }
    stage.scatter(svg, rng, 8, |svg, _, i| match i % 4 {
        0 => mug(svg, tone(0.80, 0.08, 240.0), 56.0),
        1 => brace(svg, WHITE.alpha(0.85), -1.0, 70.0, 7.0),
        2 => brace(svg, WHITE.alpha(0.85), 1.0, 70.0, 7.0),
        _ => {
            // A bow tie.
            let red = tone(0.62, 0.17, 20.0);
            svg.fill(&polygon(&[(0.0, 0.0), (-38.0, -22.0), (-38.0, 22.0)]), red);
            svg.fill(&polygon(&[(0.0, 0.0), (38.0, -22.0), (38.0, 22.0)]), red);
            svg.fill(&circle((0.0, 0.0), 10.0), red.dark(0.1));
        }
    });
}

/// Windows with blinds, and beans.
pub fn office(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for x in [0.04, 0.70] {
        let (at, size) = ((stage.w * x, stage.h * 0.08), (stage.w * 0.26, stage.h * 0.42));
        window(svg, at, size, tone(0.90, 0.02, 80.0), tone(0.80, 0.07, 230.0));
        for i in 0..6 {
            svg.fill(
                &rounded((at.0, at.1 + size.1 * 0.07 * f64::from(i)), size.0, size.1 * 0.045, 2.0),
                tone(0.93, 0.03, 85.0).alpha(0.9),
            );
        }
    }
    stage.scatter(svg, rng, 8, |svg, rng, _| bean(svg, rng.random_range(26.0..40.0)));
}

/// Windows on the sky.
pub fn windows(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for (x, y, s) in [(0.03, 0.07, 1.0), (0.22, 0.30, 0.66), (0.80, 0.10, 0.95), (0.66, 0.34, 0.62), (0.04, 0.48, 0.5)]
    {
        let size = (stage.w * 0.16 * s, stage.h * 0.34 * s);
        let hue = rng.random_range(210.0..250.0);
        window(svg, (stage.w * x, stage.h * y), size, WHITE, tone(0.76, 0.10, hue));
    }
}

/// Wires of a circuit board.
pub fn circuits(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for i in 0..20 {
        let at = (rng.random_range(-0.08..0.95) * stage.w, stage.horizon * (f64::from(i) + 0.5) / 20.0);
        let colour = tone(0.70, 0.12, [200.0, 235.0, 160.0][rng.random_range(0..3)]).alpha(0.75);
        svg.placed(at, (stage.unit, stage.unit), 0.0, |svg| trace(svg, colour, rng));
    }
    stage.scatter(svg, rng, 4, |svg, _, _| chip(svg, tone(0.30, 0.03, 250.0), 64.0));
}

/// Chips on their board.
pub fn chips(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for i in 0..12 {
        let at = (rng.random_range(-0.05..0.95) * stage.w, stage.horizon * (f64::from(i) + 0.5) / 12.0);
        svg.placed(at, (stage.unit, stage.unit), 0.0, |svg| trace(svg, tone(0.66, 0.10, 155.0).alpha(0.8), rng));
    }
    stage.scatter(svg, rng, 10, |svg, rng, _| chip(svg, tone(0.32, 0.03, 230.0), rng.random_range(54.0..82.0)));
}

/// Gear wheels.
pub fn gears(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for (x, y, r, teeth) in [
        (0.07, 0.20, 74.0, 12),
        (0.245, 0.42, 52.0, 10),
        (0.05, 0.62, 50.0, 9),
        (0.92, 0.24, 82.0, 13),
        (0.75, 0.46, 50.0, 10),
        (0.95, 0.66, 46.0, 9),
        (0.26, 0.08, 34.0, 8),
        (0.72, 0.09, 38.0, 8),
    ] {
        let fill = tone(0.60, 0.075, [45.0, 60.0, 35.0][rng.random_range(0..3)]).light(rng.random_range(-0.06..0.08));
        let turn = rng.random_range(0.0..40.0);
        svg.placed((stage.w * x, stage.h * y), (stage.unit, stage.unit), turn, |svg| gear(svg, fill, teeth, r));
    }
}

/// Columns and red steps.
pub fn marble(svg: &mut Svg, stage: &Stage, _: &mut ChaCha8Rng) {
    let stone = tone(0.93, 0.012, 60.0);
    for (i, x) in [0.05, 0.20, 0.80, 0.95].into_iter().enumerate() {
        let half = 22.0 * stage.unit;
        let round = svg.linear(
            (stage.w * x - half, 0.0),
            (stage.w * x + half, 0.0),
            &[(0.0, stone), (0.4, stone.light(0.04)), (1.0, stone.dark(0.16))],
        );
        svg.fill(&rounded((stage.w * x - half, -5.0), half * 2.0, stage.horizon + 5.0, 0.0), round);
        svg.fill(
            &rounded((stage.w * x - half * 1.3, stage.horizon - 16.0 * stage.unit), half * 2.6, 18.0 * stage.unit, 3.0),
            stone.dark(0.05),
        );
        for k in [-0.4, 0.1, 0.5] {
            svg.stroke(
                &line((stage.w * x + half * k, 0.0), (stage.w * x + half * k, stage.horizon)),
                stone.dark(0.12).alpha(0.6),
                2.0 * stage.unit,
            );
        }
        if i % 2 == 0 {
            for step in 0..6 {
                let y = stage.horizon * (0.94 - 0.12 * f64::from(step));
                svg.fill(
                    &rounded((stage.w * (x + 0.01 * f64::from(step)), y), 70.0 * stage.unit, 10.0 * stage.unit, 2.0),
                    tone(0.58, 0.17, 25.0),
                );
            }
        }
    }
}

/// Lambdas and arrows in chalk.
pub fn chalkboard(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    svg.stroke(
        &rounded((6.0, 6.0), stage.w - 12.0, stage.horizon - 16.0, 4.0),
        tone(0.56, 0.08, 60.0),
        16.0 * stage.unit,
    );
    let chalk = WHITE.alpha(0.75);
    stage.scatter(svg, rng, 10, |svg, rng, i| match i % 3 {
        0 => lambda(svg, chalk, rng.random_range(50.0..84.0), 6.5),
        1 => {
            svg.stroke(&line((-40.0, 0.0), (24.0, 0.0)), chalk, 5.0);
            svg.stroke(&open(&[(10.0, -13.0), (26.0, 0.0), (10.0, 13.0)]), chalk, 5.0);
        }
        _ => {
            for y in [-9.0, 9.0] {
                svg.stroke(&arc((-22.0, y), (0.0, y - 3.0), (22.0, y)), chalk, 5.0);
            }
            parentheses(svg, chalk, 84.0, 50.0, 5.0);
        }
    });
}

/// Shelves of potions.
pub fn potions(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for (row, left) in [(0.40, true), (0.40, false), (0.80, true), (0.80, false)] {
        let y = stage.horizon * row;
        shelf(svg, stage, y, left, tone(0.38, 0.06, 40.0));
        for i in 0..4 {
            let x = stage.w * (if left { 0.03 } else { 0.75 } + 0.07 * f64::from(i));
            let (hue, size) = (rng.random_range(0.0..360.0), rng.random_range(46.0..72.0));
            svg.placed((x, y), (stage.unit, stage.unit), 0.0, |svg| potion(svg, tone(0.70, 0.17, hue), size));
        }
    }
}

/// Parentheses within parentheses.
pub fn nest(svg: &mut Svg, stage: &Stage, _: &mut ChaCha8Rng) {
    for i in 0..6 {
        let k = 1.0 - 0.11 * f64::from(i);
        let colour = if i % 2 == 0 { tone(0.70, 0.13, 145.0) } else { tone(0.68, 0.10, 245.0) };
        svg.placed((stage.w * 0.5, stage.horizon * 0.5), (1.0, 1.0), 0.0, |svg| {
            parentheses(
                svg,
                colour.alpha(0.85),
                stage.w * 1.42 * k,
                stage.horizon * (0.62 + 0.36 * k),
                15.0 * stage.unit,
            );
        });
    }
}

/// Bars and a line.
pub fn graphs(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for i in 1..6 {
        let y = stage.horizon * f64::from(i) / 6.0;
        svg.stroke(&line((0.0, y), (stage.w, y)), tone(0.75, 0.03, 250.0).alpha(0.6), 2.0 * stage.unit);
    }
    let bars = 14;
    for i in 0..bars {
        let tall = stage.horizon * rng.random_range(0.18..0.80);
        let x = stage.w * (f64::from(i) + 0.2) / f64::from(bars);
        svg.fill(
            &rounded((x, stage.horizon - tall), stage.w / f64::from(bars) * 0.62, tall + 4.0, 3.0),
            tone(0.70, 0.10, 235.0 + f64::from(i % 3) * 12.0),
        );
    }
    let points: Vec<_> =
        (0..9).map(|i| (stage.w * f64::from(i) / 8.0, stage.horizon * rng.random_range(0.15..0.6))).collect();
    svg.stroke(&open(&points), tone(0.66, 0.19, 28.0), 6.0 * stage.unit);
    for p in points {
        svg.fill(&circle(p, 8.0 * stage.unit), tone(0.60, 0.19, 28.0));
    }
}

/// A terminal full of output.
pub fn prompt(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    let green = tone(0.80, 0.20, 146.0);
    for row in 0..12 {
        let y = stage.horizon * (f64::from(row) + 0.6) / 12.0;
        let mut x = 16.0 * stage.unit;
        if row % 3 == 0 {
            svg.placed((x + 6.0, y), (stage.unit, stage.unit), 0.0, |svg| {
                svg.stroke(&open(&[(-6.0, -8.0), (5.0, 0.0), (-6.0, 8.0)]), green, 4.5);
            });
            x += 26.0 * stage.unit;
        }
        let end = stage.w * rng.random_range(0.4..1.0);
        while x < end {
            let long = rng.random_range(16.0..70.0) * stage.unit;
            svg.stroke(&line((x, y), (x + long, y)), green.alpha(rng.random_range(0.25..0.7)), 6.0 * stage.unit);
            x += long + 16.0 * stage.unit;
        }
    }
}

/// Shelves of old computers.
pub fn museum(svg: &mut Svg, stage: &Stage, _: &mut ChaCha8Rng) {
    for (row, left) in [(0.46, true), (0.46, false), (0.98, true), (0.98, false)] {
        let y = stage.horizon * row;
        shelf(svg, stage, y, left, tone(0.48, 0.06, 60.0));
        for i in 0..3 {
            let x = stage.w * (if left { 0.04 } else { 0.77 } + 0.10 * f64::from(i));
            svg.placed((x, y), (stage.unit * 0.72, stage.unit * 0.72), 0.0, things::old_computer);
        }
    }
}

/// Pipes.
pub fn plumbing(svg: &mut Svg, stage: &Stage, _: &mut ChaCha8Rng) {
    let (w, h) = (stage.w, stage.horizon);
    let half = 13.0 * stage.unit;
    for (i, points) in [
        vec![(-20.0, h * 0.18), (w * 0.16, h * 0.18), (w * 0.16, h * 0.62), (w * 0.30, h * 0.62), (w * 0.30, h + 10.0)],
        vec![(w * 0.06, -20.0), (w * 0.06, h * 0.46), (-20.0, h * 0.46)],
        vec![(w + 20.0, h * 0.26), (w * 0.80, h * 0.26), (w * 0.80, h * 0.70), (w + 20.0, h * 0.70)],
        vec![(w * 0.70, -20.0), (w * 0.70, h * 0.44), (w * 0.92, h * 0.44), (w * 0.92, h + 10.0)],
        vec![(w * 0.28, -20.0), (w * 0.28, h * 0.08), (w * 0.60, h * 0.08), (w * 0.60, -20.0)],
    ]
    .into_iter()
    .enumerate()
    {
        pipe(svg, [tone(0.60, 0.09, 225.0), tone(0.66, 0.11, 52.0), tone(0.64, 0.07, 170.0)][i % 3], &points, half);
    }
}

/// Jacks and cables.
pub fn switchboard(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    let mut jacks = Vec::new();
    for row in 0..5 {
        for column in 0..14 {
            let at = (stage.w * (f64::from(column) + 0.5) / 14.0, stage.horizon * (f64::from(row) + 0.5) / 5.0);
            svg.fill(&circle(at, 12.0 * stage.unit), tone(0.78, 0.08, 80.0));
            svg.fill(&circle(at, 6.5 * stage.unit), tone(0.26, 0.03, 40.0));
            jacks.push(at);
        }
    }
    for i in 0..9 {
        let (from, to) = (jacks[rng.random_range(0..jacks.len())], jacks[rng.random_range(0..jacks.len())]);
        let sag = (f64::midpoint(from.0, to.0), from.1.max(to.1) + stage.horizon * 0.25);
        svg.stroke(&arc(from, sag, to), tone(0.62, 0.17, [25.0, 85.0, 250.0][i % 3]), 5.0 * stage.unit);
    }
}

/// Notes on their lines.
pub fn music(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for i in 0..5 {
        let y = stage.horizon * (0.24 + 0.11 * f64::from(i));
        svg.stroke(
            &open(&[
                (-10.0, y),
                (stage.w * 0.3, y - 34.0 * stage.unit),
                (stage.w * 0.7, y + 30.0 * stage.unit),
                (stage.w + 10.0, y),
            ]),
            WHITE.alpha(0.5),
            3.5 * stage.unit,
        );
    }
    stage.scatter(svg, rng, 12, |svg, rng, i| {
        let colour = [tone(0.40, 0.09, 280.0), tone(0.60, 0.17, 335.0), tone(0.86, 0.14, 92.0)][(i % 3) as usize];
        note(svg, colour, rng.random_range(40.0..74.0));
    });
}

/// Binary rain, and two windows of an editor.
pub fn editor(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    let u = stage.unit;
    let columns = (stage.w / (26.0 * u)) as u32;
    for column in 0..columns {
        let x = stage.w * (f64::from(column) + 0.5) / f64::from(columns);
        let head = rng.random_range(0.2..1.0) * stage.horizon;
        let rows = rng.random_range(3..9);
        for row in 0..rows {
            let y = head - f64::from(row) * 25.0 * u;
            let fade = 1.0 - f64::from(row) / f64::from(rows);
            let colour = tone(0.82, 0.15, if row == 0 { 175.0 } else { 150.0 }).alpha(0.16 + 0.62 * fade);
            let one = rng.random_bool(0.5);
            svg.placed((x, y), (u, u), 0.0, |svg| bit(svg, one, colour, 18.0));
        }
    }
    // Two windows of an editor.
    for (x, y) in [(0.035, 0.14), (0.755, 0.20)] {
        let (at, w, h) = ((stage.w * x, stage.h * y), stage.w * 0.21, stage.h * 0.36);
        svg.fill(&rounded(at, w, h, 8.0 * u), tone(0.20, 0.035, 268.0).alpha(0.88));
        svg.fill(&rounded(at, w, 15.0 * u, 6.0 * u), tone(0.38, 0.04, 268.0));
        for i in 0..3 {
            svg.fill(
                &circle((at.0 + (11.0 + 12.0 * f64::from(i)) * u, at.1 + 7.5 * u), 3.6 * u),
                tone(0.72, 0.16, [25.0, 85.0, 145.0][i as usize]),
            );
        }
        for i in 0..7 {
            let indent = [0.0, 14.0, 28.0, 28.0, 14.0, 14.0, 0.0][i];
            let top = at.1 + (32.0 + 17.0 * i as f64) * u;
            if top > at.1 + h - 10.0 * u {
                break;
            }
            let long = rng.random_range(0.2..0.55) * w;
            let hue = [300.0, 150.0, 60.0, 235.0][rng.random_range(0..4)];
            svg.stroke(
                &line((at.0 + (14.0 + indent) * u, top), (at.0 + (14.0 + indent) * u + long, top)),
                tone(0.78, 0.13, hue),
                6.0 * u,
            );
        }
    }
    let glow = closed(&[(0.0, stage.horizon), (stage.w * 0.5, stage.horizon - 30.0 * u), (stage.w, stage.horizon)]);
    svg.fill(&glow, tone(0.62, 0.12, 230.0).alpha(0.12));
}
