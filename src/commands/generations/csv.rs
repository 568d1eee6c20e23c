//! CSV as RFC 4180 has it. What it does not say: a field without a value is empty and unquoted, an empty text is quoted,
//! as `PostgreSQL` has it.

use std::io::BufRead;

use super::files::{cannot_read, wrong};
use crate::model::failure::Result;
use crate::model::generation::columns::{COLUMNS, Row, position};

/// A line of fields, with its end.
pub fn write<'a>(fields: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut line = String::new();
    for (nth, field) in fields.into_iter().enumerate() {
        if nth > 0 {
            line.push(',');
        }
        match field {
            None => {}
            Some(text) if text.is_empty() || text.contains([',', '"', '\r', '\n']) => {
                line.push('"');
                line.push_str(&text.replace('"', "\"\""));
                line.push('"');
            }
            Some(text) => line.push_str(text),
        }
    }
    line + "\r\n"
}

/// The first line of a file.
#[must_use]
pub fn header() -> String {
    write(COLUMNS.iter().map(|column| Some(column.name)))
}

/// A CSV file with a header, which says what is in each column.
pub struct Csv<R> {
    reader: R,
    /// The place of the next byte: line and column, from 1.
    line: u64,
    column: usize,
    /// Which column of the table each field is of.
    places: Vec<usize>,
}

/// A record: the line that it begins in, and its fields.
type Record = (u64, Vec<Option<String>>);

impl<R: BufRead> Csv<R> {
    /// Reads the header.
    pub fn new(reader: R) -> Result<Self> {
        let mut csv = Self { reader, line: 1, column: 1, places: Vec::new() };
        let Some((line, names)) = csv.record()? else {
            return Err(wrong(1, 1, "the file is empty: its first line must name the columns"));
        };
        for name in names.into_iter().map(Option::unwrap_or_default) {
            let name = name.trim_start_matches('\u{feff}');
            let Some(place) = position(name) else {
                return Err(wrong(
                    line,
                    1,
                    &format!("there is no column {name:?}: the first line must name the columns"),
                ));
            };
            if csv.places.contains(&place) {
                return Err(wrong(line, 1, &format!("{name} is named twice")));
            }
            csv.places.push(place);
        }
        Ok(csv)
    }

    /// The next row and its line; none at the end.
    pub fn next_row(&mut self) -> Result<Option<(u64, Row)>> {
        let Some((line, fields)) = self.record()? else { return Ok(None) };
        if fields.len() != self.places.len() {
            let what = format!("{} fields, where the first line names {} columns", fields.len(), self.places.len());
            return Err(wrong(line, 1, &what));
        }
        let mut row = Row::default();
        for (place, field) in self.places.iter().zip(fields) {
            row[*place] = field;
        }
        Ok(Some((line, row)))
    }

    /// The next record that is not an empty line.
    fn record(&mut self) -> Result<Option<Record>> {
        loop {
            let (line, mut fields) = (self.line, Vec::new());
            if self.peek()?.is_none() {
                return Ok(None);
            }
            while self.field(&mut fields)? {}
            if fields != [None] {
                return Ok(Some((line, fields)));
            }
        }
    }

    /// Reads a field and what ends it; says whether another field follows.
    fn field(&mut self, fields: &mut Vec<Option<String>>) -> Result<bool> {
        let start = (self.line, self.column);
        let mut bytes = Vec::new();
        let is_quoted = self.peek()? == Some(b'"');
        if is_quoted {
            self.step();
            self.quoted(&mut bytes, start)?;
        }
        loop {
            let next = self.peek()?;
            match next {
                Some(b'"') => return Err(wrong(self.line, self.column, "a quote in a field that is not quoted")),
                None | Some(b',' | b'\n' | b'\r') => break,
                Some(_) if is_quoted => return Err(wrong(self.line, self.column, "text behind a quoted field")),
                Some(byte) => bytes.push(byte),
            }
            self.step();
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong(start.0, start.1, "this field is not UTF-8"))?;
        fields.push((is_quoted || !text.is_empty()).then_some(text));
        self.end()
    }

    /// What stands between quotes, and the one that closes them.
    fn quoted(&mut self, bytes: &mut Vec<u8>, start: (u64, usize)) -> Result<()> {
        loop {
            let Some(byte) = self.peek()? else {
                return Err(wrong(start.0, start.1, "the quotes that begin here never end"));
            };
            self.step();
            if byte == b'"' {
                if self.peek()? != Some(b'"') {
                    return Ok(());
                }
                self.step();
            }
            bytes.push(byte);
        }
    }

    /// A comma, after which a field follows, or the end of a line or of the file.
    fn end(&mut self) -> Result<bool> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.step();
        }
        if byte == Some(b'\r') && self.peek()? == Some(b'\n') {
            self.step();
        }
        if byte == Some(b'\r') && self.column != 1 {
            (self.line, self.column) = (self.line + 1, 1);
        }
        Ok(byte == Some(b','))
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        let line = self.line;
        Ok(self.reader.fill_buf().map_err(|error| cannot_read(error, line))?.first().copied())
    }

    /// Goes on behind the byte that was looked at.
    fn step(&mut self) {
        // It is in the buffer still.
        let is_end = self.reader.fill_buf().is_ok_and(|bytes| bytes.first() == Some(&b'\n'));
        self.reader.consume(1);
        (self.line, self.column) = if is_end { (self.line + 1, 1) } else { (self.line, self.column + 1) };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(text: &str) -> Result<Vec<(u64, Row)>> {
        let mut csv = Csv::new(text.as_bytes())?;
        let mut rows = Vec::new();
        while let Some(row) = csv.next_row()? {
            rows.push(row);
        }
        Ok(rows)
    }

    #[test]
    fn ends_of_lines_are_those_of_any_system() {
        for end in ["\n", "\r\n", "\r"] {
            let rows = read_all(&format!("story,id{end}{end}\"a{end}b\",{end}\"\",c")).unwrap();
            let (id, story) = (position("id").unwrap(), position("story").unwrap());
            let values: Vec<_> = rows.iter().map(|(_, row)| (row[story].clone(), row[id].clone())).collect();
            assert_eq!(values[0], (Some(format!("a{end}b")), None), "{end:?}");
            assert_eq!(values[1], (Some(String::new()), Some("c".to_owned())), "{end:?}");
            assert_eq!(rows[0].0, 3, "{end:?}");
        }
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, told) in [
            ("", "line 1, column 1: the file is empty: its first line must name the columns"),
            ("id,cat\n", "line 1, column 1: there is no column \"cat\": the first line must name the columns"),
            ("id,id\n", "line 1, column 1: id is named twice"),
            ("id,story\na\n", "line 2, column 1: 1 fields, where the first line names 2 columns"),
            ("id,story\na,b\"c\n", "line 2, column 4: a quote in a field that is not quoted"),
            ("id,story\na,\"b\"c\n", "line 2, column 6: text behind a quoted field"),
            ("id,story\na,\"b\n\n", "line 2, column 3: the quotes that begin here never end"),
        ] {
            assert_eq!(read_all(text).unwrap_err().what(), told, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_written_is_read(rows in prop::collection::vec(
            prop::collection::vec(prop::option::of("[a,\"\r\n é]{0,5}"), COLUMNS.len()), 0..5)
        ) {
            let lines = rows.iter().map(|row| write(row.iter().map(Option::as_deref)));
            let text = header() + &lines.collect::<String>();
            let read: Vec<_> = read_all(&text).unwrap().into_iter().map(|(_, row)| row.to_vec()).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
