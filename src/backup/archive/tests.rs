//! Both readers, on dumps as `pg_dump` writes them, in pieces cut anywhere.

use proptest::prelude::*;

use super::custom::{CustomReader, DATA, LARGE_OBJECTS};
use super::plain::PlainReader;
use super::toc::write_int;
use super::*;

/// What a reader told, as text; rows and bytes that follow each other are put together.
fn read(mut reader: impl Reader, pieces: &[&[u8]]) -> Result<Vec<String>> {
    let mut told: Vec<String> = Vec::new();
    let mut tell = |part: Part<'_>| {
        let (what, bytes) = match part {
            Part::Contents { toc, raw } => (format!("contents {} {}", toc.entries.len(), raw.len()), &b""[..]),
            Part::Table { dump_id, schema, name, columns } => {
                (format!("table {dump_id} {schema}|{name}|{columns}"), &b""[..])
            }
            Part::Rows(rows) => ("rows ".to_owned(), rows),
            Part::TableEnd => ("end".to_owned(), &b""[..]),
            Part::LargeObjects { dump_id } => (format!("objects {dump_id}"), &b""[..]),
            Part::LargeObject(oid) => (format!("object {oid}"), &b""[..]),
            Part::LargeObjectBytes(bytes) => ("bytes ".to_owned(), bytes),
            Part::LargeObjectsEnd => ("objects end".to_owned(), &b""[..]),
            Part::Sequence(at) => {
                (format!("sequence {}|{} {} {}", at.schema, at.name, at.last_value, at.is_called), &b""[..])
            }
        };
        let bytes = bytes.escape_ascii().to_string();
        match told.last_mut() {
            Some(last) if what.ends_with(' ') && last.starts_with(&what) => last.push_str(&bytes),
            _ => told.push(what + &bytes),
        }
        Ok(())
    };
    for piece in pieces {
        reader.feed(piece, &mut tell)?;
    }
    reader.finish(&mut tell)?;
    Ok(told)
}

/// An archive under construction.
struct Archive(Vec<u8>, (u8, u8));

impl Archive {
    fn new(version: (u8, u8), compression: u8, entries: u32) -> Self {
        let mut archive = Self(b"PGDMP".to_vec(), version);
        archive.0.extend([version.0, version.1, 0, 4, 8, 1]);
        if version < (1, 15) {
            archive.int(u32::from(compression));
        } else {
            archive.0.push(compression);
        }
        for _ in 0..7 {
            archive.int(0);
        }
        for text in ["cats", "15.1", "15.2"] {
            archive.text(Some(text));
        }
        archive.int(entries);
        archive
    }

    fn int(&mut self, number: u32) {
        self.0.extend(write_int(number));
    }

    fn text(&mut self, text: Option<&str>) {
        self.int(text.map_or(u32::MAX, |text| text.len() as u32));
        self.0.extend(text.unwrap_or_default().as_bytes());
    }

    fn entry(&mut self, id: u32, has_data: bool, description: &str, tag: &str, definition: &str, copy: &str) {
        self.int(id);
        self.int(has_data.into());
        for text in ["0", "0", tag, description] {
            self.text(Some(text));
        }
        self.int(3);
        for text in [Some(definition), None, Some(copy), Some("public"), None, None] {
            self.text(text);
        }
        if self.1 >= (1, 16) {
            self.int(114);
        }
        for text in [Some("cat"), Some("false"), Some("17"), None] {
            self.text(text);
        }
        // As in a seekable file: the offset is known.
        self.0.push(2);
        self.0.extend([9; 8]);
    }

    fn block(&mut self, kind: u8, id: u32) {
        self.0.push(kind);
        self.int(id);
    }

    fn chunks(&mut self, chunks: &[&[u8]]) {
        for chunk in chunks {
            self.int(chunk.len() as u32);
            self.0.extend(*chunk);
        }
        self.int(0);
    }
}

fn archive(version: (u8, u8)) -> Vec<u8> {
    let mut archive = Archive::new(version, 0, 4);
    archive.entry(7, true, "TABLE DATA", "ca\"ts", "", "COPY public.\"ca\"\"ts\" (id, \"a)\") FROM stdin;\n");
    archive.entry(8, true, "TABLE DATA", "nothing", "", "COPY public.nothing  FROM stdin;\n");
    archive.entry(9, false, "SEQUENCE SET", "s", "SELECT pg_catalog.setval('public.s', -4, false);\n", "");
    archive.entry(10, true, "BLOBS", "BLOBS", "", "");
    archive.block(DATA, 8);
    archive.chunks(&[b"\\.\n\n\n"]);
    archive.block(DATA, 7);
    archive.chunks(&[b"1\ta\n", b"2\t\\\\.\n3\t\n", b"4", b"\tb", b"\n\\", b".\n\n", b"\n"]);
    archive.block(LARGE_OBJECTS, 10);
    archive.int(5);
    archive.chunks(&[b"ab", b"c\n"]);
    archive.int(u32::MAX);
    archive.chunks(&[]);
    archive.int(0);
    archive.0
}

const IN_ARCHIVE: [&str; 11] = [
    "sequence public|s -4 false",
    "table 8 public|nothing|",
    "end",
    "table 7 public|ca\"ts|(id, \"a)\")",
    r"rows 1\ta\n2\t\\\\.\n3\t\n4\tb\n",
    "end",
    "objects 10",
    "object 5",
    r"bytes abc\n",
    "object 4294967295",
    "objects end",
];

#[test]
fn an_archive_of_each_version_is_read() {
    for version in [(1, 14), (1, 15), (1, 16)] {
        let told = read(CustomReader::default(), &[&archive(version)]).unwrap();
        assert!(told[0].starts_with("contents 4 "));
        assert_eq!(told[1..], IN_ARCHIVE[..]);
    }
}

#[test]
fn an_archive_that_ends_anywhere_too_early_is_refused() {
    let whole = archive((1, 15));
    for end in 0..whole.len() {
        assert!(read(CustomReader::default(), &[&whole[..end]]).is_err(), "cut off at {end}");
    }
}

#[test]
fn what_is_no_archive_of_ours_is_refused() {
    let fails = |bytes: &[u8]| read(CustomReader::default(), &[bytes]).unwrap_err();
    assert!(fails(b"PGx").what().contains("no archive"));
    assert!(fails(&Archive::new((1, 13), 0, 0).0).what().contains("version 1.13"));
    assert!(fails(&Archive::new((1, 17), 0, 0).0).what().contains("version 1.17"));
    let mut tar = Archive::new((1, 15), 0, 0).0;
    tar[10] = 3;
    assert!(fails(&tar).what().contains("tar or directory"));

    let mut huge = Archive::new((1, 15), 0, 1);
    huge.int(1);
    huge.int(0);
    huge.int(i32::MAX as u32);
    assert_eq!(fails(&huge.0).kind(), Kind::TooLarge);

    let mut compressed = Archive::new((1, 14), 6, 1);
    compressed.entry(7, true, "TABLE DATA", "t", "", "COPY t FROM stdin;");
    compressed.block(DATA, 7);
    assert!(fails(&compressed.0).what().contains("compressed by pg_dump"));

    let mut stranger = Archive::new((1, 14), 0, 0);
    stranger.block(DATA, 7);
    assert!(fails(&stranger.0).what().contains("unknown entry 7"));
}

#[test]
fn a_reduced_archive_has_the_large_objects_and_no_offsets() {
    let whole = archive((1, 14));
    let mut reduced = Reduced::new(Vec::new());
    let mut tell = |part: Part<'_>| reduced.note(&part).map_err(|error| damaged(error.to_string()));
    let mut reader = CustomReader::default();
    reader.feed(&whole, &mut tell).unwrap();
    let bytes = reduced.finish().unwrap();
    let failure = read(CustomReader::default(), &[&bytes]).unwrap_err();
    assert!(failure.what().contains("without the data of `ca\"ts` and 1 more"), "{failure}");
    assert!(bytes.windows(9).any(|bytes| bytes == [1, 9, 9, 9, 9, 9, 9, 9, 9]));
    assert!(!bytes.windows(9).any(|bytes| bytes == [2, 9, 9, 9, 9, 9, 9, 9, 9]));
    let objects = [&[LARGE_OBJECTS][..], &write_int(10)].concat();
    let place = |bytes: &[u8]| bytes.windows(6).rposition(|bytes| bytes == objects).unwrap();
    assert!(bytes[place(&bytes)..] == whole[place(&whole)..]);
}

const PLAIN: &str = r#"--
-- PostgreSQL database dump
--

\restrict xAz09
SET standard_conforming_strings = on;
CREATE FUNCTION a() RETURNS void LANGUAGE sql AS $_$;
COPY public.fooled (id) FROM stdin;
1
\.
-- PostgreSQL database dump
$_$ COST 1; /* ; COPY a FROM stdin; /* nested */ ;
COPY public.fooled FROM stdin;
*/ COMMENT ON FUNCTION a() IS 'it''s; -- no comment
COPY public.fooled FROM stdin;
\';
CREATE FUNCTION b(begin integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 ELSE 2 END;
COPY public.fooled FROM stdin;
END;
COMMENT ON COLUMN x."'" IS E'\';
COPY public.fooled FROM stdin;
''\'';
CREATE RULE r AS ON INSERT TO t DO (SELECT 1;
COPY public.fooled FROM stdin;
);
SELECT a$1, $1 - -1 / 2;
COPY public."we""ird;" (id, "a)",
"--") FROM stdin;
1	'
2	\\.
\.


COPY public.nothing  FROM stdin;
\.
SELECT pg_catalog.setval('public."we''ird"', 42, true);
BEGIN;
SELECT pg_catalog.lo_open('16400', 131072);
SELECT pg_catalog.lowrite(0, '\x610a');
SELECT pg_catalog.lowrite(0, '\x62');
SELECT pg_catalog.lo_close(0);
SELECT pg_catalog.lo_open('16401', 131072);
COMMIT;
--
-- PostgreSQL database dump complete
--

\unrestrict x
"#;

const IN_PLAIN: [&str; 11] = [
    "table 0 public|we\"ird;|(id, \"a)\",\n\"--\")",
    r"rows 1\t\'\n2\t\\\\.\n",
    "end",
    "table 0 public|nothing|",
    "end",
    "sequence public|we'ird 42 true",
    "objects 0",
    "object 16400",
    r"bytes a\nb",
    "object 16401",
    "objects end",
];

#[test]
fn a_plain_dump_is_read_and_not_fooled() {
    assert_eq!(read(PlainReader::default(), &[PLAIN.as_bytes()]).unwrap(), IN_PLAIN);
}

#[test]
fn a_plain_dump_that_ends_before_its_last_comment_is_refused() {
    let complete = PLAIN.find(" complete").unwrap() + " complete".len();
    for end in 30..complete {
        assert!(read(PlainReader::default(), &[&PLAIN.as_bytes()[..end]]).is_err(), "cut off at {end}");
    }
    read(PlainReader::default(), &[&PLAIN.as_bytes()[..complete]]).unwrap();
}

#[test]
fn commands_to_psql_are_refused() {
    for text in ["\\! rm -r /\n", "\\connect other\n", "SELECT 1 \\! true\n;", "\\restrict x \\! true\n", "\\o |true"] {
        let failure = read(PlainReader::default(), &[text.as_bytes()]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Refused, "{text}");
    }
    assert_eq!(read(PlainReader::default(), &[b"SELECT '\\! true';\n\\unrestrict x"]).unwrap(), [""; 0]);
}

#[test]
fn backslashes_in_texts_are_what_the_dump_says_they_are() {
    let text = b"SET standard_conforming_strings = off;\nSELECT '\\';\nCOPY a FROM stdin;\n\\\\';\n";
    assert_eq!(read(PlainReader::default(), &[text]).unwrap(), [""; 0]);
}

fn pieces<'a>(text: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % text.len()).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect()
}

#[test]
fn single_bytes_are_pieces_enough() {
    let whole = archive((1, 16));
    let told = read(CustomReader::default(), &whole.chunks(1).collect::<Vec<_>>()).unwrap();
    assert_eq!(told[1..], IN_ARCHIVE[..]);
    let told = read(PlainReader::default(), &PLAIN.as_bytes().chunks(1).collect::<Vec<_>>()).unwrap();
    assert_eq!(told, IN_PLAIN);
}

proptest! {
    #[test]
    fn where_the_pieces_are_cut_does_not_count(cuts in proptest::collection::vec(0_usize..10_000, 0..20)) {
        let whole = archive((1, 15));
        let told = read(CustomReader::default(), &pieces(&whole, &cuts)).unwrap();
        prop_assert_eq!(&told[1..], &IN_ARCHIVE[..]);
        prop_assert_eq!(read(PlainReader::default(), &pieces(PLAIN.as_bytes(), &cuts)).unwrap(), IN_PLAIN);
    }

    #[test]
    fn no_bytes_are_too_strange(at in 0_usize..10_000, byte: u8, garbage in proptest::collection::vec(any::<u8>(), 0..300)) {
        for text in [archive((1, 15)), PLAIN.as_bytes().to_vec()] {
            let mut text = text;
            let at = at % text.len();
            text[at] = byte;
            text.extend(garbage.clone());
            // Whatever is made of it, neither reader panics.
            let _ = read(CustomReader::default(), &[&text]);
            let _ = read(PlainReader::default(), &[&text]);
        }
    }
}
