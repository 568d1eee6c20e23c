//! The table of contents of `pg_dump`'s custom format (archive versions 1.14 to 1.16: PostgreSQL 12 to 18).

use super::damaged;
use super::statement::{self, Copy};
use crate::model::backup::manifest::Sequence;
use crate::model::failure::{Failure, Kind, Result};

/// The versions that can be read.
const VERSIONS: std::ops::RangeInclusive<(u8, u8)> = (1, 14)..=(1, 16);
/// The most bytes that a text may have.
const TEXT_BYTES: u64 = 256 << 20;
/// The most bytes that the whole may have: it is held in memory.
const ALL_BYTES: usize = 1 << 30;
/// How the format that can be read is numbered, and what others are.
const CUSTOM: u8 = 1;
/// States of a block's offset: not known, and known.
const OFFSET_UNKNOWN: u8 = 1;
const OFFSET_KNOWN: u8 = 2;

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toc {
    /// Version of the archive's form: 1.14 is (1, 14).
    pub version: (u8, u8),
    /// Whether data blocks are compressed by `pg_dump` itself: ours are not, and only such can be read here.
    pub is_compressed: bool,
    /// The database that was dumped.
    pub database: String,
    /// The server's version, as it tells it.
    pub server_version: String,
    /// `pg_dump`'s version.
    pub dump_version: String,
    /// What is in it.
    pub entries: Vec<Entry>,
}

/// An object, or its data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub dump_id: i32,
    /// Whether a data block belongs to it.
    pub has_data: bool,
    /// Its oid in the database that was dumped; 0 where it has none.
    pub oid: u32,
    /// Its name.
    pub tag: String,
    /// What it is: `TABLE`, `TABLE DATA`, `INDEX`, ...
    pub description: String,
    /// 1 none, 2 pre-data, 3 data, 4 post-data.
    pub section: i32,
    /// Its definition.
    pub definition: String,
    /// `COPY public.cats (id, name) FROM stdin;`, where it is a table's data.
    pub copy: String,
    /// Its schema.
    pub schema: String,
    /// Its owner.
    pub owner: String,
    /// The numbers of those that must be there before it.
    pub dependencies: Vec<i32>,
}

impl Toc {
    /// The encoding that all text in it has, as `PostgreSQL` calls it.
    #[must_use]
    pub fn encoding(&self) -> &str {
        let entry = self.entries.iter().find(|entry| entry.description == "ENCODING");
        entry.and_then(|entry| entry.definition.split('\'').nth(1)).unwrap_or("UTF8")
    }
}

impl Entry {
    /// The table that its rows go into, by schema and name, and the list of columns with brackets; none where it has no
    /// rows, or none in COPY's format.
    #[must_use]
    pub fn copied(&self) -> Option<(String, String, &str)> {
        let Copy { schema, name, columns } = Copy::read(&self.copy)?;
        (!schema.is_empty()).then_some((schema, name, columns))
    }

    /// Where the sequence stands, if it tells that.
    #[must_use]
    pub fn sequence(&self) -> Option<Sequence> {
        if self.description == "SEQUENCE SET" { statement::setval(&self.definition) } else { None }
    }
}

/// Why nothing could be read.
enum Halt {
    /// More bytes are needed.
    Short,
    Failed(Failure),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Reads a table of contents that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct TocReader {
    /// All that came, as far as it is not known to be read already.
    raw: Vec<u8>,
    /// Bytes of it that are understood.
    at: usize,
    toc: Toc,
    offset_bytes: usize,
    /// Entries that are still to come, once the head is read.
    left: Option<u32>,
}

impl TocReader {
    /// Takes in a piece; what follows the table of contents, once that is whole.
    pub fn feed<'a>(&mut self, piece: &'a [u8]) -> Result<Option<&'a [u8]>> {
        let before = self.raw.len();
        self.raw.extend_from_slice(piece);
        match self.advance() {
            Err(Halt::Failed(failure)) => Err(failure),
            Err(Halt::Short) if self.raw.len() > ALL_BYTES => {
                Err(too_large("table of contents", self.raw.len() as u64))
            }
            Err(Halt::Short) => Ok(None),
            Ok(()) => {
                let rest = &piece[self.at - before..];
                self.raw.truncate(self.at);
                Ok(Some(rest))
            }
        }
    }

    /// The table of contents and its bytes. The places of the blocks in the file, where they were noted, are taken out of
    /// these: blocks will stand elsewhere, and `pg_restore` finds them without.
    pub fn finish(self) -> (Toc, Vec<u8>) {
        (self.toc, self.raw)
    }

    fn advance(&mut self) -> Result<(), Halt> {
        let mut left = if let Some(left) = self.left {
            left
        } else {
            let mut cursor = Cursor { bytes: &self.raw, at: 0 };
            self.offset_bytes = cursor.head(&mut self.toc)?;
            let count = u32::try_from(cursor.int()?).map_err(|_| damaged("the dump has fewer than no entries"))?;
            self.at = cursor.at;
            count
        };
        while left > 0 {
            self.left = Some(left);
            let mut cursor = Cursor { bytes: &self.raw, at: self.at };
            let entry = cursor.entry(self.toc.version)?;
            let offset = cursor.at;
            cursor.take(1 + self.offset_bytes)?;
            self.at = cursor.at;
            if self.raw[offset] == OFFSET_KNOWN {
                self.raw[offset] = OFFSET_UNKNOWN;
            }
            self.toc.entries.push(entry);
            left -= 1;
        }
        self.left = Some(0);
        Ok(())
    }
}

/// A place in the bytes that have come.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Halt> {
        let taken = self.bytes.get(self.at..).and_then(|bytes| bytes.get(..count)).ok_or(Halt::Short)?;
        self.at += count;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Halt> {
        Ok(self.take(1)?[0])
    }

    fn int(&mut self) -> Result<i32, Halt> {
        let bytes = self.take(5)?.try_into().expect("five bytes were taken");
        Ok(read_int(bytes).cast_signed())
    }

    /// A text; that there is none is said by a length of -1.
    fn text(&mut self) -> Result<Option<&'a [u8]>, Halt> {
        let Ok(length) = u64::try_from(self.int()?) else { return Ok(None) };
        if length > TEXT_BYTES {
            return Err(too_large("text in its table of contents", length).into());
        }
        self.take(length as usize).map(Some)
    }

    /// Nothing is made of a text until all of its entry has come.
    fn text_or_empty(&mut self) -> Result<&'a [u8], Halt> {
        Ok(self.text()?.unwrap_or_default())
    }

    /// What stands before the entries; how many bytes an offset has.
    fn head(&mut self, toc: &mut Toc) -> Result<usize, Halt> {
        let magic = &self.bytes[..self.bytes.len().min(5)];
        if !b"PGDMP".starts_with(magic) {
            return Err(Failure::new(Kind::Unusable, "this is no archive of pg_dump")
                .hint("it does not begin with PGDMP: is it a dump at all?")
                .into());
        }
        self.take(5)?;
        toc.version = (self.byte()?, self.byte()?);
        self.byte()?;
        if !VERSIONS.contains(&toc.version) {
            let (major, minor) = toc.version;
            let what =
                format!("the dump has archive version {major}.{minor}; 1.14 to 1.16 (PostgreSQL 12 to 18) can be read");
            return Err(Failure::new(Kind::Unusable, what)
                .hint("restore it with pg_restore of the version that made it")
                .into());
        }
        let (int_bytes, offset_bytes, format) = (self.byte()?, self.byte()?, self.byte()?);
        if format != CUSTOM {
            return Err(Failure::new(Kind::Unusable, "this is an archive of pg_dump's tar or directory format")
                .hint("restore it with pg_restore, or make a dump with pg_dump -Fc or -Fp")
                .into());
        }
        if int_bytes != 4 || !matches!(offset_bytes, 4 | 8) {
            return Err(
                damaged(format!("the dump says that its numbers have {int_bytes} and {offset_bytes} bytes")).into()
            );
        }
        toc.is_compressed = if toc.version < (1, 15) { self.int()? != 0 } else { self.byte()? != 0 };
        // When it was made: seconds, minutes, hours, day, month, year, summer time.
        self.take(7 * 5)?;
        for place in [&mut toc.database, &mut toc.server_version, &mut toc.dump_version] {
            *place = owned(self.text_or_empty()?);
        }
        Ok(usize::from(offset_bytes))
    }

    fn entry(&mut self, version: (u8, u8)) -> Result<Entry, Halt> {
        let dump_id = self.int()?;
        let has_data = self.int()? != 0;
        let _catalog = self.text()?;
        let oid = self.text_or_empty()?;
        let [tag, description] = [self.text_or_empty()?, self.text_or_empty()?];
        let section = self.int()?;
        let definition = self.text_or_empty()?;
        let _drop = self.text()?;
        let [copy, schema] = [self.text_or_empty()?, self.text_or_empty()?];
        let [_tablespace, _access_method] = [self.text()?, self.text()?];
        if version >= (1, 16) {
            let _relation_kind = self.int()?;
        }
        let owner = self.text_or_empty()?;
        let _with_oids = self.text()?;
        let mut dependencies = Vec::new();
        while let Some(number) = self.text()? {
            dependencies.push(parsed(number)?);
        }
        Ok(Entry {
            dump_id,
            has_data,
            oid: parsed(oid).unwrap_or(0),
            tag: owned(tag),
            description: owned(description),
            section,
            definition: owned(definition),
            copy: owned(copy),
            schema: owned(schema),
            owner: owned(owner),
            dependencies,
        })
    }
}

/// A number: its sign, then its bytes, the lowest first. Oids are written as numbers, too, so that these wrap around.
pub(super) const fn read_int(bytes: [u8; 5]) -> u32 {
    let [sign, number @ ..] = bytes;
    let number = u32::from_le_bytes(number);
    if sign == 0 { number } else { number.wrapping_neg() }
}

/// As [`read_int`] reads it.
pub(super) const fn write_int(number: u32) -> [u8; 5] {
    let is_negative = number > i32::MAX as u32;
    let [a, b, c, d] = if is_negative { number.wrapping_neg() } else { number }.to_le_bytes();
    [is_negative as u8, a, b, c, d]
}

fn parsed<T: std::str::FromStr>(number: &[u8]) -> Result<T> {
    let text = String::from_utf8_lossy(number);
    text.parse().map_err(|_| damaged(format!("a number in the dump's table of contents is `{text}`")))
}

/// Dumps of databases in other encodings hold names that we cannot show; their bytes are in the raw table of contents.
fn owned(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn too_large(what: &str, bytes: u64) -> Failure {
    Failure::new(Kind::TooLarge, format!("the dump's {what} has {bytes} bytes"))
        .hint("either it is damaged, or it is larger than any that was met: restore it with pg_restore")
}
