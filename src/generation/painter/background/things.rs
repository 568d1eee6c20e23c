//! The thing that stands beside the cat and says which language this is. Each stands on the origin, some 110 units
//! tall.

use super::super::geometry::{arc, blade, circle, closed, ellipse, line, open, polygon, rounded};
use super::super::palette::{INK, Tone, WHITE, tone};
use super::super::svg::Svg;
use super::motifs::{
    bit, brace, chip, crate_box, feather, gem, ink, lambda, mug, note, parentheses, pipe, potion, shard, star,
};

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
        svg.placed((-3.0, -28.0), (1.0, 1.0), 0.0, |svg| brace(svg, WHITE, 1.0, 26.0, 4.0));
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

/// Clojure: toy blocks, each with a parenthesis.
pub fn nested(svg: &mut Svg) {
    let blocks = [
        (-29.0, -28.0, tone(0.66, 0.14, 145.0), 0),
        (29.0, -28.0, tone(0.62, 0.13, 250.0), 1),
        (0.0, -84.0, tone(0.80, 0.14, 85.0), 2),
    ];
    for (x, y, fill, which) in blocks {
        svg.placed((x, y), (1.0, 1.0), [-2.0, 2.0, -5.0][which], |svg| {
            let round = svg.linear((-28.0, -28.0), (28.0, 28.0), &[(0.0, fill.light(0.07)), (1.0, fill.dark(0.07))]);
            svg.inked(&rounded((-27.0, -27.0), 54.0, 54.0, 8.0), round, ink(fill), 3.0);
            svg.fill(&rounded((-20.0, -20.0), 40.0, 40.0, 5.0), tone(0.98, 0.015, 90.0));
            match which {
                0 => svg.stroke(&arc((6.0, -15.0), (-12.0, 0.0), (6.0, 15.0)), ink(fill), 6.0),
                1 => svg.stroke(&arc((-6.0, -15.0), (12.0, 0.0), (-6.0, 15.0)), ink(fill), 6.0),
                _ => parentheses(svg, ink(fill), 30.0, 28.0, 5.0),
            }
        });
    }
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
