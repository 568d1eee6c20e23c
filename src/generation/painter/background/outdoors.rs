//! What is out of focus behind the cat, under the sky or the earth.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::super::geometry::{circle, ellipse, line, open};
use super::super::palette::{Tone, WHITE, tone};
use super::super::svg::Svg;
use super::motifs::{butterfly, cloud, feather, gem, grass, hanging_snake, mountain, shard, star, vine};
use super::{Stage, creatures};

/// Vines and snakes.
pub fn jungle(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for (i, share) in [0.05, 0.14, 0.24, 0.34, 0.66, 0.77, 0.87, 0.96].into_iter().enumerate() {
        let long = rng.random_range(110.0..230.0);
        svg.placed((stage.w * share, -6.0), (stage.unit, stage.unit), 0.0, |svg| {
            if i % 3 == 1 {
                let hue = [95.0, 250.0, 140.0][rng.random_range(0..3)];
                hanging_snake(svg, tone(0.72, 0.14, hue), long * 0.85);
            } else {
                vine(svg, tone(0.56, 0.12, 148.0), long, rng);
            }
        });
    }
    for x in [0.03, 0.16, 0.86, 0.97] {
        svg.placed((stage.w * x, stage.horizon + 6.0), (stage.unit, stage.unit), 0.0, |svg| {
            grass(svg, tone(0.50, 0.11, 150.0), 110.0);
        });
    }
}

fn range(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng, near: Tone) {
    for (x, wide, tall, far) in [
        (0.30, 0.5, 0.42, 0.10),
        (0.72, 0.55, 0.46, 0.10),
        (0.08, 0.52, 0.54, 0.04),
        (0.94, 0.54, 0.58, 0.04),
        (0.5, 0.6, 0.30, 0.0),
    ] {
        let tall = tall * rng.random_range(0.92..1.08);
        svg.placed((stage.w * x, stage.horizon + 2.0), (1.0, 1.0), 0.0, |svg| {
            mountain(svg, near.light(far), stage.w * wide, stage.h * tall);
        });
    }
}

/// Mountains and clouds.
pub fn mountains(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    range(svg, stage, rng, tone(0.60, 0.07, 235.0));
    for (x, y) in [(0.16, 0.12), (0.80, 0.09), (0.60, 0.2)] {
        svg.placed((stage.w * x, stage.h * y), (stage.unit, stage.unit), 0.0, |svg| cloud(svg, WHITE.alpha(0.9), 56.0));
    }
}

/// Elephants on hills.
pub fn herd(svg: &mut Svg, stage: &Stage, _: &mut ChaCha8Rng) {
    hills(svg, stage, tone(0.66, 0.11, 298.0));
    for (x, y, s) in [(0.10, 0.98, 0.85), (0.27, 0.94, 0.5), (0.90, 0.98, 0.9), (0.73, 0.93, 0.5)] {
        let k = stage.unit * s;
        svg.placed((stage.w * x, stage.horizon * y), (if x > 0.5 { k } else { -k }, k), 0.0, creatures::elephant);
    }
    for (x, y) in [(0.14, 0.14), (0.84, 0.12)] {
        svg.placed((stage.w * x, stage.h * y), (stage.unit, stage.unit), 0.0, |svg| cloud(svg, WHITE.alpha(0.7), 60.0));
    }
}

fn hills(svg: &mut Svg, stage: &Stage, near: Tone) {
    for (x, rx, ry, far) in [(0.22, 0.40, 0.36, 0.06), (0.84, 0.44, 0.40, 0.06), (0.5, 0.5, 0.22, 0.0)] {
        svg.fill(&ellipse((stage.w * x, stage.horizon + 8.0), stage.w * rx, stage.h * ry), near.light(far));
    }
}

/// Railway tracks and gems.
pub fn rails(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    hills(svg, stage, tone(0.52, 0.10, 20.0));
    // A track that comes over the hill.
    for (x, s) in [(0.14, 1.0), (0.86, -1.0)] {
        let (foot, top) = (stage.horizon + 4.0, stage.horizon * 0.56);
        let at = |t: f64, side: f64| {
            (stage.w * x + s * stage.w * 0.07 * t * t + side * stage.unit * (44.0 - 34.0 * t), foot + (top - foot) * t)
        };
        for i in 0..8 {
            let t = f64::from(i) / 8.0;
            svg.stroke(&line(at(t, -1.35), at(t, 1.35)), tone(0.40, 0.06, 50.0), stage.unit * (8.0 - 5.0 * t));
        }
        for side in [-1.0, 1.0] {
            svg.stroke(
                &open(&[at(0.0, side), at(0.35, side), at(0.7, side), at(1.0, side)]),
                tone(0.76, 0.02, 250.0),
                stage.unit * 4.0,
            );
        }
    }
    stage.scatter(svg, rng, 8, |svg, rng, _| {
        let hue = rng.random_range(5.0..28.0);
        gem(svg, tone(0.60, 0.20, hue), rng.random_range(34.0..60.0));
    });
}

/// Falling feathers.
pub fn feathers(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    stage.scatter(svg, rng, 12, |svg, rng, i| {
        let lean = rng.random_range(-60.0..60.0);
        let fill = [tone(0.72, 0.16, 45.0), tone(0.94, 0.03, 80.0), tone(0.66, 0.16, 28.0)][(i % 3) as usize];
        svg.placed((0.0, 0.0), (1.0, 1.0), lean, |svg| feather(svg, fill, rng.random_range(54.0..84.0)));
    });
}

/// Mountains at dusk, with robots.
pub fn dusk(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    svg.fill(&circle((stage.w * 0.26, stage.h * 0.26), 44.0 * stage.unit), tone(0.86, 0.13, 65.0));
    range(svg, stage, rng, tone(0.50, 0.12, 300.0));
    for (x, s) in [(0.12, 0.62), (0.90, 0.72)] {
        svg.placed((stage.w * x, stage.horizon), (stage.unit * s, stage.unit * s), 0.0, creatures::robot);
    }
}

/// Dunes, camels, cactuses.
pub fn desert(svg: &mut Svg, stage: &Stage, _: &mut ChaCha8Rng) {
    svg.fill(&circle((stage.w * 0.80, stage.h * 0.20), 40.0 * stage.unit), tone(0.94, 0.11, 92.0));
    hills(svg, stage, tone(0.80, 0.09, 75.0));
    for (x, y, s) in [(0.24, 0.84, 0.55), (0.09, 0.87, 0.7), (0.76, 0.83, 0.6)] {
        svg.placed((stage.w * x, stage.horizon * y), (stage.unit * s, stage.unit * s), 0.0, creatures::camel);
    }
    for x in [0.93, 0.02] {
        let green = tone(0.56, 0.11, 150.0);
        svg.placed((stage.w * x, stage.horizon), (stage.unit, stage.unit), 0.0, |svg| {
            svg.stroke(&line((0.0, 0.0), (0.0, -90.0)), green, 20.0);
            svg.stroke(&open(&[(0.0, -34.0), (-26.0, -40.0), (-28.0, -66.0)]), green, 13.0);
            svg.stroke(&open(&[(0.0, -48.0), (24.0, -54.0), (26.0, -78.0)]), green, 13.0);
        });
    }
}

/// Moon and stars.
pub fn night(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    let (x, y, r) = (stage.w * 0.83, stage.h * 0.24, 52.0 * stage.unit);
    let halo = svg.radial(
        (x, y),
        (r * 2.4, r * 2.4),
        &[(0.0, tone(0.9, 0.07, 95.0).alpha(0.5)), (1.0, tone(0.9, 0.07, 95.0).alpha(0.0))],
    );
    svg.fill(&circle((x, y), r * 2.4), halo);
    svg.fill(&circle((x, y), r), tone(0.94, 0.06, 95.0));
    for (dx, dy, s) in [(-0.3, -0.2, 0.2), (0.25, 0.3, 0.26), (0.3, -0.4, 0.13)] {
        svg.fill(&circle((x + dx * r, y + dy * r), s * r), tone(0.86, 0.06, 95.0));
    }
    stage.scatter(svg, rng, 26, |svg, rng, i| {
        star(svg, tone(0.95, 0.05, 95.0), rng.random_range(9.0..26.0), if i % 3 == 0 { 5 } else { 4 });
    });
    hills(svg, stage, tone(0.28, 0.09, 278.0));
}

/// Butterflies over hills.
pub fn meadow(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    hills(svg, stage, tone(0.74, 0.12, 150.0));
    stage.scatter(svg, rng, 12, |svg, rng, _| {
        let hue = [40.0, 330.0, 245.0, 90.0][rng.random_range(0..4)];
        butterfly(svg, tone(0.74, 0.15, hue), rng.random_range(38.0..66.0));
    });
}

/// Crystals from floor and roof.
pub fn cave(svg: &mut Svg, stage: &Stage, rng: &mut ChaCha8Rng) {
    for i in 0..16 {
        let x = stage.w * (f64::from(i) + rng.random_range(0.1..0.9)) / 16.0;
        let near = (x / stage.w - 0.5).abs() * 2.0;
        let tall = stage.unit * (50.0 + 190.0 * near) * rng.random_range(0.7..1.1);
        let fill = tone(0.66, 0.10, rng.random_range(190.0..310.0));
        let hangs = i % 3 == 2;
        let at = (x, if hangs { -4.0 } else { stage.horizon + 4.0 });
        svg.placed(at, (1.0, if hangs { -1.0 } else { 1.0 }), rng.random_range(-14.0..14.0), |svg| {
            shard(svg, fill, tall * 0.26, tall);
        });
    }
}
