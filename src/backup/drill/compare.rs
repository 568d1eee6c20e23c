//! Comparing what was restored with what the manifest says: rows, sequences, large objects.

use super::fetch::Contents;
use super::{Found, Stop};
use crate::backup::Reporter;
use crate::backup::comparing::{Comparison, Reader};
use crate::backup::drill::scratch::{DATABASE, Scratch};
use crate::db::Session;
use crate::db::restored;
use crate::model::backup::manifest::Sequence;
use crate::model::backup::verdict::Difference;
use crate::model::backup::{Fingerprint, Manifest, Tally};
use crate::model::failure::Result;

/// Connections that read at once.
const AT_ONCE: u8 = 2;

/// How much was compared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compared {
    /// Tables.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
    /// Sequences and large objects.
    pub others: u64,
}

/// Compares all rows, sequences and large objects.
pub(super) async fn rows(
    scratch: &Scratch,
    manifest: &Manifest,
    contents: &Contents,
    application: &str,
    report: &Reporter,
    found: &mut Found,
) -> Result<Compared, Stop> {
    let mut session = scratch.server().connect(DATABASE, application).await?;
    if restored::unlike_money(&mut session, &manifest.source).await? {
        let locale = &manifest.source.lc_monetary;
        return Err(Stop::Unverifiable(format!(
            "columns of type money cannot be compared: there is no locale {locale} here"
        )));
    }
    let there = restored::tables(&mut session).await?;
    // Whoever wrote the manifest, a name of a column stays one.
    let (mut comparison, extra) =
        Comparison::of(&manifest.tables, there).map_err(|failure| Stop::Failed(failure.to_string()))?;
    for table in extra.into_iter().filter(|table| !table.of_extension) {
        comparison.add_unexpected(table);
    }
    let reader = Reader {
        server: scratch.server(),
        database: DATABASE,
        application,
        encoding: contents.encoding(manifest),
        connections: AT_ONCE,
    };
    let (of_rows, differences) = comparison.read(&reader, report).await?;
    let mut compared = Compared { tables: of_rows.tables, rows: of_rows.rows, others: 0 };
    for difference in differences {
        found.add(difference);
    }
    for expected in &manifest.sequences {
        compared.others += 1;
        found_sequence(&mut session, expected, found).await?;
    }
    let objects = large_objects(&mut session).await?;
    let expected = manifest.large_objects.unwrap_or_default();
    compared.others += objects.rows;
    if objects != expected {
        found.add(Difference::LargeObjects { expected, found: objects });
    }
    drop(session.close().await);
    Ok(compared)
}

async fn found_sequence(session: &mut Session<'_>, expected: &Sequence, found: &mut Found) -> Result<()> {
    let Sequence { schema, name, last_value, is_called } = expected;
    let stands = restored::sequence(session, schema, name).await?;
    if stands != Some((*last_value, *is_called)) {
        found.add(Difference::Sequence {
            sequence: format!("{schema}.{name}"),
            expected: standing((*last_value, *is_called)),
            found: stands.map(standing),
        });
    }
    Ok(())
}

/// Where a sequence stands, in words.
fn standing((last_value, is_called): (i64, bool)) -> String {
    format!("{last_value}, {}", if is_called { "given" } else { "not given yet" })
}

/// All large objects, each as a row of its number and its bytes in hexadecimal digits, as the manifest has them.
async fn large_objects(session: &mut Session<'_>) -> Result<Fingerprint> {
    let mut tally = Tally::default();
    let mut after = 0;
    loop {
        let objects = restored::large_objects(session, after).await?;
        let Some((last, _)) = objects.last() else { return Ok(tally.finish()) };
        after = *last;
        for (oid, mut piece) in objects {
            tally.feed(format!("{oid}\t").as_bytes());
            let mut offset = 0;
            loop {
                tally.feed(&digits(&piece));
                offset += piece.len() as u64;
                if !restored::is_cut(&piece) {
                    break;
                }
                piece = restored::large_object_piece(session, oid, offset).await?;
            }
            tally.feed(b"\n");
        }
    }
}

/// Bytes in hexadecimal digits.
fn digits(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}
