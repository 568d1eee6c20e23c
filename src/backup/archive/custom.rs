//! `pg_dump -Fc -Z0` as it streams by.

use std::collections::HashMap;
use std::mem;

use super::end_mark::EndMark;
use super::statement::Copy;
use super::toc::{Toc, TocReader, read_int};
use super::{Part, Reader, damaged};
use crate::model::failure::{Failure, Kind, Result};

/// What kinds of blocks there are.
pub(super) const DATA: u8 = 1;
pub(super) const LARGE_OBJECTS: u8 = 3;

/// Reads the custom format: a table of contents, then blocks of data, each of chunks with a length before them.
#[derive(Debug, Default)]
pub struct CustomReader {
    state: State,
    /// A number of which a part has come.
    number: [u8; 5],
    number_bytes: usize,
    toc: Toc,
    /// Places in the table of contents, by number, of entries whose data has not come yet.
    missing: HashMap<i32, usize>,
}

/// Where in the archive it is.
#[derive(Debug)]
enum State {
    /// Elsewhere in memory: all the other states, which change with every row, are small.
    Contents(Box<TocReader>),
    /// Before the kind of a block.
    Block,
    /// Before the number of the entry that a block of this kind belongs to.
    Entry(u8),
    /// Before the length of a chunk, or the zero that ends them.
    Chunk(Data),
    /// Within a chunk of which so many bytes are to come.
    Bytes(Data, usize),
    /// Before a large object's number, or the zero that ends the block.
    Object,
}

/// What chunks are part of.
#[derive(Debug, Clone, Copy)]
enum Data {
    /// Rows.
    Rows(EndMark),
    /// What follows the rows: the end mark was there, empty lines come.
    AfterRows,
    /// A large object.
    Object,
}

impl Default for State {
    fn default() -> Self {
        Self::Contents(Box::default())
    }
}

impl Reader for CustomReader {
    fn feed(&mut self, piece: &[u8], tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        let mut piece = piece;
        if let State::Contents(reader) = &mut self.state {
            let Some(rest) = reader.feed(piece)? else { return Ok(()) };
            piece = rest;
            let (toc, raw) = mem::take(&mut **reader).finish();
            self.state = State::Block;
            self.open(toc, &raw, tell)?;
        }
        while !piece.is_empty() {
            self.state = match self.state {
                State::Bytes(data, left) => {
                    let (bytes, rest) = piece.split_at(left.min(piece.len()));
                    piece = rest;
                    let data = data.tell(bytes, tell)?;
                    if bytes.len() == left { State::Chunk(data) } else { State::Bytes(data, left - bytes.len()) }
                }
                State::Block => {
                    let kind = piece[0];
                    piece = &piece[1..];
                    State::Entry(kind)
                }
                State::Chunk(_) | State::Entry(_) | State::Object => {
                    let Some(number) = self.number(&mut piece) else { break };
                    self.after_number(number, tell)?
                }
                State::Contents(_) => break,
            };
        }
        Ok(())
    }

    fn finish(&mut self, _tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        match self.state {
            State::Block if self.missing.is_empty() => Ok(()),
            State::Block => {
                let first = self.missing.values().min().map_or("", |at| &self.toc.entries[*at].tag);
                Err(damaged(format!("the dump ends without the data of `{first}` and {} more", self.missing.len() - 1)))
            }
            State::Contents(_) => Err(damaged("the dump ends within its table of contents")),
            _ => Err(damaged("the dump ends within the data of an object")),
        }
    }
}

impl CustomReader {
    /// Tells what the table of contents says.
    fn open(&mut self, toc: Toc, raw: &[u8], tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        tell(Part::Contents { toc: &toc, raw })?;
        for (at, entry) in toc.entries.iter().enumerate() {
            if entry.has_data && self.missing.insert(entry.dump_id, at).is_some() {
                return Err(damaged(format!("the dump has two entries of number {}", entry.dump_id)));
            }
            if let Some(sequence) = entry.sequence() {
                tell(Part::Sequence(sequence))?;
            }
        }
        self.toc = toc;
        Ok(())
    }

    /// The next number, if all of it has come.
    fn number(&mut self, piece: &mut &[u8]) -> Option<u32> {
        if self.number_bytes == 0
            && let Some((number, rest)) = piece.split_first_chunk()
        {
            *piece = rest;
            return Some(read_int(*number));
        }
        let (bytes, rest) = piece.split_at(piece.len().min(5 - self.number_bytes));
        self.number[self.number_bytes..][..bytes.len()].copy_from_slice(bytes);
        self.number_bytes += bytes.len();
        *piece = rest;
        if self.number_bytes < 5 {
            return None;
        }
        self.number_bytes = 0;
        Some(read_int(self.number))
    }

    /// Where it is after a number.
    fn after_number(&mut self, number: u32, tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<State> {
        match self.state {
            State::Chunk(data) if number == 0 => data.end(tell),
            State::Chunk(_) if number > i32::MAX as u32 => {
                Err(damaged("the dump says that a chunk has less than no bytes"))
            }
            State::Chunk(data) => Ok(State::Bytes(data, number as usize)),
            State::Object if number == 0 => tell(Part::LargeObjectsEnd).map(|()| State::Block),
            State::Object => tell(Part::LargeObject(number)).map(|()| State::Chunk(Data::Object)),
            State::Entry(kind) => self.begin(kind, number.cast_signed(), tell),
            _ => Ok(State::Block),
        }
    }

    fn begin(&mut self, kind: u8, dump_id: i32, tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<State> {
        let at = self.missing.remove(&dump_id);
        let entry = at.map(|at| &self.toc.entries[at]);
        let entry = entry.ok_or_else(|| damaged(format!("the dump has data of an unknown entry {dump_id}")))?;
        if self.toc.is_compressed {
            return Err(Failure::new(Kind::Unusable, "the dump was compressed by pg_dump itself")
                .hint("its rows cannot be read as it streams by: restore it from a file"));
        }
        match kind {
            DATA => {
                let copy = Copy::read(&entry.copy).ok_or_else(|| {
                    Failure::new(Kind::Unusable, format!("the rows of `{}` are not in COPY's format", entry.tag))
                        .hint("they cannot be read as they stream by: restore the dump with pg_restore")
                })?;
                let (schema, name, columns) = (&*entry.schema, &*entry.tag, copy.columns);
                tell(Part::Table { dump_id, schema, name, columns })?;
                Ok(State::Chunk(Data::Rows(EndMark::default())))
            }
            LARGE_OBJECTS => tell(Part::LargeObjects { dump_id }).map(|()| State::Object),
            other => Err(damaged(format!("the dump has a block of the unknown kind {other}"))),
        }
    }
}

impl Data {
    /// Tells bytes of a chunk.
    fn tell(mut self, bytes: &[u8], tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<Self> {
        match &mut self {
            Self::Rows(mark) => {
                let split = mark.split(bytes);
                for rows in [split.held, split.rows] {
                    if !rows.is_empty() {
                        tell(Part::Rows(rows))?;
                    }
                }
                if split.rest.is_some() {
                    self = Self::AfterRows;
                }
            }
            Self::AfterRows => {}
            Self::Object => tell(Part::LargeObjectBytes(bytes))?,
        }
        Ok(self)
    }

    /// The chunks have ended.
    fn end(self, tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<State> {
        match self {
            Self::AfterRows => tell(Part::TableEnd).map(|()| State::Block),
            Self::Rows(_) => Err(damaged("the dump has rows without an end mark")),
            Self::Object => Ok(State::Object),
        }
    }
}
