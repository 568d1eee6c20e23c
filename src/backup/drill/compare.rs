//! Comparing what was restored with what the manifest says: rows, sequences, large objects.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt;
use tokio::task::JoinSet;

use super::fetch::Contents;
use super::{Found, Stop};
use crate::backup::Reporter;
use crate::backup::drill::scratch::{DATABASE, Scratch};
use crate::db::restored::{self, Part, Table};
use crate::db::source::rows::read_as_dumps_do;
use crate::db::{Session, server::Server};
use crate::model::backup::manifest::Sequence;
use crate::model::backup::verdict::Difference;
use crate::model::backup::{Fingerprint, Manifest, Tally};
use crate::model::failure::{Failure, Kind, Result};

/// Connections that read at once.
const AT_ONCE: usize = 2;
/// Blocks that are read with one statement: a large table is read by several connections.
const BLOCKS: u64 = 32 * 1024;

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

/// A part of a table that is to be read.
struct Task {
    /// Place among those of the manifest; further tables come after them.
    place: usize,
    table: Arc<Table>,
    columns: Arc<str>,
    from: u64,
    to: Option<u64>,
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
    let tables = restored::tables(&mut session).await?;
    let mut there: HashMap<_, _> =
        tables.into_iter().map(|table| ((table.schema.clone(), table.name.clone()), Arc::new(table))).collect();
    let mut tasks = VecDeque::new();
    let mut is_there = Vec::new();
    for (place, expected) in manifest.tables.iter().enumerate() {
        let table = there.remove(&(expected.schema.clone(), expected.name.clone()));
        is_there.push(table.is_some());
        let Some(table) = table else { continue };
        // Whoever wrote the manifest, a name of a column stays one.
        let columns = restored::columns(&expected.columns)
            .map_err(|failure| Stop::Failed(format!("the manifest: table {}: {failure}", expected.name)))?;
        tasks.extend(parts(place, &table, &columns.into()));
    }
    let extra: Vec<_> = there.into_values().filter(|table| !table.of_extension).collect();
    let all_columns = Arc::from("");
    tasks.extend(extra.iter().zip(is_there.len()..).flat_map(|(table, place)| parts(place, table, &all_columns)));
    let encoding = contents.encoding(manifest).to_owned();
    let sums = vec![Fingerprint::default(); is_there.len() + extra.len()];
    let came_back = read(scratch.server(), application, encoding, tasks, sums, report).await?;
    let mut compared = Compared::default();
    for ((expected, found_rows), is_there) in manifest.tables.iter().zip(&came_back).zip(&is_there) {
        let found_rows = is_there.then_some(*found_rows);
        compared.tables += u64::from(*is_there);
        compared.rows += found_rows.map_or(0, |rows| rows.rows);
        if found_rows != Some(expected.fingerprint) {
            let table = format!("{}.{}", expected.schema, expected.name);
            found.add(Difference::Rows { table, expected: expected.fingerprint, found: found_rows });
        }
    }
    for (extra, rows) in extra.iter().zip(&came_back[is_there.len()..]) {
        let table = format!("{}.{}", extra.schema, extra.name);
        found.add(Difference::Rows { table, expected: Fingerprint::default(), found: Some(*rows) });
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

/// The parts that a table is read in.
fn parts(place: usize, table: &Arc<Table>, columns: &Arc<str>) -> impl Iterator<Item = Task> {
    let is_cut = !columns.is_empty() && table.condition.is_empty() && table.blocks > BLOCKS;
    let last = if is_cut { (table.blocks - 1) / BLOCKS } else { 0 };
    (0..=last).map(move |part| Task {
        place,
        table: Arc::clone(table),
        columns: Arc::clone(columns),
        from: part * BLOCKS,
        to: (part < last).then_some((part + 1) * BLOCKS),
    })
}

/// Reads parts on several connections and adds up what each table amounts to.
async fn read(
    server: &Server,
    application: &str,
    encoding: String,
    tasks: VecDeque<Task>,
    mut sums: Vec<Fingerprint>,
    report: &Reporter,
) -> Result<Vec<Fingerprint>> {
    let total = tasks.len() as u64;
    let tasks = Arc::new(Mutex::new(tasks));
    let encoding: Arc<str> = encoding.into();
    let mut readers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let mut session = server.connect(DATABASE, application).await?;
        read_as_dumps_do(&mut session).await?;
        let (tasks, encoding) = (Arc::clone(&tasks), Arc::clone(&encoding));
        let (report, next) = (Reporter::clone(report), move || pop(&tasks));
        readers.spawn(async move {
            let mut read = Vec::new();
            while let Some((left, task)) = next() {
                report.report(total - left, total, &format!("comparing {}.{}", task.table.schema, task.table.name));
                read.push((task.place, rows_of(&mut session, &task, &encoding).await?));
            }
            drop(session.close().await);
            Ok::<_, Failure>(read)
        });
    }
    while let Some(ended) = readers.join_next().await {
        let read = ended.map_err(|error| Failure::new(Kind::Internal, "comparing broke").source(error))?;
        for (place, part) in read? {
            sums[place].merge(&part);
        }
    }
    Ok(sums)
}

/// The next part, and how many are left with it.
fn pop(tasks: &Mutex<VecDeque<Task>>) -> Option<(u64, Task)> {
    let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
    let left = tasks.len() as u64;
    tasks.pop_front().map(|task| (left, task))
}

async fn rows_of(session: &mut Session<'_>, task: &Task, encoding: &str) -> Result<Fingerprint> {
    let Task { table, columns, from, to, .. } = task;
    let part = Part { table, columns, from: *from, to: *to, encoding };
    let mut rows = restored::copy_out(session, &part).await?;
    let mut tally = Tally::default();
    while let Some(piece) = rows.try_next().await? {
        tally.feed(&piece);
    }
    Ok(tally.finish())
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

/// A difference in words.
pub(super) fn in_words(difference: &Difference) -> String {
    match difference {
        Difference::Rows { table, found: None, .. } => format!("table {table} did not come back"),
        Difference::Rows { table, expected, found: Some(found) } if expected == found => {
            format!("table {table} was not there")
        }
        Difference::Rows { table, expected, found: Some(found) } if expected.rows == found.rows => {
            format!("table {table}: as many rows ({}), but not the same", expected.rows)
        }
        Difference::Rows { table, expected, found: Some(found) } => {
            format!("table {table}: {} rows, and there were {}", found.rows, expected.rows)
        }
        Difference::Sequence { sequence, expected, found } => {
            let found = found.as_deref().unwrap_or("nowhere");
            format!("sequence {sequence} stands at {found}, and stood at {expected}")
        }
        Difference::LargeObjects { expected, found } => {
            format!(
                "large objects: {} of {} bytes, and there were {} of {}",
                found.rows, found.bytes, expected.rows, expected.bytes
            )
        }
        Difference::Missing { object } => format!("missing: {object}"),
        Difference::Picture { key } => format!("no picture {key}"),
        Difference::Damage { words } => format!("damage: {words}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_table_is_read_in_parts_that_leave_nothing_out() {
        let cut = |blocks, condition: &str, columns: &str| {
            let table = Table { blocks, condition: condition.into(), ..table() };
            parts(0, &Arc::new(table), &columns.into()).map(|task| (task.from, task.to)).collect::<Vec<_>>()
        };
        assert_eq!(cut(0, "", "a"), [(0, None)]);
        assert_eq!(cut(BLOCKS, "", "a"), [(0, None)]);
        assert_eq!(cut(2 * BLOCKS + 1, "", "a"), [(0, Some(BLOCKS)), (BLOCKS, Some(2 * BLOCKS)), (2 * BLOCKS, None)]);
        assert_eq!(cut(2 * BLOCKS, "WHERE true", "a"), [(0, None)]);
        assert_eq!(cut(2 * BLOCKS, "", ""), [(0, None)]);
    }

    fn table() -> Table {
        Table { schema: "public".into(), name: "cats".into(), blocks: 0, condition: String::new(), of_extension: false }
    }
}
