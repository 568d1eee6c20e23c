//! The painter: attributes and a seed in, a PNG out.

mod background;
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
    let theme = background::theme_of(cat.language.as_deref());
    let rim = theme.light;
    background::paint(&mut svg, cat, &theme, &background::Stage::new(w, h), seed, rig.side);
    let k = (h / 448.0).min(w / 500.0) * rig.scale;
    let mut fur = seed.rng("fur");
    background::shadow(&mut svg, (w * 0.5, h * 0.948), rig.hip * k, theme.floor);
    svg.placed((w * 0.5, h * 0.945), (k, k), 0.0, |svg| {
        if cat.expression != Expression::Concerned {
            body::tail(svg, &coat, &rig, cat.expression, rim, &mut fur);
        }
        body::trunk(svg, &coat, &rig, rim, &mut fur);
        if cat.expression == Expression::Concerned {
            body::tail(svg, &coat, &rig, cat.expression, rim, &mut fur);
        }
        svg.placed((0.0, rig.head_y()), (Rig::HEAD, Rig::HEAD), rig.tilt, |svg| {
            face::head(svg, cat, &coat, &rig, rim, &mut fur);
        });
    });
    svg.finish(canvas.width, canvas.height)
}

/// STUB until the painter's caption lands.
pub fn caption(png: &[u8], _top: &str, _bottom: &str) -> Result<Vec<u8>> {
    Ok(png.to_vec())
}

/// STUB until the painter's sheet lands.
pub fn contact_sheet() -> Result<Vec<u8>> {
    Ok(Vec::new())
}
