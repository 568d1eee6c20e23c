//! `pg_dump -Fp` as it streams by.

use super::end_mark::EndMark;
use super::statement::{self, Copy};
use super::{Part, Reader, damaged};
use crate::model::failure::{Failure, Kind, Result};

/// How much of a statement is looked at. Those that tell something are shorter: the longest names all columns of a table.
const STATEMENT_BYTES: usize = 1 << 20;
/// The longest tag that a text in dollars may have: longer than that of any name.
const TAG_BYTES: usize = 1024;
/// How much of a comment, or of a command to psql, is looked at.
const COMMENT_BYTES: usize = 256;
/// What `pg_dump` writes first and last.
const FIRST: &[u8] = b" PostgreSQL database dump";
const LAST: &[u8] = b" PostgreSQL database dump complete";

/// Reads the plain format: SQL as psql reads it, so that no text within a function, a comment or a literal is taken for a
/// statement.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each may be so or not whatever the others are")]
pub struct PlainReader {
    state: State,
    statement: Statement,
    /// Text of the comment, or tag of the text in dollars.
    word: Vec<u8>,
    /// The last character, where the next may make something else of it.
    before: u8,
    /// Whether a backslash has a meaning in the text in quotes that is or was read last.
    has_escapes: bool,
    /// Whether it has one in every text in quotes.
    always_escapes: bool,
    in_large_objects: bool,
    /// Whether a dump was begun that has not come to its end.
    is_begun: bool,
}

/// Within what it is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Statements, or between them.
    #[default]
    Code,
    /// A comment to the end of the line.
    Line,
    /// A comment in `/*` and `*/`, so many deep.
    Comment(u32),
    /// A text or a name in these quotes.
    Quoted(u8),
    /// After a backslash in such a text.
    Escaped(u8),
    /// Perhaps the tag of a text in dollars.
    Tag,
    /// A text in dollars, of whose end so many characters were met.
    Dollars(usize),
    /// A command to psql, to the end of the line: only few are met.
    Command,
    /// The rest of the line of a COPY.
    BeforeRows,
    /// Rows.
    Rows(EndMark),
}

/// A statement as far as it has come, without comments.
#[derive(Debug, Default)]
struct Statement {
    text: Vec<u8>,
    /// Whether it is longer than is looked at.
    is_cut: bool,
    brackets: u32,
    /// Words of which no more is to be known than how they begin.
    words: Vec<Vec<u8>>,
    is_in_word: bool,
    /// Depth of BEGIN ATOMIC and CASE in the body of a routine, where a semicolon ends nothing.
    depth: u32,
}

impl Reader for PlainReader {
    fn feed(&mut self, piece: &[u8], tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        let mut piece = piece;
        while let Some(first) = piece.first() {
            piece = match self.state {
                State::Rows(mark) => self.rows(mark, piece, tell)?,
                State::Code => {
                    self.code(*first, tell)?;
                    &piece[1..]
                }
                State::Line | State::Command | State::BeforeRows => self.line(piece)?,
                State::Quoted(quote) => self.quoted(quote, piece),
                State::Escaped(quote) => {
                    self.statement.push(&piece[..1]);
                    self.state = State::Quoted(quote);
                    &piece[1..]
                }
                State::Comment(depth) => self.comment(depth, *first, piece),
                State::Tag => self.tag(*first, piece),
                State::Dollars(met) => self.dollars(met, piece),
            };
        }
        Ok(())
    }

    fn finish(&mut self, tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        match self.state {
            State::Rows(_) | State::BeforeRows => return Err(damaged("the dump ends within the rows of a table")),
            State::Code | State::Line | State::Command if self.statement.text.is_empty() => {}
            _ => return Err(damaged("the dump ends within a statement")),
        }
        // The last line may have no end.
        self.end_line()?;
        if self.is_begun {
            return Err(damaged("the dump ends before it is complete"));
        }
        self.end_large_objects(tell)
    }
}

impl PlainReader {
    fn rows<'a>(
        &mut self,
        mut mark: EndMark,
        piece: &'a [u8],
        tell: &mut dyn FnMut(Part<'_>) -> Result<()>,
    ) -> Result<&'a [u8]> {
        let split = mark.split(piece);
        for rows in [split.held, split.rows] {
            if !rows.is_empty() {
                tell(Part::Rows(rows))?;
            }
        }
        if split.rest.is_none() {
            self.state = State::Rows(mark);
            return Ok(b"");
        }
        self.state = State::Code;
        tell(Part::TableEnd)?;
        Ok(split.rest.unwrap_or_default())
    }

    fn code(&mut self, byte: u8, tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        let before = std::mem::replace(&mut self.before, byte);
        let is_first = self.statement.text.is_empty();
        let follows_e = self.statement.ends_with_word(b"e");
        if !is_word(byte) {
            self.statement.end_word();
        }
        match byte {
            b'-' if before == b'-' => {
                self.statement.text.pop();
                self.word.clear();
                self.state = State::Line;
                self.before = 0;
            }
            b'*' if before == b'/' => {
                self.statement.text.pop();
                self.state = State::Comment(1);
                self.before = 0;
            }
            b'\\' => {
                self.word.clear();
                self.state = State::Command;
            }
            byte if is_first && byte.is_ascii_whitespace() => {}
            b';' if self.statement.is_whole() => return self.end_statement(tell),
            b'\'' => {
                // A quote right after one that has closed: it is one in the text, and that goes on.
                if before != b'\'' {
                    self.has_escapes = self.always_escapes || follows_e;
                }
                self.statement.push(b"'");
                self.state = State::Quoted(byte);
            }
            b'"' => {
                self.has_escapes = false;
                self.statement.push(b"\"");
                self.state = State::Quoted(byte);
            }
            b'$' if !is_word(before) => {
                self.word.clear();
                self.state = State::Tag;
            }
            byte => self.statement.push_code(byte),
        }
        Ok(())
    }

    /// What follows the end of the line.
    fn line<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8]> {
        let end = memchr::memchr(b'\n', piece);
        let (text, rest) = end.map_or((piece, &b""[..]), |end| (&piece[..end], &piece[end + 1..]));
        let room = COMMENT_BYTES.saturating_sub(self.word.len());
        self.word.extend_from_slice(&text[..text.len().min(room)]);
        if end.is_some() {
            self.end_line()?;
        }
        Ok(rest)
    }

    fn end_line(&mut self) -> Result<()> {
        match self.state {
            State::BeforeRows => {
                self.state = State::Rows(EndMark::default());
                return Ok(());
            }
            State::Command => permitted(&self.word, self.statement.text.is_empty())?,
            State::Line if self.statement.text.is_empty() => match &*self.word {
                FIRST => self.is_begun = true,
                LAST => self.is_begun = false,
                _ => {}
            },
            State::Line => self.statement.push(b"\n"),
            _ => {}
        }
        self.state = State::Code;
        self.before = b'\n';
        Ok(())
    }

    fn quoted<'a>(&mut self, quote: u8, piece: &'a [u8]) -> &'a [u8] {
        let end = if self.has_escapes { memchr::memchr2(quote, b'\\', piece) } else { memchr::memchr(quote, piece) };
        let (text, rest) = piece.split_at(end.map_or(piece.len(), |end| end + 1));
        self.statement.push(text);
        if let Some(end) = end {
            self.state = if piece[end] == quote { State::Code } else { State::Escaped(quote) };
            self.before = quote;
        }
        rest
    }

    fn comment<'a>(&mut self, depth: u32, byte: u8, piece: &'a [u8]) -> &'a [u8] {
        let before = std::mem::replace(&mut self.before, byte);
        let depth = match (before, byte) {
            (b'/', b'*') => depth + 1,
            (b'*', b'/') => depth - 1,
            _ => return &piece[1..],
        };
        self.before = 0;
        self.state = if depth == 0 { State::Code } else { State::Comment(depth) };
        if depth == 0 && !self.statement.text.is_empty() {
            self.statement.push(b" ");
        }
        &piece[1..]
    }

    fn tag<'a>(&mut self, byte: u8, piece: &'a [u8]) -> &'a [u8] {
        self.before = b'$';
        if byte == b'$' {
            self.word.push(b'$');
            self.word.insert(0, b'$');
            self.statement.push(b"$$");
            self.state = State::Dollars(0);
        } else if is_word(byte) && (!self.word.is_empty() || !byte.is_ascii_digit()) && self.word.len() < TAG_BYTES {
            self.word.push(byte);
        } else {
            // It is none: the byte is looked at again.
            self.statement.push(b"$");
            self.statement.push(&std::mem::take(&mut self.word));
            self.state = State::Code;
            return piece;
        }
        &piece[1..]
    }

    fn dollars<'a>(&mut self, met: usize, piece: &'a [u8]) -> &'a [u8] {
        if met == 0 {
            let Some(at) = memchr::memchr(b'$', piece) else { return b"" };
            self.state = State::Dollars(1);
            return &piece[at + 1..];
        }
        let met = match piece[0] {
            byte if byte == self.word[met] => met + 1,
            // A dollar may begin the end anew: there is none within a tag.
            b'$' => 1,
            _ => 0,
        };
        self.state = if met == self.word.len() { State::Code } else { State::Dollars(met) };
        &piece[1..]
    }

    fn end_statement(&mut self, tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        let Statement { text, is_cut, .. } = std::mem::take(&mut self.statement);
        if is_cut {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&text);
        if let Some(Copy { schema, name, columns }) = Copy::read(&text) {
            self.state = State::BeforeRows;
            return tell(Part::Table { dump_id: 0, schema: &schema, name: &name, columns });
        }
        if let Some(sequence) = statement::setval(&text) {
            return tell(Part::Sequence(sequence));
        }
        if let Some(oid) = statement::lo_open(&text) {
            if !std::mem::replace(&mut self.in_large_objects, true) {
                tell(Part::LargeObjects { dump_id: 0 })?;
            }
            return tell(Part::LargeObject(oid));
        }
        if let Some(bytes) = statement::lowrite(&text) {
            return tell(Part::LargeObjectBytes(&bytes));
        }
        match &*text {
            "COMMIT" => self.end_large_objects(tell)?,
            "SET standard_conforming_strings = off" => self.always_escapes = true,
            "SET standard_conforming_strings = on" => self.always_escapes = false,
            _ => {}
        }
        Ok(())
    }

    fn end_large_objects(&mut self, tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        if std::mem::take(&mut self.in_large_objects) { tell(Part::LargeObjectsEnd) } else { Ok(()) }
    }
}

impl Statement {
    fn push(&mut self, text: &[u8]) {
        let room = STATEMENT_BYTES.saturating_sub(self.text.len());
        self.is_cut |= text.len() > room;
        self.text.extend_from_slice(&text[..text.len().min(room)]);
    }

    /// Takes in a character that is in no quotes.
    fn push_code(&mut self, byte: u8) {
        match byte {
            b'(' => self.brackets += 1,
            b')' => self.brackets = self.brackets.saturating_sub(1),
            byte if is_word(byte) => self.push_word(byte.to_ascii_lowercase()),
            _ => {}
        }
        self.push(&[byte]);
    }

    fn push_word(&mut self, byte: u8) {
        if !std::mem::replace(&mut self.is_in_word, true) {
            // Of all words only the first four, and the last two, are asked for.
            if self.words.len() == 6 {
                self.words.remove(4);
            }
            self.words.push(Vec::new());
        }
        // `procedure` is the longest that is.
        if let Some(word) = self.words.last_mut()
            && word.len() < 10
        {
            word.push(byte);
        }
    }

    fn ends_with_word(&self, word: &[u8]) -> bool {
        self.is_in_word && self.words.last().is_some_and(|last| last == word)
    }

    /// A body of SQL has semicolons within: `CREATE FUNCTION ... BEGIN ATOMIC ...; CASE ... END; END`.
    fn end_word(&mut self) {
        if !std::mem::take(&mut self.is_in_word) || self.brackets > 0 || !self.is_routine() {
            return;
        }
        match self.words.as_slice() {
            [.., begin, atomic] if begin == b"begin" && atomic == b"atomic" => self.depth += 1,
            [.., case] if case == b"case" && self.depth > 0 => self.depth += 1,
            [.., end] if end == b"end" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn is_routine(&self) -> bool {
        let is = |at: usize, words: &[&str]| {
            self.words.get(at).is_some_and(|word| words.iter().any(|w| w.as_bytes() == word))
        };
        let routine = ["function", "procedure"];
        is(0, &["create"]) && (is(1, &routine) || is(1, &["or"]) && is(2, &["replace"]) && is(3, &routine))
    }

    const fn is_whole(&self) -> bool {
        self.brackets == 0 && self.depth == 0
    }
}

/// Refuses a command to psql that no dump of one database holds: it could run programs, or go on in another database.
fn permitted(command: &[u8], is_between_statements: bool) -> Result<()> {
    let is_one = |known: &[u8]| command.split(|byte| *byte == b' ').next() == Some(known);
    if is_between_statements
        && (is_one(b"restrict") || is_one(b"unrestrict"))
        && !command.contains(&b'\\')
        && command.len() < COMMENT_BYTES
    {
        return Ok(());
    }
    let what = format!("the dump holds the command `\\{}` to psql", command.escape_ascii());
    Err(Failure::new(Kind::Refused, what).hint("pg_dump writes none such but with --create: make the dump without it"))
}

/// Whether a byte may stand in a name without quotes.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}
