//! The painter: attributes and a seed in, a PNG out.

mod adornment;
mod background;
mod badge;
mod body;
mod breeds;
mod caption;
mod coat;
mod face;
mod geometry;
mod markings;
mod palette;
mod render;
mod rig;
mod sheet;
mod svg;
mod thumbnail;

use crate::model::attributes::{Age, CatAttributes};
use crate::model::failure::Result;
use crate::model::picture::Canvas;
use crate::model::seed::Seed;

use coat::Coat;
use palette::Tone;
use rig::Rig;
use svg::Svg;

/// Paints the cat as a PNG of the canvas's size, without a caption.
pub fn paint(sitter: &CatAttributes, seed: &Seed, canvas: Canvas) -> Result<Vec<u8>> {
    render::png(&svg(sitter, seed, canvas), canvas.width, canvas.height)
}

/// Writes two lines of text on a picture, above and below: upper case, white with a black outline, as large as fits.
/// What the font has no glyph for is replaced or left out; an empty line is no line.
pub fn caption(png: &[u8], top: &str, bottom: &str) -> Result<Vec<u8>> {
    let mut pixels = render::decode(png)?;
    let text = caption::svg(pixels.width(), pixels.height(), top, bottom)?;
    render::draw(&render::parse(&text)?, &mut pixels);
    render::encode(&pixels)
}

/// A picture of that width in the same proportions; none where it is not smaller than the picture is.
pub fn shrunk(png: &[u8], width: u32) -> Result<Option<Vec<u8>>> {
    let pixels = render::decode(png)?;
    if width == 0 || width >= pixels.width() {
        return Ok(None);
    }
    render::encode(&thumbnail::of(&pixels, width)?).map(Some)
}

/// A small flat sign of two fields, as PNG: what it is, and how it is. A better `score`, 0 to 10, is greener.
pub fn badge(what: &str, how: &str, score: Option<f64>) -> Result<Vec<u8>> {
    badge::png(what, how, score)
}

/// All variants on one sheet, labelled, as PNG: breeds by moods, ages, sizes, colours, languages.
pub fn contact_sheet() -> Result<Vec<u8>> {
    sheet::png()
}

/// The picture as SVG text.
#[must_use]
pub fn svg(sitter: &CatAttributes, seed: &Seed, canvas: Canvas) -> String {
    let mut svg = Svg::new();
    let (w, h) = (f64::from(canvas.width), f64::from(canvas.height));
    let rig = Rig::of(sitter, seed);
    let coat = Coat::of(sitter, seed);
    let theme = background::theme_of(sitter);
    background::paint(&mut svg, sitter, &theme, &background::Stage::new(w, h), seed, rig.side);
    let k = (h / 448.0).min(w / 560.0) * rig.scale;
    // What is small sits further back, clear of the caption.
    let ground = h * (0.948 - 0.07 * (1.0 + rig.top() * rig.scale / 398.0));
    let ground = if sitter.beauty_score.is_none() { ground - h * 0.035 } else { ground };
    background::shadow(&mut svg, (w * 0.5, ground), rig.hip * k, theme.floor);
    svg.placed((w * 0.5, ground), (k, k), 0.0, |svg| {
        cat_at_origin(svg, sitter, &coat, &rig, theme.light, w / 2.0 / k, seed);
    });
    svg.finish(canvas.width, canvas.height)
}

/// The cat on the origin, from the far side to the near one; to either side there is room as `wide`.
fn cat_at_origin(svg: &mut Svg, sitter: &CatAttributes, coat: &Coat, rig: &Rig, rim: Tone, wide: f64, seed: &Seed) {
    let mut fur = seed.rng("fur");
    let boxed = sitter.beauty_score.is_none();
    // In a box it stands on its toes, so that its face is seen.
    let lift = if boxed { rig.neck - adornment::box_height(rig) - 40.0 } else { 0.0 };
    if boxed {
        adornment::box_behind(svg, rig);
    }
    svg.placed((0.0, lift.min(0.0)), (1.0, 1.0), 0.0, |svg| {
        if !boxed {
            body::tail(svg, coat, rig, sitter.expression, rim, &mut fur);
        }
        body::trunk(svg, coat, rig, rim, &mut fur);
        adornment::collar(svg, sitter, coat, rig, seed);
    });
    if boxed {
        adornment::box_front(svg, coat, rig);
    } else {
        adornment::belongings(svg, sitter, rig, wide, seed);
    }
    svg.placed((0.0, rig.head_y() + lift.min(0.0)), (Rig::HEAD, Rig::HEAD), rig.tilt, |svg| {
        adornment::stray_hairs(svg, coat, rig, seed);
        face::head(svg, sitter, coat, rig, rim, &mut fur);
        if sitter.age == Age::Senior {
            adornment::glasses(svg, rig, seed);
        }
        adornment::plaster(svg, sitter, rig);
    });
    adornment::upkeep(svg, sitter, rig, seed);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use resvg::tiny_skia::Transform;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::model::attributes::{Breed, Color, Expression, Size};
    use crate::model::habitat;
    use crate::model::wish::from_json;

    fn cat(json: &str) -> CatAttributes {
        from_json(json).unwrap()
    }

    fn seed() -> Seed {
        Seed::of("https://github.com/cats/paws", "0123")
    }

    /// A small rendering: enough to tell cats apart, quick without optimisation.
    fn thumbnail(cat: &CatAttributes) -> Vec<u8> {
        let tree = render::parse(&svg(cat, &seed(), Canvas::WIDE)).unwrap();
        let mut pixels = render::pixmap(96, 56).unwrap();
        resvg::render(&tree, Transform::from_scale(0.125, 0.125), &mut pixels.as_mut());
        pixels.data().to_vec()
    }

    /// Mean difference of two pictures' channels, 0 to 255.
    fn distance(a: &[u8], b: &[u8]) -> f64 {
        let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        sum / a.len() as f64
    }

    fn all_differ(cats: &[CatAttributes], least: f64) {
        let drawn: Vec<Vec<u8>> = cats.iter().map(thumbnail).collect();
        for (i, a) in drawn.iter().enumerate() {
            for (j, b) in drawn.iter().enumerate().take(i) {
                let apart = distance(a, b);
                assert!(apart > least, "{:?} and {:?} are only {apart:.2} apart", cats[i], cats[j]);
            }
        }
    }

    #[test]
    fn breeds_differ_even_in_one_colour() {
        let cats: Vec<_> =
            Breed::ALL.iter().map(|&breed| CatAttributes { breed, ..cat(r#"{"color":"gray"}"#) }).collect();
        all_differ(&cats, 1.5);
    }

    #[test]
    fn moods_ages_and_sizes_differ() {
        let plain = cat(r#"{"breed":"tabby"}"#);
        let moods: Vec<_> =
            Expression::ALL.iter().map(|&expression| CatAttributes { expression, ..plain.clone() }).collect();
        all_differ(&moods, 0.8);
        let ages: Vec<_> = Age::ALL.iter().map(|&age| CatAttributes { age, ..plain.clone() }).collect();
        all_differ(&ages, 1.0);
        let sizes: Vec<_> = Size::ALL.iter().map(|&size| CatAttributes { size, ..plain.clone() }).collect();
        all_differ(&sizes, 1.5);
    }

    #[test]
    fn scores_show() {
        let cats: Vec<_> = [Some(0.5), Some(9.5), None]
            .iter()
            .map(|&beauty_score| CatAttributes { beauty_score, ..cat("{}") })
            .collect();
        all_differ(&cats, 1.0);
    }

    #[test]
    fn every_combination_is_drawn_and_a_sample_of_them_is_valid() {
        let languages: Vec<Option<String>> =
            habitat::HABITATS.iter().map(|habitat| Some(habitat.language.to_owned())).chain([None]).collect();
        let mut count = 0;
        for &breed in Breed::ALL {
            for &size in Size::ALL {
                for &age in Age::ALL {
                    for &expression in Expression::ALL {
                        for &color in Color::ALL {
                            count += 1;
                            // A stride that is prime to every list's length visits all values of each.
                            if count % 37 != 0 {
                                continue;
                            }
                            let language = languages[count / 37 % languages.len()].clone();
                            let beauty_score = [None, Some(0.0), Some(4.4), Some(10.0)][count / 37 % 4];
                            let cat = CatAttributes {
                                size,
                                age,
                                breed,
                                color,
                                beauty_score,
                                expression,
                                background: String::new(),
                                language,
                            };
                            let canvas = if count % 2 == 0 { Canvas::WIDE } else { Canvas::SQUARE };
                            let text = svg(&cat, &seed(), canvas);
                            assert!(!text.contains("NaN") && !text.contains("inf"), "{cat:?}");
                            let tree = render::parse(&text).unwrap();
                            assert!(tree.root().has_children());
                        }
                    }
                }
            }
        }
        assert_eq!(count, 8 * 4 * 4 * 4 * 12);
    }

    #[test]
    fn the_same_cat_is_the_same_bytes() {
        let tabby = cat(r#"{"breed":"tabby","language":"Python"}"#);
        assert_eq!(svg(&tabby, &seed(), Canvas::WIDE), svg(&tabby, &seed(), Canvas::WIDE));
        let other = Seed::of("https://github.com/cats/claws", "0123");
        assert_ne!(svg(&tabby, &seed(), Canvas::WIDE), svg(&tabby, &other, Canvas::WIDE));
        let hash = Sha256::digest(svg(&tabby, &seed(), Canvas::WIDE));
        let hash = u64::from_be_bytes(*hash.first_chunk().unwrap());
        // When the drawing is changed on purpose, `Seed::STYLE_VERSION` is to be thought of.
        assert_eq!(format!("{hash:016x}"), "70ebb1676826fc37");
    }

    #[test]
    fn pictures_have_the_size_of_the_canvas_and_are_small() {
        let rust = cat(r#"{"language":"Rust","color":"tortoiseshell"}"#);
        for canvas in [Canvas::WIDE, Canvas::SQUARE] {
            let png = paint(&rust, &seed(), canvas).unwrap();
            assert_eq!(png, paint(&rust, &seed(), canvas).unwrap());
            let pixels = render::decode(&png).unwrap();
            assert_eq!((pixels.width(), pixels.height()), (canvas.width, canvas.height));
            assert!(pixels.pixels().iter().all(|p| p.alpha() == 255), "nothing shows through");
            let most = if canvas == Canvas::WIDE { 400_000 } else { 900_000 };
            assert!(png.len() < most, "{} bytes", png.len());
        }
    }

    #[test]
    fn captions_change_only_their_bands() {
        let png = paint(&cat("{}"), &seed(), Canvas::WIDE).unwrap();
        let done = caption(&png, "looks good to me", "it was not \u{1f63f}").unwrap();
        assert_eq!(
            caption(&png, "", " \u{1f63a} ").map(|same| render::decode(&same).unwrap()).unwrap(),
            render::decode(&png).unwrap()
        );
        let (before, after) = (render::decode(&png).unwrap(), render::decode(&done).unwrap());
        let rows: BTreeSet<usize> = before
            .pixels()
            .iter()
            .zip(after.pixels())
            .enumerate()
            .filter(|(_, (a, b))| a != b)
            .map(|(i, _)| i / 768)
            .collect();
        assert!(rows.iter().all(|row| (8..112).contains(row) || (336..440).contains(row)), "{rows:?}");
        assert!(rows.contains(&40) && rows.contains(&420));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(caption(b"GIF89a", "A", "B").is_err());
    }

    #[test]
    fn every_language_with_a_habitat_has_a_theme() {
        for habitat in habitat::HABITATS {
            let themed = background::LANGUAGES.contains(&habitat.language);
            assert_eq!(themed, habitat.background != habitat::ELSEWHERE, "{}", habitat.language);
            let spoken = CatAttributes { language: Some(habitat.language.to_owned()), ..cat("{}") };
            let described = CatAttributes { background: habitat.background.to_owned(), ..cat("{}") };
            let same = svg(&spoken, &seed(), Canvas::WIDE) == svg(&described, &seed(), Canvas::WIDE);
            // A bow tie is for the language only.
            assert!(same || habitat.language == "TypeScript", "{}", habitat.language);
        }
    }
}
