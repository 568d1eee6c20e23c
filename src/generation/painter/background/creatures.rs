//! The creature that stands beside the cat and says which language this is. Each stands on the origin, some 110
//! units tall.

use super::super::geometry::{arc, blade, circle, closed, ellipse, line, mirrored, open, polygon, ribbon, rounded};
use super::super::palette::{INK, Tone, WHITE, tone};
use super::super::svg::Svg;
use super::motifs::{grass, ink};

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
    let neck =
        ribbon(&open(&[(8.0, -58.0), (26.0, -66.0), (30.0, -84.0), (10.0, -96.0), (2.0, -112.0)]), |t| 13.0 - 2.0 * t);
    svg.inked(&neck, blue, ink(blue), 3.0);
    for (i, (w, y)) in [(56.0, -14.0), (48.0, -36.0), (37.0, -56.0)].into_iter().enumerate() {
        let fill = if i == 1 { yellow } else { blue };
        let round = svg.linear((0.0, y - 16.0), (0.0, y + 14.0), &[(0.0, fill.light(0.1)), (1.0, fill.dark(0.1))]);
        svg.inked(&rounded((-w, y - 14.0), w * 2.0, 27.0, 13.5), round, ink(fill), 3.0);
        for k in -2..=2 {
            svg.fill(&ellipse((f64::from(k) * w * 0.36, y), 5.5, 4.0), fill.dark(0.12).alpha(0.6));
        }
    }
    let head = closed(&mirrored(&[(0.0, -134.0), (17.0, -127.0), (22.0, -112.0), (13.0, -99.0), (0.0, -96.0)]));
    svg.stroke(&line((0.0, -98.0), (0.0, -86.0)), tone(0.62, 0.2, 22.0), 3.0);
    svg.stroke(&open(&[(-5.0, -80.0), (0.0, -87.0), (5.0, -80.0)]), tone(0.62, 0.2, 22.0), 2.6);
    svg.inked(&head, blue.light(0.05), ink(blue), 3.0);
    eyes(svg, -117.0, 9.0, 6.5);
    svg.stroke(&arc((-7.0, -104.0), (0.0, -100.0), (7.0, -104.0)), ink(blue), 2.4);
}

/// Go: a burrowing creature of our own, half mole and half marmot, looking out of its hole.
pub fn burrower(svg: &mut Svg) {
    let fur = tone(0.66, 0.06, 258.0);
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
    let scarf = tone(0.74, 0.16, 60.0);
    svg.inked(
        &closed(&[(-38.0, -50.0), (0.0, -40.0), (38.0, -50.0), (40.0, -36.0), (0.0, -27.0), (-40.0, -36.0)]),
        scarf,
        ink(scarf),
        2.8,
    );
    svg.inked(
        &polygon(&[(14.0, -36.0), (28.0, -38.0), (30.0, -12.0), (17.0, -11.0)]),
        scarf.light(0.04),
        ink(scarf),
        2.6,
    );
    eyes(svg, -79.0, 15.0, 10.5);
    svg.fill(&ellipse((0.0, -56.0), 15.0, 10.0), tone(0.93, 0.035, 80.0));
    svg.stroke(&arc((-8.0, -54.0), (0.0, -47.0), (8.0, -54.0)), INK, 2.4);
    for s in [-1.0, 1.0] {
        for dy in [-3.0, 2.0] {
            svg.stroke(&line((s * 13.0, -57.0 + dy), (s * 32.0, -59.0 + dy * 2.5)), INK.alpha(0.5), 1.4);
        }
    }
    svg.inked(&ellipse((0.0, -63.0), 9.0, 6.5), tone(0.66, 0.13, 10.0), INK, 2.2);
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

/// Kotlin: a little robot.
pub fn robot(svg: &mut Svg) {
    let shell = tone(0.72, 0.145, 148.0);
    let edge = ink(shell);
    svg.stroke(&line((0.0, -104.0), (0.0, -122.0)), edge, 4.0);
    svg.inked(&circle((0.0, -124.0), 6.0), tone(0.78, 0.15, 55.0), edge, 2.6);
    for s in [-1.0, 1.0] {
        svg.inked(&rounded((s * 14.0 - 9.0, -18.0), 18.0, 18.0, 5.0), STEEL, ink(STEEL), 2.8);
        svg.stroke(&open(&[(s * 32.0, -48.0), (s * 48.0, -42.0), (s * 50.0, -26.0)]), edge, 12.0);
        svg.stroke(&open(&[(s * 32.0, -48.0), (s * 48.0, -42.0), (s * 50.0, -26.0)]), STEEL, 7.0);
    }
    let body = svg.linear((-32.0, 0.0), (32.0, 0.0), &[(0.0, shell.light(0.08)), (1.0, shell.dark(0.1))]);
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
