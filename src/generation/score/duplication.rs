//! Copies: windows of tokens that occur more than once, and functions that are copies of each other.
//!
//! Only code inside functions counts, and each outermost function is a sequence of its own, so that the order of
//! functions and files does not matter. A name is coded by the distance to its last occurrence, so that renaming
//! does not matter either; literals count with their text, so that tables of values are no copies.

use std::ops::Range;

/// Tokens in a window.
pub const WINDOW: usize = 50;
/// How far back the last occurrence of a name is looked for, in tokens.
const LOOK_BACK: usize = 24;
/// Sampled windows of one repository to aim for: bounds memory, and the sample is large enough for a ratio.
const SAMPLES: u64 = 1 << 20;
/// Base of the rolling hash; odd and large.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// A token inside a function.
#[derive(Debug, Clone, Copy)]
struct Token {
    /// Of its kind and text.
    verbatim: u64,
    /// Of its kind, and its text if it is a literal.
    class: u64,
    /// Names: tokens since the name's last occurrence; 0: none within reach.
    distance: u8,
}

impl Token {
    /// The code of this token in a sequence in which `before` tokens precede it.
    fn code(self, before: usize) -> u64 {
        let distance = if usize::from(self.distance) > before { 0 } else { self.distance };
        self.class ^ mix(u64::from(distance))
    }
}

/// The tokens of one outermost function.
#[derive(Debug, Default)]
pub struct Tokens(Vec<Token>);

impl Tokens {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a name.
    pub fn push_name(&mut self, kind: u16, text: &[u8]) {
        let verbatim = hash(kind, text);
        let last = self.0.iter().rev().take(LOOK_BACK).position(|token| token.verbatim == verbatim);
        let distance = last.map_or(0, |last| last as u8 + 1);
        self.0.push(Token { verbatim, class: hash(kind, b""), distance });
    }

    /// Adds anything else.
    pub fn push(&mut self, kind: u16, text: &[u8]) {
        let hash = hash(kind, text);
        self.0.push(Token { verbatim: hash, class: hash, distance: 0 });
    }

    /// What two functions have in common if one is a copy of the other: for a short one token by token, for others
    /// names may differ.
    #[must_use]
    pub fn shape(&self, range: Range<usize>) -> u64 {
        let tokens = &self.0[range];
        let fold = |sum: u64, code: u64| sum.wrapping_mul(BASE).wrapping_add(mix(code));
        if tokens.len() < WINDOW {
            tokens.iter().fold(0, |sum, token| fold(sum, token.verbatim))
        } else {
            tokens.iter().enumerate().fold(1, |sum, (before, token)| fold(sum, token.code(before)))
        }
    }

    /// Appends the hashes of the windows that belong to the sample: one in `1 << shift`, chosen by the hash itself.
    pub fn windows(&self, shift: u8, into: &mut Vec<u64>) {
        let leaving = (0..WINDOW).fold(1_u64, |power, _| power.wrapping_mul(BASE));
        let mask = (1_u64 << shift) - 1;
        let mut rolling = 0_u64;
        for (index, token) in self.0.iter().enumerate() {
            rolling = rolling.wrapping_mul(BASE).wrapping_add(token.code(index));
            if index >= WINDOW {
                let gone = index - WINDOW;
                rolling = rolling.wrapping_sub(self.0[gone].code(gone).wrapping_mul(leaving));
            }
            if index + 1 >= WINDOW {
                let window = mix(rolling);
                if window & mask == 0 {
                    into.push(window);
                }
            }
        }
    }
}

/// How thin to sample so that code of so many bytes gives about a million windows.
#[must_use]
pub fn sample_shift(bytes: u64) -> u8 {
    // A token has some 4 bytes with the white space around it.
    (0..32).find(|shift| (bytes / 4) >> shift <= SAMPLES).unwrap_or(32)
}

/// Share of windows that occur more than once, 0 to 1.
#[must_use]
pub fn ratio(mut windows: Vec<u64>) -> f64 {
    windows.sort_unstable();
    let copies: usize = windows.chunk_by(|a, b| a == b).map(<[u64]>::len).filter(|&count| count > 1).sum();
    if windows.is_empty() { 0.0 } else { copies as f64 / windows.len() as f64 }
}

fn hash(kind: u16, text: &[u8]) -> u64 {
    let mut sum = u64::from(kind).wrapping_add(1).wrapping_mul(BASE);
    for chunk in text.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = (sum.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(BASE);
    }
    mix(sum ^ text.len() as u64)
}

/// Spreads every bit over all others (the finaliser of `MurmurHash3`).
fn mix(mut value: u64) -> u64 {
    value ^= value >> 33;
    value = value.wrapping_mul(0xff51_afd7_ed55_8ccd);
    value ^= value >> 33;
    value = value.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(words: &[&str]) -> Tokens {
        let mut tokens = Tokens::default();
        for word in words {
            if word.starts_with(char::is_alphabetic) {
                tokens.push_name(1, word.as_bytes());
            } else {
                tokens.push(2, word.as_bytes());
            }
        }
        tokens
    }

    fn body(names: [&'static str; 3], number: &'static str) -> Vec<&'static str> {
        let [a, b, c] = names;
        [a, "=", b, "+", number, ";", c, "(", a, ")", ";"].repeat(6)
    }

    #[test]
    fn renaming_leaves_windows_and_shape() {
        let one = tokens(&body(["x", "y", "print"], "1"));
        let two = tokens(&body(["count", "rest", "show"], "1"));
        let (mut a, mut b) = (Vec::new(), Vec::new());
        one.windows(0, &mut a);
        two.windows(0, &mut b);
        assert_eq!(a.len(), one.len() - WINDOW + 1);
        assert_eq!(a, b);
        assert_eq!(one.shape(0..one.len()), two.shape(0..two.len()));
    }

    #[test]
    fn other_literals_and_other_flow_of_names_are_no_copies() {
        let shape = |words: &[&str]| tokens(words).shape(0..words.len());
        let base = shape(&body(["x", "y", "print"], "1"));
        assert_ne!(base, shape(&body(["x", "y", "print"], "2")));
        assert_ne!(base, shape(&body(["x", "x", "print"], "1")));
    }

    #[test]
    fn a_short_function_is_a_copy_only_token_by_token() {
        assert_ne!(tokens(&["return", "x", ";"]).shape(0..3), tokens(&["return", "y", ";"]).shape(0..3));
        assert_eq!(tokens(&["return", "x", ";"]).shape(0..3), tokens(&["return", "x", ";"]).shape(0..3));
    }

    #[test]
    fn the_ratio_counts_every_copy() {
        assert_eq!(ratio(vec![]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(ratio(vec![1, 2, 1, 3]).to_bits(), 0.5_f64.to_bits());
    }

    #[test]
    fn the_sample_is_bounded() {
        assert_eq!(sample_shift(4 << 20), 0);
        assert_eq!(sample_shift(64 << 20), 4);
    }
}
