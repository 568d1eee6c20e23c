//! The painter: attributes and a seed in, a PNG out.

mod adornment;
mod background;
mod body;
mod caption;
mod coat;
mod face;
mod geometry;
mod palette;
mod render;
mod rig;
mod sheet;
mod svg;

use crate::model::attributes::{Age, CatAttributes, Expression};
use crate::model::failure::Result;
use crate::model::picture::Canvas;
use crate::model::seed::Seed;

use coat::Coat;
use palette::Tone;
use rig::Rig;
use svg::Svg;

/// Paints the cat as a PNG of the canvas's size, without a caption.
pub fn paint(cat: &CatAttributes, seed: &Seed, canvas: Canvas) -> Result<Vec<u8>> {
    render::png(&svg(cat, seed, canvas), canvas.width, canvas.height)
}

/// Writes two lines of text on a picture, above and below: upper case, white with a black outline, as large as fits.
/// What the font has no glyph for is replaced or left out; an empty line is no line.
pub fn caption(png: &[u8], top: &str, bottom: &str) -> Result<Vec<u8>> {
    let mut pixels = render::decode(png)?;
    let text = caption::svg(pixels.width(), pixels.height(), top, bottom)?;
    render::draw(&render::parse(&text)?, &mut pixels);
    render::encode(&pixels)
}

/// All variants on one sheet, labelled, as PNG: breeds by moods, ages, sizes, colours, languages.
pub fn contact_sheet() -> Result<Vec<u8>> {
    sheet::png()
}

/// The picture as SVG text.
#[must_use]
pub fn svg(cat: &CatAttributes, seed: &Seed, canvas: Canvas) -> String {
    let mut svg = Svg::new();
    let (w, h) = (f64::from(canvas.width), f64::from(canvas.height));
    let rig = Rig::of(cat, seed);
    let coat = Coat::of(cat, seed);
    let theme = background::theme_of(cat);
    background::paint(&mut svg, cat, &theme, &background::Stage::new(w, h), seed, rig.side);
    let k = (h / 448.0).min(w / 500.0) * rig.scale;
    // What is small sits further back, clear of the caption.
    let ground = h * (0.948 - 0.07 * (1.0 + rig.top() * rig.scale / 398.0));
    background::shadow(&mut svg, (w * 0.5, ground), rig.hip * k, theme.floor);
    svg.placed((w * 0.5, ground), (k, k), 0.0, |svg| cat_at_origin(svg, cat, &coat, &rig, theme.light, seed));
    svg.finish(canvas.width, canvas.height)
}

/// The cat on the origin: from the far side to the near one.
fn cat_at_origin(svg: &mut Svg, cat: &CatAttributes, coat: &Coat, rig: &Rig, rim: Tone, seed: &Seed) {
    let mut fur = seed.rng("fur");
    let boxed = cat.beauty_score.is_none();
    // In a box it stands on its toes, so that its face is seen.
    let lift = if boxed { rig.neck - adornment::box_height(rig) - 40.0 } else { 0.0 };
    if boxed {
        adornment::box_behind(svg, rig);
    }
    let wraps = cat.expression == Expression::Concerned;
    svg.placed((0.0, lift.min(0.0)), (1.0, 1.0), 0.0, |svg| {
        if !wraps && !boxed {
            body::tail(svg, coat, rig, cat.expression, rim, &mut fur);
        }
        body::trunk(svg, coat, rig, rim, &mut fur);
        if wraps && !boxed {
            body::tail(svg, coat, rig, cat.expression, rim, &mut fur);
        }
        adornment::collar(svg, cat, coat, rig, seed);
    });
    if boxed {
        adornment::box_front(svg, coat, rig);
    } else {
        adornment::belongings(svg, cat, rig, seed);
    }
    svg.placed((0.0, rig.head_y() + lift.min(0.0)), (Rig::HEAD, Rig::HEAD), rig.tilt, |svg| {
        adornment::stray_hairs(svg, coat, rig, seed);
        face::head(svg, cat, coat, rig, rim, &mut fur);
        if cat.age == Age::Senior {
            adornment::glasses(svg, rig, seed);
        }
        adornment::plaster(svg, cat, rig);
    });
    adornment::upkeep(svg, cat, rig, seed);
}
