//! Reading what `pg_dump` writes while it streams by: which bytes are rows of which table.

pub mod custom;
mod end_mark;
mod inventory;
pub mod plain;
mod reduced;
mod statement;
#[cfg(test)]
mod tests;
pub mod toc;

pub use inventory::Inventory;
pub use reduced::Reduced;

use crate::model::backup::{Format, manifest};
use crate::model::failure::{Failure, Kind, Result};

/// A part of a dump, told in the order in which it stands there. Rows and large objects come in pieces cut anywhere.
#[derive(Debug)]
pub enum Part<'a> {
    /// The table of contents; custom format only, and first. `raw` is all that came before the first block.
    /// Written back, `pg_restore` works on it.
    Contents {
        /// What is in it.
        toc: &'a toc::Toc,
        /// As it was written.
        raw: &'a [u8],
    },
    /// The rows of a table begin.
    Table {
        /// The entry's number in the table of contents; 0 in plain format, which has none.
        dump_id: i32,
        /// Its schema.
        schema: &'a str,
        /// Its name.
        name: &'a str,
        /// Its columns as the COPY statement lists them, with brackets; empty where it has none.
        columns: &'a str,
    },
    /// Text of its rows, as COPY writes it; the end mark `\.` and what follows it is left out.
    Rows(&'a [u8]),
    /// The rows of that table end.
    TableEnd,
    /// A block of large objects begins.
    LargeObjects {
        /// The entry's number in the table of contents; 0 in plain format.
        dump_id: i32,
    },
    /// A large object begins.
    LargeObject(u32),
    /// Bytes of it.
    LargeObjectBytes(&'a [u8]),
    /// A block of large objects ends.
    LargeObjectsEnd,
    /// Where a sequence stands.
    Sequence(manifest::Sequence),
}

/// A reader of one format that is fed the dump in pieces cut anywhere.
pub trait Reader: Send {
    /// Takes in a piece and tells what is in it.
    fn feed(&mut self, piece: &[u8], tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()>;

    /// Says that nothing more comes; a failure where the dump is cut off.
    fn finish(&mut self, tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()>;
}

/// The reader for a format; the archive of the directory format is a custom one.
#[must_use]
pub fn reader(format: Format) -> Box<dyn Reader> {
    match format {
        Format::Plain => Box::new(plain::PlainReader::default()),
        Format::Custom | Format::Directory => Box::new(custom::CustomReader::default()),
    }
}

/// What is no dump of ours, or a damaged one.
pub(crate) fn damaged(what: impl Into<String>) -> Failure {
    Failure::new(Kind::Unusable, what).hint("the dump is damaged or was cut off: verify another backup")
}
