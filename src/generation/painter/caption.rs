//! The words on the picture: upper case, white with a black outline, wrapped and fitted.

use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use super::render::{self, FONT};
use super::svg::Svg;
use crate::model::failure::Result;

/// Letters beyond this are cut: columns hold 100, and no caption reads well that is longer.
const MOST_LETTERS: usize = 140;
/// The least distance of a letter's outline from the picture's edge, as a share of the picture's shorter side.
pub const MARGIN: f64 = 0.02;
/// How high a caption may be, as a share of the picture's height: above it are ears, below it paws.
const MOST_HEIGHT: f64 = 0.21;
/// Height of a line as a multiple of the letters' size. Capitals only: nothing hangs below the line.
const LINE: f64 = 0.92;
/// Height of capitals, and room for accents above them, as multiples of the letters' size.
const CAPITAL: f64 = 0.70;
/// Thickness of the outline (both sides together) as a multiple of the letters' size.
const OUTLINE: f64 = 0.17;

static FACE: LazyLock<FontRef<'static>> = LazyLock::new(|| FontRef::new(FONT).expect("the embedded font is valid"));

/// Width of a text as a multiple of the letters' size, without kerning, which only makes it narrower.
pub fn width(text: &str) -> f64 {
    let letters = FACE.charmap();
    let metrics = FACE.glyph_metrics(Size::new(1.0), LocationRef::default());
    text.chars().map(|c| letters.map(c).and_then(|glyph| metrics.advance_width(glyph)).map_or(0.6, f64::from)).sum()
}

/// What the font can show of a text, in capitals, its white space narrowed. What it cannot show is put in other
/// letters where there are some and left out otherwise: no empty boxes.
#[must_use]
pub fn presentable(text: &str) -> String {
    let letters = FACE.charmap();
    let mut out = String::new();
    for c in text.chars().take(MOST_LETTERS * 8).flat_map(char::to_uppercase) {
        let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
        if c == ' ' {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else if letters.map(c).is_some_and(|glyph| glyph.to_u32() != 0) && !is_mark_or_format(c) {
            out.push(c);
        } else {
            out.push_str(substitute(c));
        }
    }
    let mut short: String = out.trim_end().chars().take(MOST_LETTERS).collect();
    if out.trim_end().chars().count() > MOST_LETTERS {
        short = format!("{}...", short.trim_end());
    }
    short
}

/// Marks and invisible characters, which would steer the layout or stack up without end.
fn is_mark_or_format(c: char) -> bool {
    matches!(u32::from(c),
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x5bf..=0x5c7 | 0xad | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0x20d0..=0x20ff | 0xfe00..=0xfe2f | 0xfeff)
}

fn substitute(c: char) -> &'static str {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{2032}' | '`' => "'",
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2033}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\u{2190}' => "<-",
        '\u{2192}' => "->",
        '\u{d7}' => "X",
        '\u{2605}' | '\u{2b50}' => "*",
        '\u{3bb}' | '\u{39b}' => "LAMBDA",
        _ => "",
    }
}

/// Lines no wider than `most` (a multiple of the letters' size). A word that is wider alone is broken.
#[must_use]
pub fn wrap(text: &str, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut current = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let joined = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
        if width(&joined) <= most {
            current = joined;
            continue;
        }
        if !current.is_empty() {
            lines.push(std::mem::take(&mut current));
        }
        for c in word.chars() {
            current.push(c);
            if width(&current) > most && current.chars().count() > 1 {
                current.pop();
                lines.push(std::mem::take(&mut current));
                current.push(c);
            }
        }
    }
    if !current.is_empty() {
        lines.push(current);
    }
    lines
}

/// Size of the letters, and the lines: the largest at which all lines fit `room` (width, height), in lines of like
/// length.
fn fit(text: &str, room: (f64, f64), largest: f64) -> (f64, Vec<String>) {
    let widest_word = text.split(' ').map(width).fold(0.0, f64::max);
    let smallest = largest * 0.30;
    let mut size = largest;
    loop {
        let most = room.0 / size - OUTLINE;
        let lines = wrap(text, most);
        let height = size * (CAPITAL + OUTLINE + LINE * (lines.len() as f64 - 1.0));
        // Rather smaller letters than a broken word.
        let whole = widest_word <= most || size < largest * 0.45;
        if (height <= room.1 && whole) || size <= smallest {
            return (size, balance(text, most, lines));
        }
        size *= 0.96;
    }
}

/// The same number of lines, as narrow as that allows.
fn balance(text: &str, most: f64, lines: Vec<String>) -> Vec<String> {
    let widest_word = text.split(' ').map(width).fold(0.0, f64::max);
    let (mut low, mut high) = (most / lines.len().max(1) as f64, most);
    for _ in 0..10 {
        let middle = low.midpoint(high);
        let fits = widest_word <= middle && wrap(text, middle).len() <= lines.len();
        if fits { high = middle } else { low = middle }
    }
    if high < most { wrap(text, high) } else { lines }
}

/// The SVG of both captions on a picture of this size. Nothing is drawn nearer to an edge than the margin.
pub fn svg(width_px: u32, height_px: u32, top: &str, bottom: &str) -> Result<String> {
    let mut largest = f64::from(height_px.min(width_px)) * 0.118;
    loop {
        let text = layout(width_px, height_px, top, bottom, largest);
        let tree = render::parse(&text)?;
        let ink = tree.root().abs_stroke_bounding_box();
        let margin = (f64::from(width_px.min(height_px)) * MARGIN) as f32;
        let inside = ink.left() >= margin
            && ink.top() >= margin
            && ink.right() <= width_px as f32 - margin
            && ink.bottom() <= height_px as f32 - margin;
        if inside || !tree.root().has_children() || largest < 2.0 {
            return Ok(text);
        }
        largest *= 0.94;
    }
}

fn layout(width_px: u32, height_px: u32, top: &str, bottom: &str, largest: f64) -> String {
    let (w, h) = (f64::from(width_px), f64::from(height_px));
    let margin = w.min(h) * MARGIN * 1.25;
    let room = (w - 2.0 * margin, h * MOST_HEIGHT);
    let mut svg = Svg::new();
    for (text, at_top) in [(presentable(top), true), (presentable(bottom), false)] {
        if text.is_empty() {
            continue;
        }
        let (size, lines) = fit(&text, room, largest);
        let outline = size * OUTLINE;
        let first = if at_top {
            margin + outline / 2.0 + size * CAPITAL
        } else {
            h - margin - outline / 2.0 - size * LINE * (lines.len() as f64 - 1.0)
        };
        for (i, line) in lines.iter().enumerate() {
            svg.outlined_text(line, (w / 2.0, first + size * LINE * i as f64), size, outline);
        }
    }
    svg.finish(width_px, height_px)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_lines_stay_whole_and_large() {
        let (size, lines) = fit("MY CODE WORKS", (740.0, 94.0), 52.0);
        assert!(size > 51.0);
        assert_eq!(lines, ["MY CODE WORKS"]);
    }

    #[test]
    fn long_lines_are_balanced() {
        let text = "WHEN THE LINTER SAYS NOTHING BUT YOU CAN STILL FEEL IT JUDGING EVERY LINE OF YOUR CODE TODAY";
        let (_, lines) = fit(text, (740.0, 94.0), 52.0);
        assert_eq!(lines.join(" "), text);
        assert!(lines.len() > 1);
        let widths: Vec<f64> = lines.iter().map(|line| width(line)).collect();
        assert!(widths.iter().all(|w| *w > widths[0] * 0.6), "{lines:?}");
    }

    #[test]
    fn what_the_font_lacks_is_replaced_or_dropped() {
        assert_eq!(presentable("it\u{2032}s  fine \u{1f63a}\u{2192}\n\u{4f60}\u{597d} ok"), "IT'S FINE -> OK");
        assert_eq!(presentable("stra\u{df}e caf\u{e9}"), "STRASSE CAF\u{c9}");
        assert_eq!(presentable("\u{1f63a}\u{0}\u{1b}"), "");
        assert_eq!(presentable("a\u{202e}b\u{300}\u{300}\u{300}c"), "ABC");
    }

    #[test]
    fn an_endless_text_is_cut() {
        let text = presentable(&"word ".repeat(2000));
        assert!(text.chars().count() <= MOST_LETTERS + 3 && text.ends_with("..."));
    }

    /// A row of texts that do their worst: markup, no spaces, right to left, emoji, marks, control characters.
    #[test]
    fn hostile_texts_stay_inside_the_margin() {
        let long = "W".repeat(10_000);
        let hebrew = "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5e2}\u{5d5}\u{5dc}\u{5dd} ".repeat(9);
        let marks = format!("Z{}", "\u{301}\u{489}".repeat(200));
        for text in [
            "</text><svg onload=\"x\">&amp;]]>",
            &long,
            &hebrew,
            &marks,
            "\u{1f63a}\u{1f680}",
            "\u{0}\u{1b}[31m\r\n\t",
            "\u{c5}\u{c9}\u{d6}Q@j,;",
        ] {
            for (w, h) in [(768, 448), (1024, 1024)] {
                let drawn = svg(w, h, text, text).unwrap();
                let tree = render::parse(&drawn).unwrap();
                if !tree.root().has_children() {
                    continue;
                }
                let ink = tree.root().abs_stroke_bounding_box();
                let margin = f64::from(w.min(h)) * MARGIN;
                let inside = f64::from(ink.left()) >= margin
                    && f64::from(ink.right()) <= f64::from(w) - margin
                    && f64::from(ink.top()) >= margin
                    && f64::from(ink.bottom()) <= f64::from(h) - margin;
                assert!(inside, "{ink:?} for {text:.40}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn wrapping_keeps_every_letter_and_no_line_is_too_wide(text in "[A-Z]{1,30}( [A-Z]{1,12}){0,12}", most in 2.0..20.0f64) {
            let lines = wrap(&text, most);
            prop_assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
            for line in &lines {
                prop_assert!(width(line) <= most || line.chars().count() == 1);
            }
        }

        #[test]
        fn whatever_is_asked_can_be_presented(text in any::<String>()) {
            let shown = presentable(&text);
            let letters = FACE.charmap();
            prop_assert!(shown.chars().all(|c| letters.map(c).is_some()));
            prop_assert!(!shown.contains("  "));
        }
    }
}
