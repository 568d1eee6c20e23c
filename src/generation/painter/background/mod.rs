//! What is around the cat: a wall, things out of focus, a floor, and one thing beside it that names the language.

mod creatures;
mod indoors;
mod motifs;
mod outdoors;
mod themes;
mod things;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::geometry::{ellipse, polygon, rounded};
use super::palette::{Tone, WHITE, tone};
use super::svg::Svg;
use crate::model::attributes::CatAttributes;
use crate::model::seed::Seed;

pub use motifs::star;
pub use themes::{LANGUAGES, Theme, theme_of};

/// The room for a picture.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// Width in pixels.
    pub w: f64,
    /// Height in pixels.
    pub h: f64,
    /// Where the wall meets the floor.
    pub horizon: f64,
    /// Pixels per unit of a motif.
    pub unit: f64,
}

impl Stage {
    /// The stage on a canvas of this size.
    #[must_use]
    pub fn new(w: f64, h: f64) -> Self {
        Self { w, h, horizon: h * 0.745, unit: (h / 448.0).min(w / 560.0) }
    }

    /// Spreads `count` things over the wall to both sides of the cat, larger towards the edges.
    pub fn scatter(
        &self,
        svg: &mut Svg,
        rng: &mut ChaCha8Rng,
        count: u32,
        mut draw: impl FnMut(&mut Svg, &mut ChaCha8Rng, u32),
    ) {
        let per_side = f64::from(count.div_ceil(2));
        for i in 0..count {
            let side = if i % 2 == 0 { -1.0 } else { 1.0 };
            let row = f64::from(i / 2);
            let out = if (i / 2) % 2 == 0 { rng.random_range(0.34..0.47) } else { rng.random_range(0.20..0.32) };
            let x = self.w * (0.5 + side * out);
            let y = self.horizon * (0.08 + 0.84 * (row + rng.random_range(0.25..0.75)) / per_side);
            let scale = self.unit * rng.random_range(0.75..1.2);
            let lean = rng.random_range(-18.0..18.0);
            svg.placed((x, y), (scale, scale), lean, |svg| draw(svg, rng, i));
        }
    }
}

/// Paints everything behind the cat. `side` is where its tail is; the language's own thing stands on the other.
pub fn paint(svg: &mut Svg, cat: &CatAttributes, theme: &Theme, stage: &Stage, seed: &Seed, side: f64) {
    let (w, h, horizon, unit) = (stage.w, stage.h, stage.horizon, stage.unit);
    let mut rng = seed.rng("background");
    let turn = rng.random_range(-7.0..7.0);
    let (wall, floor) = (theme.wall.turn(turn), theme.floor.turn(turn));
    let paper = svg.linear((0.0, 0.0), (0.0, horizon), &[(0.0, wall.dark(0.05)), (1.0, wall.light(0.045))]);
    svg.fill(&rounded((0.0, 0.0), w, horizon + 2.0, 0.0), paper);
    svg.blurred(2.1 * unit, |svg| (theme.backdrop)(svg, stage, &mut rng));
    // Air between the wall and the cat; the better the cat, the brighter its light.
    let score = cat.beauty_score.unwrap_or(6.0) / 10.0;
    let air = svg.radial(
        (w * 0.5, h * 0.46),
        (w * 0.46, h * 0.62),
        &[
            (0.0, theme.light.alpha(0.42 + 0.38 * score)),
            (0.55, theme.light.alpha(0.18 + 0.2 * score)),
            (1.0, theme.light.alpha(0.0)),
        ],
    );
    svg.fill(&rounded((0.0, 0.0), w, horizon, 0.0), air);
    let boards =
        svg.linear((0.0, horizon), (0.0, h), &[(0.0, floor.dark(0.07)), (0.12, floor), (1.0, floor.light(0.05))]);
    svg.fill(&rounded((0.0, horizon), w, h - horizon, 0.0), boards);
    svg.fill(&rounded((0.0, horizon), w, 3.0 * unit, 0.0), floor.dark(0.16).alpha(0.7));
    let pool = svg.radial(
        (w * 0.5, h * 0.9),
        (w * 0.42, h * 0.17),
        &[(0.0, theme.light.alpha(0.5)), (1.0, theme.light.alpha(0.0))],
    );
    svg.fill(&rounded((0.0, horizon), w, h - horizon, 0.0), pool);
    // The corners fall off.
    let edge = tone(0.2, 0.05, wall.h);
    let vignette = svg.radial(
        (w * 0.5, h * 0.5),
        (w * 0.74, h * 0.80),
        &[(0.0, edge.alpha(0.0)), (0.62, edge.alpha(0.0)), (1.0, edge.alpha(0.34))],
    );
    svg.fill(&rounded((0.0, 0.0), w, h, 0.0), vignette);
    let x = w * 0.5 - side * (w * 0.345 + 4.0 * unit);
    shadow(svg, (x, h * 0.906), 66.0 * unit, theme.floor);
    let k = unit * 1.08;
    svg.placed((x, h * 0.905), (k, k), 0.0, |svg| (theme.hero)(svg));
}

/// The shadow of something that stands on the floor.
pub fn shadow(svg: &mut Svg, at: (f64, f64), half: f64, floor: Tone) {
    let dark = floor.dark(0.42).vivid(0.8);
    let soft = svg.radial(
        at,
        (half * 1.25, half * 0.24),
        &[(0.0, dark.alpha(0.75)), (0.55, dark.alpha(0.5)), (1.0, dark.alpha(0.0))],
    );
    svg.fill(&ellipse(at, half * 1.25, half * 0.24), soft);
}

/// Panes of a window that look on the sky.
pub fn window(svg: &mut Svg, (x, y): (f64, f64), (w, h): (f64, f64), frame: Tone, sky: Tone) {
    let blue = svg.linear((x, y), (x, y + h), &[(0.0, sky), (1.0, sky.light(0.14))]);
    svg.fill(&rounded((x, y), w, h, 4.0), blue);
    svg.fill(
        &polygon(&[(x + w * 0.1, y + h), (x + w * 0.5, y), (x + w * 0.7, y), (x + w * 0.3, y + h)]),
        WHITE.alpha(0.22),
    );
    let bar = (w * 0.055).max(5.0);
    svg.stroke(&rounded((x, y), w, h, 4.0), frame, bar * 1.4);
    svg.fill(&rounded((x + w / 2.0 - bar / 2.0, y), bar, h, 0.0), frame);
    svg.fill(&rounded((x, y + h / 2.0 - bar / 2.0), w, bar, 0.0), frame);
}
