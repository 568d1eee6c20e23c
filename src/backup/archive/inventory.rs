//! What is in a dump: fingerprints of its tables, where its sequences stand, its large objects.

use super::Part;
use crate::model::backup::{Fingerprint, Tally, manifest};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Makes the inventory of a dump while it streams by.
#[derive(Debug, Default)]
pub struct Inventory {
    tables: Vec<manifest::Table>,
    /// Of the last table, while its rows come.
    rows: Tally,
    sequences: Vec<manifest::Sequence>,
    /// Once there are large objects.
    objects: Option<Tally>,
    is_in_object: bool,
}

impl Inventory {
    /// Takes in a part.
    pub fn note(&mut self, part: &Part<'_>) {
        match part {
            Part::Rows(rows) => self.rows.feed(rows),
            Part::Contents { .. } => {}
            Part::Table { schema, name, columns, .. } => self.tables.push(manifest::Table {
                schema: (*schema).to_owned(),
                name: (*name).to_owned(),
                columns: (*columns).to_owned(),
                fingerprint: Fingerprint::default(),
            }),
            Part::TableEnd => {
                let rows = std::mem::take(&mut self.rows).finish();
                if let Some(table) = self.tables.last_mut() {
                    table.fingerprint = rows;
                }
            }
            Part::LargeObjects { .. } | Part::LargeObjectsEnd => self.end_object(),
            Part::LargeObject(oid) => {
                self.end_object();
                self.objects.get_or_insert_default().feed(format!("{oid}\t").as_bytes());
                self.is_in_object = true;
            }
            Part::LargeObjectBytes(bytes) => self.object_bytes(bytes),
            Part::Sequence(sequence) => self.sequences.push(sequence.clone()),
        }
    }

    /// Rows of all tables that have ended.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.fingerprint.rows).sum()
    }

    /// What was in it: tables with fingerprints, sequences, large objects (one row each, as
    /// [`manifest::Manifest::large_objects`] has them).
    #[must_use]
    pub fn finish(mut self) -> (Vec<manifest::Table>, Vec<manifest::Sequence>, Option<Fingerprint>) {
        self.end_object();
        (self.tables, self.sequences, self.objects.map(Tally::finish))
    }

    fn object_bytes(&mut self, bytes: &[u8]) {
        let Some(objects) = &mut self.objects else { return };
        let mut text = [0; 8192];
        for bytes in bytes.chunks(text.len() / 2) {
            for (byte, digits) in bytes.iter().zip(text.as_chunks_mut::<2>().0) {
                *digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            }
            objects.feed(&text[..bytes.len() * 2]);
        }
    }

    fn end_object(&mut self) {
        if let Some(objects) = &mut self.objects
            && std::mem::take(&mut self.is_in_object)
        {
            objects.feed(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_was_told() {
        let mut inventory = Inventory::default();
        let table = |name| Part::Table { dump_id: 1, schema: "public", name, columns: "(id)" };
        let oid = Part::LargeObject;
        for part in [
            table("a"),
            Part::Rows(b"1\n2"),
            Part::Rows(b"\n"),
            Part::TableEnd,
            table("b"),
            Part::TableEnd,
            Part::LargeObjects { dump_id: 2 },
            oid(7),
            Part::LargeObjectBytes(b"\x00"),
            Part::LargeObjectBytes(b"\xff\n"),
            oid(8),
            Part::LargeObjectsEnd,
        ] {
            inventory.note(&part);
        }
        let (tables, sequences, objects) = inventory.finish();
        let of = |rows: &[&str]| {
            let mut fingerprint = Fingerprint::default();
            for row in rows {
                fingerprint.add(row.as_bytes());
            }
            fingerprint
        };
        assert_eq!(tables[0].fingerprint, of(&["2", "1"]));
        assert_eq!((&*tables[1].name, tables[1].fingerprint), ("b", of(&[])));
        assert_eq!(objects, Some(of(&["7\t00ff0a", "8\t"])));
        assert!(sequences.is_empty());
    }
}
