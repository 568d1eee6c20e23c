//! Reading generations from a file of JSON lines: an object a line, as `generations export` writes it.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::files::{cannot_read, wrong};
use crate::model::failure::Result;
use crate::model::generation::columns::{COLUMNS, COUNT, Form, Row, position};

/// A file of JSON lines.
pub struct JsonLines<R> {
    reader: R,
    line: u64,
    bytes: Vec<u8>,
}

impl<R: BufRead> JsonLines<R> {
    /// From its beginning.
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, bytes: Vec::new() }
    }

    /// The next row and its line; none at the end. Empty lines are passed over.
    pub fn next_row(&mut self) -> Result<Option<(u64, Row)>> {
        loop {
            self.bytes.clear();
            if self.reader.read_until(b'\n', &mut self.bytes).map_err(|error| cannot_read(error, self.line))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            let text = std::str::from_utf8(&self.bytes)
                .map_err(|error| wrong(self.line, error.valid_up_to() + 1, "this is not UTF-8"))?;
            if !text.trim().is_empty() {
                return Ok(Some((self.line, row(text, self.line)?)));
            }
        }
    }
}

/// The values of an object, as they are written.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry::<String, &RawValue>()? {
                    fields.push((field.0.into(), field.1));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

fn row(text: &str, line: u64) -> Result<Row> {
    // Without its end, behind which an error would stand in another line.
    let text = text.trim_end();
    let Fields(fields) = serde_json::from_str(text).map_err(|error| {
        let what = error.to_string();
        // It tells the place within the line, which is told in front.
        wrong(line, error.column().max(1), what.split(" at line ").next().unwrap_or_default())
    })?;
    let mut row = Row::default();
    let mut seen = [false; COUNT];
    for (name, value) in fields {
        let value = value.get();
        let at = value.as_ptr().addr() - text.as_ptr().addr() + 1;
        let Some(place) = position(&name) else {
            return Err(wrong(line, at, &format!("there is no column {name:?}")));
        };
        if std::mem::replace(&mut seen[place], true) {
            return Err(wrong(line, at, &format!("{name} is given twice")));
        }
        row[place] = read(COLUMNS[place].form, value).map_err(|what| wrong(line, at, &format!("{name} is {what}")))?;
    }
    Ok(row)
}

/// The text of a value as `PostgreSQL` reads it, or what is wrong with it.
fn read(form: Form, value: &str) -> Result<Option<String>, String> {
    let first = value.as_bytes().first().copied().unwrap_or_default();
    let string = || serde_json::from_str(value).map(Some).map_err(|error| error.to_string());
    match (form, first) {
        (Form::Text | Form::Number | Form::Flag, b'n') => Ok(None),
        (Form::Text | Form::Number, b'"') => string(),
        (Form::Json, _) | (Form::Number, b'-' | b'0'..=b'9') | (Form::Flag, b't' | b'f') => Ok(Some(value.to_owned())),
        (Form::Text, _) => Err("not a string".to_owned()),
        (Form::Number, _) => Err("not a number".to_owned()),
        (Form::Flag, _) => Err("neither true nor false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> Result<Vec<(u64, Row)>> {
        let mut lines = JsonLines::new(text.as_bytes());
        let mut rows = Vec::new();
        while let Some(row) = lines.next_row()? {
            rows.push(row);
        }
        Ok(rows)
    }

    fn value(row: &Row, name: &str) -> Option<String> {
        row[position(name).unwrap()].clone()
    }

    #[test]
    fn values_come_as_they_are_written() {
        let rows = read_all(
            "{\"id\": \"x\", \"story\": \"a\\u0001\\n\\\"\", \"repo_name\": null, \"degraded\": false}\n\n\
             {\"cat_attributes\": null, \"analysis_data\": {\"n\": 1e400, \"m\": 0.10}, \"code_quality_score\": \"NaN\"}",
        )
        .unwrap();
        assert_eq!((rows[0].0, rows[1].0), (1, 3));
        let (one, two) = (&rows[0].1, &rows[1].1);
        assert_eq!(value(one, "story").as_deref(), Some("a\u{1}\n\""));
        assert_eq!((value(one, "repo_name"), value(one, "cat_attributes")), (None, None));
        assert_eq!(value(one, "degraded").as_deref(), Some("false"));
        assert_eq!(value(two, "cat_attributes").as_deref(), Some("null"));
        assert_eq!(value(two, "analysis_data").as_deref(), Some("{\"n\": 1e400, \"m\": 0.10}"));
        assert_eq!(value(two, "code_quality_score").as_deref(), Some("NaN"));
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, told) in [
            ("{\"id\": \"x\"}\n{\"id\": ]}", "line 2, column 8: expected value"),
            ("[1]", "line 1, column 1: invalid type: sequence, expected an object"),
            ("{\"id\": 5}", "line 1, column 8: id is not a string"),
            ("{\"repo_size_kb\": [1]}", "line 1, column 18: repo_size_kb is not a number"),
            ("{\"degraded\": 1}", "line 1, column 14: degraded is neither true nor false"),
            ("{\"cat\": 1}", "line 1, column 9: there is no column \"cat\""),
            ("{\"id\": \"x\", \"id\": \"x\"}", "line 1, column 19: id is given twice"),
            ("{\"id\": \"x\"} x", "line 1, column 13: trailing characters"),
            ("{\"id\": \"x\"", "line 1, column 10: EOF while parsing an object"),
        ] {
            assert_eq!(read_all(text).unwrap_err().what(), told, "{text}");
        }
        let mut lines = JsonLines::new(&b"{\"id\": \"\xff\"}"[..]);
        assert_eq!(lines.next_row().unwrap_err().what(), "line 1, column 9: this is not UTF-8");
    }
}
