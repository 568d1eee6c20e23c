//! The painter: attributes and a seed in, a PNG out.

mod body;
mod coat;
mod face;
mod geometry;
mod palette;
mod render;
mod rig;
mod svg;

use crate::model::attributes::{CatAttributes, Expression};
use crate::model::failure::Result;
use crate::model::picture::Canvas;
use crate::model::seed::Seed;

use coat::Coat;
use palette::tone;
use rig::Rig;
use svg::Svg;

/// Paints the cat as a PNG of the canvas's size, without a caption.
pub fn paint(cat: &CatAttributes, seed: &Seed, canvas: Canvas) -> Result<Vec<u8>> {
    render::png(&svg(cat, seed, canvas), canvas.width, canvas.height)
}

/// The picture as SVG text.
#[must_use]
pub fn svg(cat: &CatAttributes, seed: &Seed, canvas: Canvas) -> String {
    let mut svg = Svg::new();
    let (w, h) = (f64::from(canvas.width), f64::from(canvas.height));
    let rig = Rig::of(cat, seed);
    let coat = Coat::of(cat, seed);
    let rim = tone(0.9, 0.06, 80.0);
    svg.fill(&geometry::rounded((0.0, 0.0), w, h, 0.0), tone(0.82, 0.05, 200.0));
    let k = (h / 448.0).min(w / 500.0) * rig.scale;
    let mut fur = seed.rng("fur");
    svg.placed((w * 0.5, h * 0.945), (k, k), 0.0, |svg| {
        if cat.expression != Expression::Concerned {
            body::tail(svg, &coat, &rig, cat.expression, rim, &mut fur);
        }
        body::trunk(svg, &coat, &rig, rim, &mut fur);
        if cat.expression == Expression::Concerned {
            body::tail(svg, &coat, &rig, cat.expression, rim, &mut fur);
        }
        svg.placed((0.0, rig.head_y()), (1.0, 1.0), rig.tilt, |svg| {
            face::head(svg, cat, &coat, &rig, rim, &mut fur);
        });
    });
    svg.finish(canvas.width, canvas.height)
}
