//! Colours, mixed in OKLCH: equal steps look equal there, so that one recipe shades every coat.

use palette::{FromColor, IntoColor, Oklab, Oklch, Srgb};

/// A colour with an opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// Lightness, 0 (black) to 1 (white).
    pub l: f64,
    /// Chroma, 0 (grey) to about 0.3.
    pub c: f64,
    /// Hue in degrees.
    pub h: f64,
    /// Opacity, 0 to 1.
    pub a: f64,
}

/// An opaque colour of lightness, chroma and hue.
#[must_use]
pub const fn tone(l: f64, c: f64, h: f64) -> Tone {
    Tone { l, c, h, a: 1.0 }
}

/// White as a highlight is painted.
pub const WHITE: Tone = tone(1.0, 0.0, 0.0);
/// The darkest ink: warm, never pure black.
pub const INK: Tone = tone(0.19, 0.025, 300.0);

impl Tone {
    /// Lighter by `by`.
    #[must_use]
    pub fn light(self, by: f64) -> Self {
        Self { l: (self.l + by).clamp(0.0, 1.0), ..self }
    }

    /// Darker by `by`; the chroma is kept, so that shadows stay warm.
    #[must_use]
    pub fn dark(self, by: f64) -> Self {
        self.light(-by)
    }

    /// The chroma multiplied.
    #[must_use]
    pub fn vivid(self, factor: f64) -> Self {
        Self { c: self.c * factor, ..self }
    }

    /// The hue turned by degrees.
    #[must_use]
    pub fn turn(self, degrees: f64) -> Self {
        Self { h: (self.h + degrees).rem_euclid(360.0), ..self }
    }

    /// The same colour with another opacity.
    #[must_use]
    pub const fn alpha(self, a: f64) -> Self {
        Self { a, ..self }
    }

    /// A mixture: 0 is this one, 1 the other. Mixed in Oklab, where no third hue lies between.
    #[must_use]
    pub fn mix(self, other: Self, share: f64) -> Self {
        let (a, b) = (Oklab::from_color(self.oklch()), Oklab::from_color(other.oklch()));
        let blend = |a: f64, b: f64| a + (b - a) * share;
        let mixed = Oklch::from_color(Oklab::new(blend(a.l, b.l), blend(a.a, b.a), blend(a.b, b.b)));
        Self { l: mixed.l, c: mixed.chroma, h: mixed.hue.into_positive_degrees(), a: blend(self.a, other.a) }
    }

    /// As `#rrggbb`. What sRGB cannot show loses chroma, not lightness or hue.
    #[must_use]
    pub fn hex(self) -> String {
        let mut chroma = self.c;
        loop {
            let srgb: Srgb<f64> = Oklch { chroma, ..self.oklch() }.into_color();
            let fits = [srgb.red, srgb.green, srgb.blue].iter().all(|v| (-0.002..=1.002).contains(v));
            if fits || chroma < 0.004 {
                let byte = |v: f64| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
                return format!("#{:02x}{:02x}{:02x}", byte(srgb.red), byte(srgb.green), byte(srgb.blue));
            }
            chroma *= 0.94;
        }
    }

    fn oklch(self) -> Oklch<f64> {
        Oklch::new(self.l, self.c, self.h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours() {
        assert_eq!(WHITE.hex(), "#ffffff");
        assert_eq!(tone(0.0, 0.0, 0.0).hex(), "#000000");
        assert_eq!(tone(0.627_96, 0.257_68, 29.234).hex(), "#ff0000");
    }

    #[test]
    fn a_mixture_of_halves_is_between() {
        let grey = WHITE.mix(tone(0.0, 0.0, 0.0), 0.5);
        assert!((grey.l - 0.5).abs() < 1e-9 && grey.c < 1e-6);
    }

    #[test]
    fn no_recipe_leaves_the_gamut() {
        for l in 0..=10 {
            for h in 0..36 {
                assert_eq!(tone(f64::from(l) / 10.0, 0.37, f64::from(h) * 10.0).hex().len(), 7);
            }
        }
    }
}
