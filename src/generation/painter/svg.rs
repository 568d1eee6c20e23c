//! Writes SVG text. Every number is rounded and every text escaped here, and nowhere else.

use std::fmt::Write as _;

use kurbo::{BezPath, PathEl, Point};

use super::palette::Tone;

/// What a shape is filled with.
#[derive(Debug, Clone, Copy)]
pub enum Paint {
    /// One colour.
    Flat(Tone),
    /// A gradient of this document.
    Gradient(u32),
}

impl From<Tone> for Paint {
    fn from(tone: Tone) -> Self {
        Self::Flat(tone)
    }
}

/// A document being written. Definitions and shapes grow side by side, so that a gradient can be made where it is used.
#[derive(Debug, Default)]
pub struct Svg {
    definitions: String,
    shapes: String,
    ids: u32,
}

/// Rounded to hundredths: small files, and the same bytes on every machine.
fn number(out: &mut String, value: f64) {
    let hundredths = (value * 100.0).round() as i64;
    if hundredths < 0 {
        out.push('-');
    }
    let (whole, part) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    let _ = match (part, part % 10) {
        (0, _) => write!(out, "{whole}"),
        (_, 0) => write!(out, "{whole}.{}", part / 10),
        _ => write!(out, "{whole}.{part:02}"),
    };
}

fn numbers<const N: usize>(values: [f64; N]) -> String {
    let mut out = String::new();
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        number(&mut out, value);
    }
    out
}

fn path_data(path: &BezPath) -> String {
    let mut out = String::new();
    let mut points = |command: char, points: &[Point]| {
        out.push(command);
        for (i, point) in points.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            number(&mut out, point.x);
            out.push(' ');
            number(&mut out, point.y);
        }
    };
    for element in path.elements() {
        match *element {
            PathEl::MoveTo(p) => points('M', &[p]),
            PathEl::LineTo(p) => points('L', &[p]),
            PathEl::QuadTo(a, p) => points('Q', &[a, p]),
            PathEl::CurveTo(a, b, p) => points('C', &[a, b, p]),
            PathEl::ClosePath => points('Z', &[]),
        }
    }
    out
}

/// Text as it may stand in an element or an attribute. Characters that XML forbids become spaces.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

impl Svg {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The document's text, `width` by `height` pixels.
    #[must_use]
    pub fn finish(self, width: u32, height: u32) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\"><defs>{}</defs>{}</svg>",
            self.definitions, self.shapes
        )
    }

    fn paint(&mut self, attribute: &str, paint: Paint) {
        let _ = match paint {
            Paint::Flat(tone) => write!(self.shapes, " {attribute}=\"{}\"", tone.hex()),
            Paint::Gradient(id) => write!(self.shapes, " {attribute}=\"url(#p{id})\""),
        };
        if let Paint::Flat(Tone { a, .. }) = paint
            && a < 1.0
        {
            let _ = write!(self.shapes, " {attribute}-opacity=\"{}\"", numbers([a]));
        }
    }

    /// A filled shape.
    pub fn fill(&mut self, path: &BezPath, paint: impl Into<Paint>) {
        let _ = write!(self.shapes, "<path d=\"{}\"", path_data(path));
        self.paint("fill", paint.into());
        self.shapes.push_str("/>");
    }

    /// A filled shape, where overlaps of the path with itself are holes.
    pub fn fill_holes(&mut self, path: &BezPath, paint: impl Into<Paint>) {
        let _ = write!(self.shapes, "<path fill-rule=\"evenodd\" d=\"{}\"", path_data(path));
        self.paint("fill", paint.into());
        self.shapes.push_str("/>");
    }

    /// A line with round caps and joins.
    pub fn stroke(&mut self, path: &BezPath, paint: impl Into<Paint>, width: f64) {
        let _ = write!(self.shapes, "<path fill=\"none\" d=\"{}\"", path_data(path));
        self.line(paint.into(), width);
        self.shapes.push_str("/>");
    }

    /// A filled shape with an outline.
    pub fn inked(&mut self, path: &BezPath, paint: impl Into<Paint>, ink: impl Into<Paint>, width: f64) {
        let _ = write!(self.shapes, "<path d=\"{}\"", path_data(path));
        self.paint("fill", paint.into());
        self.line(ink.into(), width);
        self.shapes.push_str("/>");
    }

    fn line(&mut self, paint: Paint, width: f64) {
        self.paint("stroke", paint);
        let _ = write!(
            self.shapes,
            " stroke-width=\"{}\" stroke-linecap=\"round\" stroke-linejoin=\"round\"",
            numbers([width])
        );
    }

    /// Text in the embedded font, its middle at `x` (or its start there), its base line at `y`.
    pub fn text(&mut self, text: &str, (x, y): (f64, f64), size: f64, tone: Tone, centred: bool) {
        let anchor = if centred { "middle" } else { "start" };
        let _ = write!(
            self.shapes,
            "<text x=\"{}\" y=\"{}\" font-family=\"Fredoka\" font-weight=\"700\" font-size=\"{}\" \
             text-anchor=\"{anchor}\"",
            numbers([x]),
            numbers([y]),
            numbers([size])
        );
        self.paint("fill", tone.into());
        let _ = write!(self.shapes, ">{}</text>", escape(text));
    }

    /// Caption text: white, with a black outline painted beneath the fill.
    pub fn outlined_text(&mut self, text: &str, (x, y): (f64, f64), size: f64, stroke: f64) {
        let _ = write!(
            self.shapes,
            "<text x=\"{}\" y=\"{}\" font-family=\"Fredoka\" font-weight=\"700\" font-size=\"{}\" \
             text-anchor=\"middle\" fill=\"#ffffff\" stroke=\"#000000\" stroke-width=\"{}\" \
             stroke-linejoin=\"round\" paint-order=\"stroke\">{}</text>",
            numbers([x]),
            numbers([y]),
            numbers([size]),
            numbers([stroke]),
            escape(text)
        );
    }

    /// What `draw` draws, moved to `x`, `y`, scaled by `sx`, `sy` and turned by `degrees`.
    pub fn placed(&mut self, (x, y): (f64, f64), (sx, sy): (f64, f64), degrees: f64, draw: impl FnOnce(&mut Self)) {
        let _ = write!(
            self.shapes,
            "<g transform=\"translate({}) rotate({}) scale({})\">",
            numbers([x, y]),
            numbers([degrees]),
            numbers([sx, sy])
        );
        draw(self);
        self.shapes.push_str("</g>");
    }

    /// What `draw` draws, cut to the inside of `outline`.
    pub fn clipped(&mut self, outline: &BezPath, draw: impl FnOnce(&mut Self)) {
        let id = self.id();
        let _ = write!(self.definitions, "<clipPath id=\"p{id}\"><path d=\"{}\"/></clipPath>", path_data(outline));
        let _ = write!(self.shapes, "<g clip-path=\"url(#p{id})\">");
        draw(self);
        self.shapes.push_str("</g>");
    }

    /// What `draw` draws, out of focus by `deviation` pixels.
    pub fn blurred(&mut self, deviation: f64, draw: impl FnOnce(&mut Self)) {
        let id = self.id();
        let _ = write!(
            self.definitions,
            "<filter id=\"p{id}\" x=\"-0.05\" y=\"-0.05\" width=\"1.1\" height=\"1.1\" color-interpolation-filters=\"sRGB\">\
             <feGaussianBlur stdDeviation=\"{}\"/></filter>",
            numbers([deviation])
        );
        let _ = write!(self.shapes, "<g filter=\"url(#p{id})\">");
        draw(self);
        self.shapes.push_str("</g>");
    }

    /// A gradient along a line; stops are offset and colour.
    pub fn linear(&mut self, from: (f64, f64), to: (f64, f64), stops: &[(f64, Tone)]) -> Paint {
        let id = self.id();
        let _ = write!(
            self.definitions,
            "<linearGradient id=\"p{id}\" gradientUnits=\"userSpaceOnUse\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\">",
            numbers([from.0]),
            numbers([from.1]),
            numbers([to.0]),
            numbers([to.1])
        );
        self.stops(stops);
        self.definitions.push_str("</linearGradient>");
        Paint::Gradient(id)
    }

    /// A gradient from a centre outwards, in an ellipse of radii `rx`, `ry`.
    pub fn radial(&mut self, (x, y): (f64, f64), (rx, ry): (f64, f64), stops: &[(f64, Tone)]) -> Paint {
        let id = self.id();
        let _ = write!(
            self.definitions,
            "<radialGradient id=\"p{id}\" gradientUnits=\"userSpaceOnUse\" cx=\"0\" cy=\"0\" r=\"1\" \
             gradientTransform=\"translate({}) scale({})\">",
            numbers([x, y]),
            numbers([rx, ry])
        );
        self.stops(stops);
        self.definitions.push_str("</radialGradient>");
        Paint::Gradient(id)
    }

    fn stops(&mut self, stops: &[(f64, Tone)]) {
        for (offset, tone) in stops {
            let _ = write!(
                self.definitions,
                "<stop offset=\"{}\" stop-color=\"{}\" stop-opacity=\"{}\"/>",
                numbers([*offset]),
                tone.hex(),
                numbers([tone.a])
            );
        }
    }

    fn id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(numbers([1.0, -0.5, 0.004, 2.346, -3.0, 1.05]), "1 -0.5 0 2.35 -3 1.05");
    }

    #[test]
    fn markup_in_text_stays_text() {
        assert_eq!(escape("a<b & \"c\" 'd'>\u{0}\u{1b}"), "a&lt;b &amp; &quot;c&quot; &apos;d&apos;&gt;  ");
        let mut svg = Svg::new();
        svg.text(
            "</text><image href=\"/etc/passwd\"/>",
            (0.0, 0.0),
            10.0,
            crate::generation::painter::palette::INK,
            true,
        );
        let text = svg.finish(10, 10);
        assert!(!text.contains("<image"));
        assert_eq!(text.matches("</text>").count(), 1);
    }
}
