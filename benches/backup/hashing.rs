//! What the fingerprints of the rows cost: the dump's stream, read as a backup reads it.

use std::fs::File;
use std::io::Read as _;
use std::time::Instant;

use repo_to_cat::backup::archive::{Inventory, reader};
use repo_to_cat::model::backup::Format;

use crate::Result;
use crate::bed::Bed;

/// Bytes that a backup reads of `pg_dump` at once.
const PIECE_BYTES: usize = 256 << 10;

/// Seconds that it takes on one core to tell rows from the rest and to fingerprint them; the reading is left out.
pub fn seconds(bed: &Bed, database: &str) -> Result<f64> {
    bed.shell(database, r#"pg_dump -Fc -Z0 -f "$OUT/raw" "$URL""#)?;
    let mut file = File::open(bed.out().join("raw"))?;
    let (mut reader, mut inventory) = (reader(Format::Custom), Inventory::default());
    let mut piece = vec![0; PIECE_BYTES];
    let mut seconds = 0.0;
    loop {
        let read = file.read(&mut piece)?;
        let start = Instant::now();
        let mut tell = |part: repo_to_cat::backup::archive::Part<'_>| {
            inventory.note(&part);
            Ok(())
        };
        if read == 0 {
            reader.finish(&mut tell)?;
        } else {
            reader.feed(&piece[..read], &mut tell)?;
        }
        seconds += start.elapsed().as_secs_f64();
        if read == 0 {
            break;
        }
    }
    let (tables, ..) = inventory.finish();
    if tables.iter().all(|table| table.fingerprint.rows == 0) {
        return Err("no row was fingerprinted".into());
    }
    Ok(seconds)
}
