//! An archive with a part of the data of another, for `pg_restore`.

use std::io::{self, Write};

use super::Part;
use super::custom::LARGE_OBJECTS;
use super::toc::write_int;

/// Writes the table of contents and the large objects of an archive, but no rows. `pg_restore` must be told by a list
/// (`-L`) to look for nothing else.
#[derive(Debug)]
pub struct Reduced<W> {
    out: W,
    is_in_object: bool,
}

impl<W: Write> Reduced<W> {
    /// Begins one in `out`, which is best buffered.
    pub fn new(out: W) -> Self {
        Self { out, is_in_object: false }
    }

    /// Takes in a part of the whole archive.
    pub fn note(&mut self, part: &Part<'_>) -> io::Result<()> {
        match part {
            Part::Contents { raw, .. } => self.out.write_all(raw),
            Part::LargeObjects { dump_id } => {
                self.out.write_all(&[LARGE_OBJECTS])?;
                self.number(dump_id.cast_unsigned())
            }
            Part::LargeObject(oid) => {
                self.end_object()?;
                self.is_in_object = true;
                self.number(*oid)
            }
            Part::LargeObjectBytes(bytes) => {
                // Pieces are never so long that their length is cut off.
                self.number(bytes.len() as u32)?;
                self.out.write_all(bytes)
            }
            Part::LargeObjectsEnd => {
                self.end_object()?;
                self.number(0)
            }
            Part::Table { .. } | Part::Rows(_) | Part::TableEnd | Part::Sequence(_) => Ok(()),
        }
    }

    /// What it was written to, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn end_object(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_in_object) { self.number(0) } else { Ok(()) }
    }

    fn number(&mut self, number: u32) -> io::Result<()> {
        self.out.write_all(&write_int(number))
    }
}
