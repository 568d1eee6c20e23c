//! The few statements of a dump that tell where something stands: COPY, `setval`, and those of large objects.

use std::borrow::Cow;

use crate::model::backup::manifest::Sequence;

/// `COPY schema.name (columns) FROM stdin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy<'a> {
    /// The table's schema; empty where none is given.
    pub schema: String,
    /// The table.
    pub name: String,
    /// Its columns with brackets, as they stand there; empty where none are given.
    pub columns: &'a str,
}

impl<'a> Copy<'a> {
    /// Reads the statement; `None` where it is another, or has options, as `pg_dump`'s never has.
    pub fn read(text: &'a str) -> Option<Self> {
        let (mut schema, mut name, rest) = qualified(word(text, "COPY")?)?;
        if name.is_empty() {
            (schema, name) = (String::new(), schema);
        }
        let rest = rest.trim_start();
        let (columns, rest) = if rest.starts_with('(') { bracketed(rest)? } else { ("", rest) };
        let rest = word(word(rest, "FROM")?, "stdin")?;
        matches!(rest.trim(), "" | ";").then_some(Self { schema, name, columns })
    }
}

/// `SELECT pg_catalog.setval('schema.name', 42, true)`.
pub(super) fn setval(text: &str) -> Option<Sequence> {
    let (name, rest) = literal(word(text, "SELECT")?.trim_start().strip_prefix("pg_catalog.setval(")?)?;
    let (schema, name, after) = qualified(&name)?;
    let (last_value, rest) = rest.strip_prefix(", ")?.split_once(", ")?;
    let is_called = match rest.trim_end().trim_end_matches(';') {
        "true)" => true,
        "false)" => false,
        _ => return None,
    };
    after.is_empty().then_some(Sequence { schema, name, last_value: last_value.parse().ok()?, is_called })
}

/// The object that `SELECT pg_catalog.lo_open('16400', 131072)` opens.
pub(super) fn lo_open(text: &str) -> Option<u32> {
    let (oid, _) = literal(word(text, "SELECT")?.trim_start().strip_prefix("pg_catalog.lo_open(")?)?;
    oid.parse().ok()
}

/// The bytes that `SELECT pg_catalog.lowrite(0, '\x6361')` writes.
pub(super) fn lowrite(text: &str) -> Option<Vec<u8>> {
    let (digits, _) = text.strip_prefix("SELECT pg_catalog.lowrite(0, '")?.split_once('\'')?;
    let digits = digits.trim_start_matches('\\').strip_prefix('x')?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// What follows a word, in letters of any case.
fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let (found, rest) = text.split_at_checked(word.len())?;
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$'));
    (found.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// `schema.name` or `name` alone, then the second is empty; and what follows.
fn qualified(text: &str) -> Option<(String, String, &str)> {
    let (first, rest) = identifier(text.trim_start())?;
    match rest.strip_prefix('.') {
        None => Some((first, String::new(), rest)),
        Some(rest) => identifier(rest).map(|(second, rest)| (first, second, rest)),
    }
}

/// An identifier, unquoted, and what follows.
fn identifier(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return until(quoted, '"').map(|(name, rest)| (name.into_owned(), rest));
    }
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii();
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

/// A text in quotes, and what follows.
fn literal(text: &str) -> Option<(Cow<'_, str>, &str)> {
    match text.strip_prefix(['E', 'e']) {
        None => until(text.strip_prefix('\'')?, '\''),
        // Names with backslashes where they have a meaning: doubled, as quotes are.
        Some(text) => {
            let (value, rest) = until(text.strip_prefix('\'')?, '\'')?;
            Some((value.replace("\\\\", "\\").into(), rest))
        }
    }
}

/// What stands before the closing quote, where a doubled one stands for itself; and what follows.
fn until(text: &str, quote: char) -> Option<(Cow<'_, str>, &str)> {
    let mut from = 0;
    let mut has_doubled = false;
    loop {
        let at = from + text[from..].find(quote)?;
        if text[at + 1..].starts_with(quote) {
            has_doubled = true;
            from = at + 2;
            continue;
        }
        let (value, rest) = (&text[..at], &text[at + 1..]);
        let doubled: String = [quote, quote].iter().collect();
        let value = if has_doubled { value.replace(&doubled, &quote.to_string()).into() } else { value.into() };
        return Some((value, rest));
    }
}

/// A list in brackets, which may stand in the identifiers, too; and what follows.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b')' if !is_quoted => return Some(text.split_at(at + 1)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_read_whatever_its_names_are() {
        let copy = |text| Copy::read(text).map(|copy| (copy.schema, copy.name, copy.columns));
        let of = |schema: &str, name: &str, columns| Some((schema.to_owned(), name.to_owned(), columns));
        assert_eq!(copy("COPY public.cats (id, name) FROM stdin;\n"), of("public", "cats", "(id, name)"));
        assert_eq!(copy("COPY public.nothing  FROM stdin;"), of("public", "nothing", ""));
        assert_eq!(copy("copy cats from STDIN"), of("", "cats", ""));
        assert_eq!(
            copy("COPY \"a.b\".\"we\"\"ird (1)\nFROM stdin;\" (\"c)\"\",\", größe) FROM stdin"),
            of("a.b", "we\"ird (1)\nFROM stdin;", "(\"c)\"\",\", größe)")
        );
        for other in
            ["COPY cats TO stdout", "COPY cats FROM stdin CSV", "COPYING", "COPY (SELECT 1) FROM stdin", "COPY \"a"]
        {
            assert_eq!(copy(other), None, "{other}");
        }
    }

    #[test]
    fn where_a_sequence_stands_is_read() {
        let sequence = setval("SELECT pg_catalog.setval('public.\"we''ird\"\"\"', -42, false);\n").unwrap();
        assert_eq!((&*sequence.schema, &*sequence.name), ("public", "we'ird\""));
        assert_eq!((sequence.last_value, sequence.is_called), (-42, false));
        assert_eq!(setval("SELECT pg_catalog.setval('public.s', 42, maybe);"), None);
    }

    #[test]
    fn large_objects_are_read() {
        assert_eq!(lo_open("SELECT pg_catalog.lo_open('4294967295', 131072)"), Some(u32::MAX));
        assert_eq!(lowrite("SELECT pg_catalog.lowrite(0, '\\x00fF')"), Some(vec![0, 255]));
        assert_eq!(lowrite("SELECT pg_catalog.lowrite(0, '\\\\x')"), Some(vec![]));
        assert_eq!(lowrite("SELECT pg_catalog.lowrite(0, '\\x0')"), None);
    }
}
