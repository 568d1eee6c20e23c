//! The line `\.` that ends the rows of a table.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The mark within rows. A row's text never looks so: COPY doubles backslashes.
static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n\\.\n"));

/// Finds the end mark in rows that come in pieces cut anywhere; the rows are passed on in whole runs, uncopied.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndMark {
    /// At the start of a line.
    #[default]
    LineStart,
    /// The line is `\` so far: held back.
    Backslash,
    /// The line is `\.` so far: held back.
    Dot,
    /// Within a row.
    Row,
}

/// What a piece of rows is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split<'a> {
    /// What was held back of the pieces before, and is part of a row after all.
    pub held: &'static [u8],
    /// Text of rows.
    pub rows: &'a [u8],
    /// What follows the mark's line, once that has come.
    pub rest: Option<&'a [u8]>,
}

impl EndMark {
    /// Takes in a piece.
    pub fn split<'a>(&mut self, piece: &'a [u8]) -> Split<'a> {
        let carried = self.held();
        let mut at = 0;
        while *self != Self::Row {
            let Some(byte) = piece.get(at) else { return Split { held: b"", rows: b"", rest: None } };
            at += 1;
            *self = match (*self, byte) {
                (Self::LineStart, b'\\') => Self::Backslash,
                (Self::Backslash, b'.') => Self::Dot,
                (Self::Dot, b'\n') => {
                    *self = Self::LineStart;
                    return Split { held: b"", rows: b"", rest: Some(&piece[at..]) };
                }
                _ => Self::Row,
            };
        }
        // The byte that told is looked at again: it may end its line.
        let from = at.saturating_sub(1);
        if let Some(found) = MARK.find(&piece[from..]) {
            let end = from + found + 1;
            *self = Self::LineStart;
            return Split { held: carried, rows: &piece[..end], rest: Some(&piece[end + 3..]) };
        }
        *self = match &piece[from..] {
            [.., b'\n'] => Self::LineStart,
            [.., b'\n', b'\\'] => Self::Backslash,
            [.., b'\n', b'\\', b'.'] => Self::Dot,
            _ => Self::Row,
        };
        Split { held: carried, rows: &piece[..piece.len() - self.held().len()], rest: None }
    }

    const fn held(self) -> &'static [u8] {
        match self {
            Self::LineStart | Self::Row => b"",
            Self::Backslash => b"\\",
            Self::Dot => b"\\.",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> (Vec<u8>, Option<Vec<u8>>) {
        let (mut mark, mut rows, mut rest) = (EndMark::default(), Vec::new(), None::<Vec<u8>>);
        for piece in pieces {
            if let Some(rest) = &mut rest {
                rest.extend_from_slice(piece);
                continue;
            }
            let split = mark.split(piece);
            rows.extend_from_slice(split.held);
            rows.extend_from_slice(split.rows);
            rest = split.rest.map(<[u8]>::to_vec);
        }
        (rows, rest)
    }

    #[test]
    fn only_a_line_of_its_own_is_the_mark() {
        assert_eq!(read(&[b"\\.\nrest"]), (b"".to_vec(), Some(b"rest".to_vec())));
        assert_eq!(read(&[b"\n\\.\n"]), (b"\n".to_vec(), Some(Vec::new())));
        assert_eq!(read(&[b"a\\.\n\\.x\n\\\n\\\\.\n"]), (b"a\\.\n\\.x\n\\\n\\\\.\n".to_vec(), None));
    }

    proptest! {
        #[test]
        fn it_is_found_however_it_is_cut(
            text in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'.'), Just(b'\n'), Just(b'a')], 0..40),
            cuts in proptest::collection::vec(0_usize..40, 0..12)
        ) {
            let mut text = text;
            text.extend_from_slice(b"\n\\.\nrest");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % text.len()).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            let mut rows = Vec::new();
            let mut rest = None;
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                match &mut rest {
                    None if line == b"\\.\n" => rest = Some(Vec::new()),
                    None => rows.extend_from_slice(line),
                    Some(rest) => rest.extend_from_slice(line),
                }
            }
            prop_assert_eq!(read(&pieces), (rows, rest));
        }
    }
}
