//! Fingerprints of tables: how many rows, how many bytes, and what is in them, whatever their order.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::XxHash3_128;
use utoipa::ToSchema;

/// What rows amount to. Two sets of rows with the same fingerprint are the same but by an accident of 1 in 2^128: each
/// row's text, as COPY writes it, is hashed (XXH3, 128 bits) and the hashes are added up, so that no order counts and a
/// row that is there twice counts twice. It finds mistakes; it is no proof against somebody who wants to deceive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fingerprint {
    /// How many rows.
    pub rows: u64,
    /// How many bytes of text, line ends not counted.
    pub bytes: u64,
    /// Sum of the rows' hashes, modulo 2^128.
    pub hash: Hash128,
}

/// 128 bits, shown as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
pub struct Hash128(pub u128);

impl Fingerprint {
    /// Takes in one row, without its line end.
    pub fn add(&mut self, row: &[u8]) {
        self.count(row.len() as u64, XxHash3_128::oneshot(row));
    }

    /// Takes in what another part of the same table amounts to.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.hash.0 = self.hash.0.wrapping_add(other.hash.0);
    }

    fn count(&mut self, bytes: u64, hash: u128) {
        self.rows += 1;
        self.bytes += bytes;
        self.hash.0 = self.hash.0.wrapping_add(hash);
    }
}

/// Makes the fingerprint of text in COPY's format that comes in pieces cut anywhere. A row that is cut is hashed as it
/// comes, so no row is ever held in memory. The line `\.` ends the rows.
#[derive(Default)]
pub struct Tally {
    so_far: Fingerprint,
    /// The row that has begun.
    begun: Option<Begun>,
    ended: bool,
}

/// A row of which more is to come.
struct Begun {
    hasher: XxHash3_128,
    bytes: u64,
    /// Its first bytes: enough to tell the end mark.
    head: [u8; 2],
}

impl Tally {
    /// Takes in a piece.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() && !self.ended {
            let end = memchr::memchr(b'\n', piece);
            match (end, self.begun.is_some()) {
                (Some(end), false) => self.row(&piece[..end]),
                (Some(end), true) => {
                    self.begin(&piece[..end]);
                    self.finish_row();
                }
                (None, _) => return self.begin(piece),
            }
            piece = &piece[end.map_or(piece.len(), |end| end + 1)..];
        }
    }

    /// What came in; a last row without a line end counts.
    #[must_use]
    pub fn finish(mut self) -> Fingerprint {
        self.finish_row();
        self.so_far
    }

    /// Whether the end mark has come.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    fn row(&mut self, row: &[u8]) {
        if row == b"\\." { self.ended = true } else { self.so_far.add(row) }
    }

    fn begin(&mut self, part: &[u8]) {
        let begun = self.begun.get_or_insert_with(|| Begun { hasher: XxHash3_128::new(), bytes: 0, head: [0; 2] });
        for (at, byte) in part.iter().take(2).enumerate() {
            if let Some(place) = begun.head.get_mut(begun.bytes as usize + at) {
                *place = *byte;
            }
        }
        begun.hasher.write(part);
        begun.bytes += part.len() as u64;
    }

    fn finish_row(&mut self) {
        match self.begun.take() {
            Some(Begun { bytes: 2, head, .. }) if head == *b"\\." => self.ended = true,
            Some(Begun { hasher, bytes, .. }) => self.so_far.count(bytes, hasher.finish_128()),
            None => {}
        }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").field("so_far", &self.so_far).field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl fmt::Display for Hash128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Hash128 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash128 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(pieces: &[&[u8]]) -> Fingerprint {
        let mut tally = Tally::default();
        for piece in pieces {
            tally.feed(piece);
        }
        tally.finish()
    }

    #[test]
    fn the_end_mark_ends_the_rows_however_it_is_cut() {
        let whole = of(&[b"1\ta\n2\t\\\\.\n\\.\n\n\n"]);
        assert_eq!(whole.rows, 2);
        assert_eq!(of(&[b"1\ta\n2\t\\\\.\n\\", b".", b"\n\nrest"]), whole);
        assert_eq!(of(&[b"2\t\\\\.\n1\ta\n"]), whole, "no order counts");
        assert_ne!(of(&[b"1\ta\n2\t\\\\,\n"]), whole);
    }

    #[test]
    fn an_empty_row_is_a_row_and_a_row_twice_is_two() {
        assert_eq!(of(&[b"\n\n"]).rows, 2);
        assert_ne!(of(&[b"a\na\n"]).hash, of(&[b"\n"]).hash);
        assert_eq!(of(&[]), Fingerprint::default());
    }

    proptest! {
        #[test]
        fn where_the_pieces_are_cut_does_not_count(
            rows in proptest::collection::vec("[a-z\\\\.\t]{0,300}", 0..8), cuts in proptest::collection::vec(0_usize..2000, 0..10)
        ) {
            let text: String = rows.iter().map(|row| format!("x{row}\n")).collect();
            let mut expected = Fingerprint::default();
            for row in &rows {
                expected.add(format!("x{row}").as_bytes());
            }
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
            prop_assert_eq!(of(&pieces), expected);
        }
    }
}
