//! The one thing that stands beside the cat and says which language this is. Each stands on the origin, some 110
//! units tall.

use super::super::geometry::{arc, blade, circle, closed, ellipse, line, mirrored, open, polygon, ribbon, rounded};
use super::super::palette::{INK, Tone, WHITE, tone};
use super::super::svg::Svg;
use super::motifs::{
    bit, brace, chip, crate_box, feather, gem, grass, ink, lambda, mug, note, parentheses, pipe, potion, shard, star,
};

const STEEL: Tone = tone(0.72, 0.02, 250.0);

/// Two round eyes of a small creature.
fn eyes(svg: &mut Svg, y: f64, apart: f64, r: f64) {
    for s in [-1.0, 1.0] {
        svg.inked(&circle((s * apart, y), r), WHITE, INK, 2.2);
        svg.fill(&circle((s * apart + r * 0.15, y + r * 0.1), r * 0.55), INK);
        svg.fill(&circle((s * apart - r * 0.1, y - r * 0.25), r * 0.22), WHITE);
    }
}

/// Python: a coiled snake.
pub fn snake(svg: &mut Svg) {
    let (blue, yellow) = (tone(0.58, 0.12, 245.0), tone(0.86, 0.15, 92.0));
    for (i, (w, y)) in [(56.0, -14.0), (48.0, -36.0), (37.0, -56.0)].into_iter().enumerate() {
        let fill = if i == 1 { yellow } else { blue };
        let round = svg.linear((0.0, y - 16.0), (0.0, y + 14.0), &[(0.0, fill.light(0.1)), (1.0, fill.dark(0.1))]);
        svg.inked(&rounded((-w, y - 14.0), w * 2.0, 27.0, 13.5), round, ink(fill), 3.0);
        for k in -2..=2 {
            svg.fill(&ellipse((f64::from(k) * w * 0.36, y), 5.5, 4.0), fill.dark(0.12).alpha(0.6));
        }
    }
    let neck = ribbon(&open(&[(26.0, -58.0), (32.0, -78.0), (10.0, -90.0), (2.0, -108.0)]), |t| 11.0 - 1.0 * t);
    svg.inked(&neck, blue, ink(blue), 3.0);
    let head = closed(&mirrored(&[(0.0, -134.0), (17.0, -127.0), (22.0, -112.0), (13.0, -99.0), (0.0, -96.0)]));
    svg.stroke(&line((0.0, -98.0), (0.0, -86.0)), tone(0.62, 0.2, 22.0), 3.0);
    svg.stroke(&open(&[(-5.0, -80.0), (0.0, -87.0), (5.0, -80.0)]), tone(0.62, 0.2, 22.0), 2.6);
    svg.inked(&head, blue.light(0.05), ink(blue), 3.0);
    eyes(svg, -117.0, 9.0, 6.5);
    svg.stroke(&arc((-7.0, -104.0), (0.0, -100.0), (7.0, -104.0)), ink(blue), 2.4);
}

/// JavaScript: coffee on a crate.
pub fn coffee(svg: &mut Svg) {
    crate_box(svg, tone(0.60, 0.19, 25.0), 82.0);
    svg.placed((-2.0, -74.0), (1.0, 1.0), 0.0, |svg| mug(svg, tone(0.89, 0.165, 98.0), 54.0));
}

/// TypeScript: coffee on blue books.
pub fn typed_coffee(svg: &mut Svg) {
    books(svg, &[tone(0.55, 0.13, 255.0), tone(0.86, 0.06, 240.0), tone(0.45, 0.12, 262.0)]);
    svg.placed((-2.0, -58.0), (1.0, 1.0), 0.0, |svg| {
        mug(svg, tone(0.62, 0.14, 250.0), 62.0);
        brace(svg, WHITE, 1.0, 22.0, 3.6);
    });
}

fn books(svg: &mut Svg, colours: &[Tone]) {
    for (i, fill) in colours.iter().enumerate() {
        let (y, shift) = (-20.0 * (i as f64 + 1.0), [0.0, 6.0, -4.0][i % 3]);
        svg.inked(&rounded((-50.0 + shift, y), 100.0, 20.0, 4.0), *fill, ink(*fill), 2.8);
        svg.fill(&rounded((34.0 + shift, y + 4.0), 17.0, 12.0, 2.0), tone(0.96, 0.02, 90.0));
        svg.fill(&rounded((-40.0 + shift, y + 3.0), 6.0, 14.0, 1.0), WHITE.alpha(0.5));
    }
}

/// Java: a sack of beans and a mug.
pub fn beans(svg: &mut Svg) {
    let sack = tone(0.74, 0.06, 75.0);
    let body = closed(&[
        (-44.0, -84.0),
        (-50.0, -40.0),
        (-46.0, -4.0),
        (0.0, 2.0),
        (46.0, -4.0),
        (50.0, -40.0),
        (44.0, -84.0),
        (0.0, -78.0),
    ]);
    let round = svg.linear((-50.0, 0.0), (50.0, 0.0), &[(0.0, sack.light(0.08)), (0.5, sack), (1.0, sack.dark(0.15))]);
    svg.inked(&body, round, ink(sack), 3.0);
    svg.inked(&ellipse((0.0, -86.0), 46.0, 15.0), tone(0.36, 0.06, 50.0), ink(sack), 3.0);
    for (x, y, turn) in
        [(-26.0, -92.0, 30.0), (-6.0, -97.0, -20.0), (16.0, -94.0, 50.0), (30.0, -90.0, -40.0), (4.0, -88.0, 80.0)]
    {
        svg.placed((x, y), (1.0, 1.0), turn, |svg| super::motifs::bean(svg, 24.0));
    }
    svg.placed((0.0, -42.0), (1.0, 1.0), 25.0, |svg| super::motifs::bean(svg, 34.0));
    svg.placed((54.0, 6.0), (1.0, 1.0), 0.0, |svg| mug(svg, tone(0.60, 0.17, 30.0), 40.0));
}

/// C#: a plant on a window sill.
pub fn plant(svg: &mut Svg) {
    let pot = tone(0.56, 0.16, 310.0);
    let green = tone(0.66, 0.14, 145.0);
    for (x, y, bend) in
        [(-44.0, -78.0, -30.0), (-24.0, -116.0, -22.0), (2.0, -128.0, 0.0), (26.0, -112.0, 22.0), (46.0, -74.0, 32.0)]
    {
        svg.inked(
            &blade((0.0, -46.0), (bend, (y - 46.0) * 0.6), (x, y), 11.0),
            green.light(bend.abs() / 600.0),
            ink(green),
            2.4,
        );
    }
    svg.inked(&polygon(&[(-32.0, -46.0), (32.0, -46.0), (24.0, 0.0), (-24.0, 0.0)]), pot, ink(pot), 3.0);
    svg.inked(&rounded((-37.0, -56.0), 74.0, 14.0, 4.0), pot.light(0.05), ink(pot), 3.0);
    for (a, b) in [
        ((-7.0, -36.0), (-9.0, -10.0)),
        ((7.0, -36.0), (5.0, -10.0)),
        ((-14.0, -28.0), (14.0, -28.0)),
        ((-15.0, -18.0), (13.0, -18.0)),
    ] {
        svg.stroke(&line(a, b), WHITE.alpha(0.9), 3.4);
    }
}

/// C++: a chip with two pluses.
pub fn plus_chip(svg: &mut Svg) {
    svg.placed((0.0, -60.0), (1.0, 1.0), -8.0, |svg| {
        chip(svg, tone(0.40, 0.08, 255.0), 88.0);
        for x in [-14.0, 16.0] {
            svg.stroke(&line((x - 9.0, 0.0), (x + 9.0, 0.0)), tone(0.86, 0.12, 210.0), 6.0);
            svg.stroke(&line((x, -9.0), (x, 9.0)), tone(0.86, 0.12, 210.0), 6.0);
        }
    });
}

/// C: memory modules.
pub fn memory(svg: &mut Svg) {
    for (x, y, turn) in [(18.0, -46.0, 8.0), (-8.0, -44.0, -7.0)] {
        svg.placed((x, y), (1.0, 1.0), turn, |svg| {
            let board = tone(0.52, 0.11, 155.0);
            svg.inked(&rounded((-30.0, -62.0), 60.0, 106.0, 5.0), board, ink(board), 3.0);
            for i in 0..3 {
                let y = -52.0 + f64::from(i) * 29.0;
                svg.inked(&rounded((-19.0, y), 38.0, 22.0, 3.0), tone(0.30, 0.02, 260.0), INK, 2.0);
                svg.stroke(&line((-13.0, y + 6.0), (2.0, y + 6.0)), WHITE.alpha(0.4), 2.4);
            }
            for i in 0..7 {
                svg.fill(&rounded((-26.0 + f64::from(i) * 7.6, 35.0), 5.0, 9.0, 1.0), tone(0.84, 0.13, 90.0));
            }
        });
    }
}

/// Go: a burrowing creature of our own, half mole and half marmot, looking out of its hole.
pub fn burrower(svg: &mut Svg) {
    let fur = tone(0.80, 0.085, 215.0);
    svg.fill(&ellipse((0.0, -3.0), 62.0, 15.0), tone(0.46, 0.06, 60.0));
    svg.fill(&ellipse((0.0, -6.0), 46.0, 10.0), tone(0.28, 0.04, 50.0));
    for s in [-1.0, 1.0] {
        svg.inked(&circle((s * 26.0, -91.0), 10.0), fur.dark(0.04), ink(fur), 3.0);
        svg.fill(&circle((s * 26.0, -91.0), 4.5), tone(0.75, 0.09, 20.0));
    }
    let body =
        closed(&mirrored(&[(0.0, -106.0), (25.0, -99.0), (38.0, -74.0), (41.0, -40.0), (38.0, -6.0), (0.0, 0.0)]));
    let round = svg.linear((-40.0, 0.0), (40.0, 0.0), &[(0.0, fur.light(0.06)), (0.6, fur), (1.0, fur.dark(0.12))]);
    svg.inked(&body, round, ink(fur), 3.2);
    svg.fill(&ellipse((0.0, -22.0), 24.0, 24.0), tone(0.94, 0.03, 90.0));
    eyes(svg, -79.0, 15.0, 10.5);
    svg.fill(&ellipse((0.0, -56.0), 15.0, 10.0), tone(0.93, 0.035, 80.0));
    svg.inked(&rounded((-7.0, -54.0), 14.0, 13.0, 3.0), WHITE, INK.alpha(0.7), 2.0);
    svg.stroke(&line((0.0, -53.0), (0.0, -42.0)), INK.alpha(0.5), 1.6);
    svg.inked(&ellipse((0.0, -62.0), 6.5, 4.6), tone(0.40, 0.07, 20.0), INK, 2.0);
    for s in [-1.0, 1.0] {
        svg.inked(&ellipse((s * 31.0, -17.0), 11.0, 8.0), tone(0.86, 0.06, 70.0), ink(fur), 2.6);
    }
    svg.fill(&ellipse((0.0, 2.0), 62.0, 8.0), tone(0.52, 0.07, 60.0));
    svg.placed((-50.0, 4.0), (1.0, 1.0), 0.0, |svg| grass(svg, tone(0.62, 0.13, 140.0), 30.0));
    svg.placed((52.0, 6.0), (1.0, 1.0), 0.0, |svg| grass(svg, tone(0.66, 0.13, 140.0), 26.0));
}

/// Rust: a crab.
pub fn crab(svg: &mut Svg) {
    let shell = tone(0.66, 0.185, 42.0);
    let edge = ink(shell);
    for s in [-1.0, 1.0] {
        for (x, y) in [(58.0, -22.0), (62.0, -10.0), (54.0, 2.0)] {
            svg.stroke(&open(&[(s * 30.0, -22.0), (s * x, y - 12.0), (s * (x + 3.0), y)]), edge, 10.0);
            svg.stroke(&open(&[(s * 30.0, -22.0), (s * x, y - 12.0), (s * (x + 3.0), y)]), shell.dark(0.05), 5.0);
        }
        svg.stroke(&open(&[(s * 38.0, -34.0), (s * 58.0, -46.0), (s * 54.0, -66.0)]), edge, 13.0);
        svg.stroke(&open(&[(s * 38.0, -34.0), (s * 58.0, -46.0), (s * 54.0, -66.0)]), shell, 7.5);
        let claw = closed(&[
            (s * 44.0, -64.0),
            (s * 34.0, -84.0),
            (s * 40.0, -104.0),
            (s * 54.0, -90.0),
            (s * 66.0, -108.0),
            (s * 74.0, -86.0),
            (s * 64.0, -66.0),
        ]);
        svg.inked(&claw, shell.light(0.03), edge, 3.0);
        svg.stroke(&line((s * 18.0, -54.0), (s * 19.0, -68.0)), edge, 6.0);
    }
    let body = closed(&mirrored(&[(0.0, -62.0), (32.0, -56.0), (50.0, -34.0), (36.0, -8.0), (0.0, -2.0)]));
    let round = svg.linear((0.0, -62.0), (0.0, 0.0), &[(0.0, shell.light(0.08)), (1.0, shell.dark(0.09))]);
    svg.inked(&body, round, edge, 3.2);
    eyes(svg, -74.0, 19.0, 10.0);
    svg.stroke(&arc((-12.0, -26.0), (0.0, -14.0), (12.0, -26.0)), edge, 3.2);
    for s in [-1.0, 1.0] {
        svg.fill(&ellipse((s * 27.0, -28.0), 7.0, 4.5), tone(0.74, 0.16, 15.0).alpha(0.8));
    }
    for (x, y) in [(-12.0, -50.0), (4.0, -54.0), (16.0, -47.0)] {
        svg.fill(&circle((x, y), 3.2), shell.light(0.14));
    }
}

/// PHP: an elephant.
pub fn elephant(svg: &mut Svg) {
    let skin = tone(0.64, 0.105, 292.0);
    let edge = ink(skin);
    let round = svg.linear((-50.0, -90.0), (50.0, 0.0), &[(0.0, skin.light(0.08)), (1.0, skin.dark(0.08))]);
    for x in [-30.0, 4.0, 30.0] {
        svg.inked(&rounded((x - 12.0, -36.0), 24.0, 36.0, 9.0), skin.dark(0.05), edge, 3.0);
    }
    svg.stroke(&arc((52.0, -62.0), (70.0, -50.0), (64.0, -28.0)), edge, 5.0);
    svg.inked(&ellipse((10.0, -56.0), 48.0, 36.0), round, edge, 3.2);
    let trunk = ribbon(&open(&[(-40.0, -66.0), (-60.0, -50.0), (-62.0, -24.0), (-74.0, -12.0), (-84.0, -22.0)]), |t| {
        14.0 - 6.5 * t
    });
    svg.inked(&trunk, skin, edge, 3.0);
    svg.inked(&circle((-30.0, -78.0), 29.0), skin.light(0.02), edge, 3.0);
    svg.fill(&circle((-46.0, -64.0), 11.5), skin.light(0.01));
    svg.inked(
        &closed(&[(-22.0, -100.0), (2.0, -108.0), (18.0, -88.0), (12.0, -60.0), (-10.0, -56.0), (-22.0, -74.0)]),
        skin.light(0.05),
        edge,
        3.0,
    );
    svg.fill(
        &closed(&[(-14.0, -92.0), (2.0, -98.0), (10.0, -84.0), (4.0, -66.0), (-10.0, -66.0)]),
        tone(0.76, 0.09, 350.0).alpha(0.7),
    );
    svg.inked(&circle((-42.0, -84.0), 6.5), WHITE, edge, 2.0);
    svg.fill(&circle((-43.0, -83.0), 3.4), INK);
    svg.inked(&blade((-46.0, -54.0), (-52.0, -42.0), (-46.0, -36.0), 4.0), WHITE, edge, 1.8);
}

/// Ruby: a cut gem on a cushion.
pub fn ruby(svg: &mut Svg) {
    let cushion = tone(0.46, 0.12, 310.0);
    svg.inked(
        &closed(&[(-58.0, -22.0), (0.0, -28.0), (58.0, -22.0), (54.0, -4.0), (0.0, 2.0), (-54.0, -4.0)]),
        cushion,
        ink(cushion),
        3.0,
    );
    svg.placed((0.0, -66.0), (1.0, 1.0), 0.0, |svg| gem(svg, tone(0.58, 0.215, 20.0), 100.0));
    svg.placed((-34.0, -104.0), (1.0, 1.0), 0.0, |svg| star(svg, WHITE, 26.0, 4));
}

/// Swift: a quill in its ink.
pub fn quill(svg: &mut Svg) {
    svg.placed((22.0, -84.0), (1.0, 1.0), 22.0, |svg| feather(svg, tone(0.72, 0.17, 45.0), 100.0));
    let glass = tone(0.42, 0.05, 260.0);
    svg.inked(
        &closed(&[
            (-14.0, -48.0),
            (14.0, -48.0),
            (16.0, -38.0),
            (38.0, -22.0),
            (36.0, -2.0),
            (0.0, 1.0),
            (-36.0, -2.0),
            (-38.0, -22.0),
            (-16.0, -38.0),
        ]),
        glass,
        ink(glass),
        3.0,
    );
    svg.inked(&rounded((-17.0, -54.0), 34.0, 9.0, 4.0), glass.light(0.12), ink(glass), 2.6);
    svg.stroke(&arc((-28.0, -20.0), (-26.0, -10.0), (-20.0, -7.0)), WHITE.alpha(0.6), 4.0);
}

/// Kotlin: a little robot.
pub fn robot(svg: &mut Svg) {
    let shell = tone(0.68, 0.155, 300.0);
    let edge = ink(shell);
    svg.stroke(&line((0.0, -104.0), (0.0, -122.0)), edge, 4.0);
    svg.inked(&circle((0.0, -124.0), 6.0), tone(0.78, 0.15, 55.0), edge, 2.6);
    for s in [-1.0, 1.0] {
        svg.inked(&rounded((s * 14.0 - 9.0, -18.0), 18.0, 18.0, 5.0), STEEL, ink(STEEL), 2.8);
        svg.stroke(&open(&[(s * 32.0, -48.0), (s * 48.0, -42.0), (s * 50.0, -26.0)]), edge, 12.0);
        svg.stroke(&open(&[(s * 32.0, -48.0), (s * 48.0, -42.0), (s * 50.0, -26.0)]), STEEL, 7.0);
    }
    let body = svg.linear((-32.0, 0.0), (32.0, 0.0), &[(0.0, shell.light(0.08)), (1.0, tone(0.72, 0.15, 50.0))]);
    svg.inked(&rounded((-31.0, -58.0), 62.0, 46.0, 13.0), body, edge, 3.0);
    svg.inked(&rounded((-36.0, -106.0), 72.0, 46.0, 17.0), shell.light(0.05), edge, 3.0);
    svg.inked(&rounded((-27.0, -98.0), 54.0, 29.0, 12.0), tone(0.26, 0.04, 290.0), edge, 2.4);
    for s in [-1.0, 1.0] {
        svg.fill(&circle((s * 12.0, -85.0), 5.5), tone(0.88, 0.12, 190.0));
    }
    svg.stroke(&arc((-6.0, -76.0), (0.0, -72.0), (6.0, -76.0)), tone(0.88, 0.12, 190.0), 2.4);
    svg.fill(&circle((0.0, -36.0), 8.0), WHITE.alpha(0.85));
}

/// Perl: a camel.
pub fn camel(svg: &mut Svg) {
    let coat = tone(0.74, 0.09, 72.0);
    let edge = ink(coat);
    for (x, dark) in [(-22.0, 0.08), (34.0, 0.08), (-8.0, 0.0), (20.0, 0.0)] {
        svg.inked(&rounded((x - 6.0, -46.0), 12.0, 46.0, 5.0), coat.dark(dark), edge, 2.8);
    }
    let body = closed(&[
        (-34.0, -54.0),
        (-26.0, -72.0),
        (-12.0, -96.0),
        (2.0, -78.0),
        (12.0, -78.0),
        (24.0, -98.0),
        (38.0, -74.0),
        (42.0, -54.0),
        (30.0, -38.0),
        (-22.0, -38.0),
    ]);
    let round = svg.linear((0.0, -96.0), (0.0, -36.0), &[(0.0, coat.light(0.06)), (1.0, coat.dark(0.07))]);
    svg.inked(&body, round, edge, 3.0);
    let neck = ribbon(&open(&[(-26.0, -56.0), (-46.0, -52.0), (-56.0, -78.0), (-54.0, -102.0)]), |t| 12.0 - 3.5 * t);
    svg.inked(&neck, coat, edge, 3.0);
    svg.fill(&ellipse((-24.0, -55.0), 11.0, 10.0), coat);
    svg.inked(
        &closed(&[(-46.0, -116.0), (-46.0, -100.0), (-62.0, -94.0), (-80.0, -96.0), (-82.0, -106.0), (-66.0, -114.0)]),
        coat.light(0.03),
        edge,
        3.0,
    );
    svg.inked(&ellipse((-47.0, -117.0), 4.5, 7.0), coat, edge, 2.4);
    svg.fill(&circle((-61.0, -108.0), 3.0), INK);
    svg.stroke(&arc((-80.0, -100.0), (-74.0, -97.0), (-66.0, -100.0)), edge, 2.2);
    svg.inked(
        &polygon(&[(-6.0, -80.0), (18.0, -80.0), (22.0, -50.0), (-8.0, -50.0)]),
        tone(0.56, 0.17, 25.0),
        tone(0.36, 0.11, 25.0),
        2.6,
    );
    svg.stroke(&line((-7.0, -62.0), (20.0, -62.0)), tone(0.86, 0.14, 90.0), 4.0);
}

/// Scala: a spiral of marble stairs around a column.
pub fn stairs(svg: &mut Svg) {
    let marble = tone(0.94, 0.008, 250.0);
    for i in 0..5 {
        let y = -22.0 * f64::from(i);
        let x = 30.0 - f64::from(i) * 14.0;
        svg.inked(
            &polygon(&[(-60.0, y - 22.0), (x + 30.0, y - 22.0), (x + 30.0, y), (-60.0, y)]),
            marble.dark(0.02 * f64::from(i % 2)),
            ink(marble),
            2.8,
        );
        svg.fill(&rounded((-60.0, y - 25.0), 92.0 + x, 6.0, 2.0), tone(0.56, 0.19, 25.0));
        svg.stroke(&arc((-48.0, y - 8.0), (-24.0, y - 16.0), (x + 8.0, y - 7.0)), tone(0.75, 0.015, 260.0), 1.8);
    }
}

/// Haskell: a slate with a lambda.
pub fn slate(svg: &mut Svg) {
    let wood = tone(0.60, 0.09, 60.0);
    for s in [-1.0, 1.0] {
        svg.stroke(&line((s * 20.0, -100.0), (s * 44.0, 0.0)), ink(wood), 10.0);
        svg.stroke(&line((s * 20.0, -100.0), (s * 44.0, 0.0)), wood, 5.5);
    }
    svg.inked(&rounded((-50.0, -120.0), 100.0, 84.0, 6.0), wood, ink(wood), 3.0);
    svg.fill(&rounded((-43.0, -113.0), 86.0, 70.0, 3.0), tone(0.36, 0.045, 165.0));
    svg.placed((0.0, -78.0), (1.0, 1.0), 0.0, |svg| lambda(svg, WHITE.alpha(0.92), 54.0, 6.5));
    svg.fill(&rounded((14.0, -38.0), 20.0, 5.0, 2.5), WHITE);
}

/// Elixir: a bottle of it.
pub fn elixir(svg: &mut Svg) {
    svg.placed((-26.0, 0.0), (1.0, 1.0), 0.0, |svg| potion(svg, tone(0.62, 0.2, 310.0), 100.0));
    svg.placed((38.0, 4.0), (1.0, 1.0), 0.0, |svg| potion(svg, tone(0.72, 0.16, 170.0), 62.0));
}

/// Clojure: parentheses within parentheses.
pub fn nested(svg: &mut Svg) {
    for (i, fill) in [tone(0.66, 0.15, 140.0), tone(0.62, 0.13, 250.0), tone(0.78, 0.14, 85.0)].into_iter().enumerate()
    {
        let k = 1.0 - 0.30 * i as f64;
        svg.placed((0.0, -60.0), (1.0, 1.0), 0.0, |svg| {
            parentheses(svg, ink(fill), 112.0 * k, 112.0 * k, 17.0);
            parentheses(svg, fill, 112.0 * k, 112.0 * k, 11.0);
        });
    }
    svg.inked(&circle((0.0, -60.0), 8.0), tone(0.66, 0.18, 25.0), INK, 2.6);
}

/// Lua: a telescope.
pub fn telescope(svg: &mut Svg) {
    let brass = tone(0.76, 0.12, 80.0);
    for x in [-30.0, 0.0, 30.0] {
        svg.stroke(&line((0.0, -60.0), (x, 0.0)), ink(brass), 7.0);
        svg.stroke(&line((0.0, -60.0), (x, 0.0)), tone(0.52, 0.07, 60.0), 3.5);
    }
    svg.placed((0.0, -72.0), (1.0, 1.0), -32.0, |svg| {
        let tube =
            svg.linear((0.0, -16.0), (0.0, 16.0), &[(0.0, tone(0.60, 0.12, 270.0)), (1.0, tone(0.36, 0.1, 275.0))]);
        svg.inked(
            &polygon(&[(-46.0, -9.0), (50.0, -16.0), (50.0, 16.0), (-46.0, 9.0)]),
            tube,
            tone(0.22, 0.06, 275.0),
            3.0,
        );
        svg.inked(&rounded((46.0, -19.0), 13.0, 38.0, 3.0), brass, ink(brass), 2.8);
        svg.inked(&rounded((-56.0, -8.0), 13.0, 16.0, 3.0), brass, ink(brass), 2.8);
    });
}

/// R: a chart on an easel.
pub fn chart(svg: &mut Svg) {
    let wood = tone(0.62, 0.08, 65.0);
    for s in [-1.0, 1.0] {
        svg.stroke(&line((s * 14.0, -112.0), (s * 44.0, 0.0)), ink(wood), 9.0);
        svg.stroke(&line((s * 14.0, -112.0), (s * 44.0, 0.0)), wood, 5.0);
    }
    svg.inked(&rounded((-54.0, -122.0), 108.0, 88.0, 5.0), tone(0.98, 0.01, 240.0), tone(0.44, 0.06, 250.0), 3.2);
    for (i, tall) in [22.0, 38.0, 30.0, 54.0, 64.0].into_iter().enumerate() {
        let hue = 250.0 - 12.0 * i as f64;
        svg.fill(&rounded((-43.0 + 18.0 * i as f64, -42.0 - tall), 13.0, tall, 2.0), tone(0.62, 0.14, hue));
    }
    svg.stroke(
        &open(&[(-40.0, -76.0), (-18.0, -88.0), (0.0, -84.0), (20.0, -104.0), (40.0, -112.0)]),
        tone(0.66, 0.2, 28.0),
        4.0,
    );
}

/// Dart: a target, hit.
pub fn target(svg: &mut Svg) {
    for s in [-1.0, 1.0] {
        svg.stroke(&line((s * 20.0, -60.0), (s * 38.0, 0.0)), tone(0.42, 0.05, 60.0), 7.0);
    }
    for (i, fill) in
        [tone(0.56, 0.12, 245.0), WHITE, tone(0.72, 0.12, 215.0), WHITE, tone(0.62, 0.2, 25.0)].into_iter().enumerate()
    {
        svg.inked(&circle((0.0, -66.0), 52.0 - 10.5 * i as f64), fill, tone(0.34, 0.07, 250.0), 2.6);
    }
    svg.stroke(&line((2.0, -68.0), (34.0, -94.0)), INK, 5.0);
    for s in [-8.0, 8.0] {
        svg.inked(
            &polygon(&[(30.0, -91.0), (38.0 + s, -110.0 + s * 0.6), (50.0 + s * 0.8, -112.0 + s), (42.0, -100.0)]),
            tone(0.82, 0.15, 85.0),
            INK,
            2.2,
        );
    }
}

fn screen(svg: &mut Svg, case: Tone, glass: Tone, draw: impl FnOnce(&mut Svg)) {
    let round = svg.linear((-50.0, -110.0), (50.0, 0.0), &[(0.0, case.light(0.05)), (1.0, case.dark(0.09))]);
    svg.inked(&polygon(&[(-34.0, -18.0), (34.0, -18.0), (44.0, 0.0), (-44.0, 0.0)]), case.dark(0.08), ink(case), 3.0);
    svg.inked(&rounded((-56.0, -116.0), 112.0, 100.0, 11.0), round, ink(case), 3.2);
    svg.inked(&rounded((-46.0, -106.0), 92.0, 72.0, 9.0), glass, ink(case), 2.6);
    draw(svg);
    svg.fill(&polygon(&[(-40.0, -100.0), (-16.0, -100.0), (-34.0, -42.0), (-40.0, -42.0)]), WHITE.alpha(0.10));
    svg.fill(&circle((40.0, -25.0), 3.6), tone(0.8, 0.2, 140.0));
}

/// Shell: a terminal with a prompt.
pub fn terminal(svg: &mut Svg) {
    let green = tone(0.86, 0.2, 145.0);
    screen(svg, tone(0.42, 0.02, 250.0), tone(0.20, 0.03, 150.0), |svg| {
        svg.stroke(&open(&[(-34.0, -92.0), (-22.0, -82.0), (-34.0, -72.0)]), green, 5.0);
        svg.stroke(&line((-14.0, -71.0), (4.0, -71.0)), green, 5.0);
        for (y, long) in [(-56.0, 56.0), (-46.0, 36.0)] {
            svg.stroke(&line((-34.0, y), (-34.0 + long, y)), green.dark(0.2).alpha(0.8), 4.0);
        }
    });
}

/// Objective-C: a small beige computer.
pub fn old_computer(svg: &mut Svg) {
    screen(svg, tone(0.86, 0.035, 85.0), tone(0.55, 0.07, 235.0), |svg| {
        for s in [-1.0, 1.0] {
            svg.stroke(&line((s * 13.0, -86.0), (s * 13.0, -76.0)), tone(0.95, 0.02, 220.0), 4.5);
        }
        svg.stroke(&arc((-18.0, -62.0), (0.0, -48.0), (18.0, -62.0)), tone(0.95, 0.02, 220.0), 4.5);
    });
    svg.stroke(&line((-8.0, -26.0), (26.0, -26.0)), tone(0.45, 0.03, 80.0), 4.0);
}

/// F#: pipes with a wheel.
pub fn pipes(svg: &mut Svg) {
    let copper = tone(0.66, 0.12, 52.0);
    pipe(svg, tone(0.62, 0.10, 225.0), &[(-46.0, 0.0), (-46.0, -62.0), (30.0, -62.0), (30.0, 0.0)], 14.0);
    pipe(svg, copper, &[(0.0, 0.0), (0.0, -96.0), (54.0, -96.0)], 11.0);
    svg.stroke(&circle((-8.0, -62.0), 20.0), tone(0.42, 0.14, 25.0), 9.0);
    svg.stroke(&circle((-8.0, -62.0), 20.0), tone(0.60, 0.19, 25.0), 5.0);
    for (dx, dy) in [(17.0, 0.0), (-9.0, 15.0), (-9.0, -15.0)] {
        svg.stroke(&line((-8.0, -62.0), (-8.0 + dx, -62.0 + dy)), tone(0.60, 0.19, 25.0), 5.0);
    }
}

/// Erlang: a telephone.
pub fn telephone(svg: &mut Svg) {
    let red = tone(0.52, 0.18, 22.0);
    let base = closed(&[
        (-26.0, -66.0),
        (26.0, -66.0),
        (40.0, -40.0),
        (54.0, -8.0),
        (46.0, 0.0),
        (-46.0, 0.0),
        (-54.0, -8.0),
        (-40.0, -40.0),
    ]);
    let round = svg.linear((0.0, -70.0), (0.0, 0.0), &[(0.0, red.light(0.08)), (1.0, red.dark(0.07))]);
    svg.inked(&base, round, ink(red), 3.2);
    let receiver = closed(&[
        (-62.0, -82.0),
        (-52.0, -100.0),
        (0.0, -108.0),
        (52.0, -100.0),
        (62.0, -82.0),
        (58.0, -68.0),
        (36.0, -68.0),
        (32.0, -82.0),
        (0.0, -88.0),
        (-32.0, -82.0),
        (-36.0, -68.0),
        (-58.0, -68.0),
    ]);
    svg.inked(&receiver, red.light(0.03), ink(red), 3.2);
    svg.inked(&circle((0.0, -34.0), 24.0), tone(0.94, 0.02, 85.0), ink(red), 2.8);
    for i in 0..9 {
        let angle = f64::from(i) * 0.62 + 2.4;
        svg.fill(&circle((angle.cos() * 17.0, -34.0 + angle.sin() * 17.0), 3.4), tone(0.36, 0.05, 20.0));
    }
    svg.fill(&circle((0.0, -34.0), 8.0), red);
}

/// Groovy: a gramophone record with notes.
pub fn record(svg: &mut Svg) {
    svg.inked(&circle((0.0, -54.0), 54.0), tone(0.26, 0.02, 280.0), INK, 3.0);
    for r in [46.0, 39.0, 32.0] {
        svg.stroke(&circle((0.0, -54.0), r), WHITE.alpha(0.14), 2.0);
    }
    svg.fill(&polygon(&[(0.0, -54.0), (-44.0, -84.0), (-30.0, -98.0)]), WHITE.alpha(0.14));
    svg.inked(&circle((0.0, -54.0), 21.0), tone(0.70, 0.15, 215.0), INK, 2.6);
    svg.placed((0.0, -50.0), (1.0, 1.0), 0.0, |svg| note(svg, WHITE, 22.0));
    svg.placed((50.0, -118.0), (1.0, 1.0), 10.0, |svg| note(svg, tone(0.60, 0.17, 330.0), 42.0));
}

/// Crystal: a cluster of crystals.
pub fn crystals(svg: &mut Svg) {
    for (x, w, h, hue, turn) in [
        (-30.0, 26.0, 70.0, 200.0, -18.0),
        (32.0, 26.0, 76.0, 290.0, 16.0),
        (0.0, 36.0, 122.0, 235.0, 0.0),
        (-14.0, 24.0, 52.0, 320.0, -8.0),
        (18.0, 22.0, 44.0, 180.0, 10.0),
    ] {
        svg.placed((x, 2.0), (1.0, 1.0), turn, |svg| shard(svg, tone(0.76, 0.12, hue), w, h));
    }
}

/// Anything else: a portable computer.
pub fn laptop(svg: &mut Svg) {
    let case = tone(0.74, 0.015, 260.0);
    svg.inked(&rounded((-58.0, -98.0), 116.0, 82.0, 7.0), case.dark(0.1), ink(case), 3.0);
    svg.fill(&rounded((-51.0, -91.0), 102.0, 66.0, 3.0), tone(0.24, 0.035, 270.0));
    for (row, pieces) in [
        (0, [(0.0, 26.0), (32.0, 30.0)]),
        (1, [(10.0, 34.0), (50.0, 20.0)]),
        (2, [(10.0, 18.0), (34.0, 40.0)]),
        (3, [(0.0, 14.0), (20.0, 12.0)]),
    ] {
        for (i, (x, long)) in pieces.into_iter().enumerate() {
            let hue = [150.0, 60.0, 300.0, 230.0][(row + i) % 4];
            svg.stroke(
                &line((-42.0 + x, -80.0 + 14.0 * row as f64), (-42.0 + x + long, -80.0 + 14.0 * row as f64)),
                tone(0.82, 0.13, hue),
                4.4,
            );
        }
    }
    svg.inked(&polygon(&[(-58.0, -16.0), (58.0, -16.0), (72.0, 0.0), (-72.0, 0.0)]), case, ink(case), 3.0);
    svg.fill(&rounded((-18.0, -9.0), 36.0, 6.0, 2.0), case.dark(0.14));
    svg.placed((38.0, -36.0), (1.0, 1.0), 0.0, |svg| bit(svg, true, tone(0.86, 0.18, 145.0), 16.0));
}
