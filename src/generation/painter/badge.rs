//! The badge: a small sign of two fields for the READMEs that have no room for a cat.

use kurbo::{BezPath, Rect, Shape};

use super::caption::width;
use super::palette::{INK, Tone, WHITE, tone};
use super::render;
use super::svg::Svg;
use crate::model::failure::Result;

const HEIGHT: f64 = 28.0;
const LETTERS: f64 = 15.0;
const PADDING: f64 = 10.0;
/// Where the letters stand.
const BASE: f64 = 19.5;

/// The badge as PNG. The fields are plain words of ours.
pub fn png(what: &str, how: &str, score: Option<f64>) -> Result<Vec<u8>> {
    let field = |text: &str| (width(text) * LETTERS + 2.0 * PADDING).ceil();
    let (left, right) = (field(what), field(how));
    let mut svg = Svg::new();
    svg.fill(&rectangle(0.0, left), INK.light(0.14));
    svg.fill(&rectangle(left, left + right), ground(score));
    svg.text(what, (left / 2.0, BASE), LETTERS, WHITE, true);
    svg.text(how, (left + right / 2.0, BASE), LETTERS, WHITE, true);
    let (width, height) = ((left + right) as u32, HEIGHT as u32);
    render::png(&svg.finish(width, height), width, height)
}

fn rectangle(from: f64, to: f64) -> BezPath {
    Rect::new(from, 0.0, to, HEIGHT).to_path(0.1)
}

/// From red through amber to green; grey where nobody can tell. Dark enough for white letters.
fn ground(score: Option<f64>) -> Tone {
    score
        .filter(|score| !score.is_nan())
        .map_or(tone(0.5, 0.0, 0.0), |score| tone(0.5, 0.11, 25.0 + 120.0 * score.clamp(0.0, 10.0) / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_is_as_wide_as_its_words() {
        let size = |how: &str| {
            let pixels = render::decode(&png("cat", how, Some(8.2)).unwrap()).unwrap();
            assert!(pixels.pixels().iter().all(|pixel| pixel.alpha() == 255), "nothing shows through");
            (pixels.width(), pixels.height())
        };
        let (short, long) = (size("tabby 8.2"), size("domestic shorthair 10.0"));
        assert!(short.0 > 60 && short.0 < long.0 && long.0 < 320, "{short:?} {long:?}");
        assert_eq!((short.1, long.1), (28, 28));
    }

    #[test]
    fn scores_are_told_apart_by_colour() {
        let badge = |score| png("cat", "tabby", score).unwrap();
        assert!(badge(Some(1.0)) != badge(Some(9.0)) && badge(None) != badge(Some(5.0)));
        assert_eq!(badge(None), badge(Some(f64::NAN)));
    }
}
