//! Comparing the rows of a restored database with what a manifest says: they are read again, as a dump would, and large
//! tables in parts by several connections at once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::backup::Reporter;
use crate::db::restored::{self, Part, Table};
use crate::db::source::rows::read_as_dumps_do;
use crate::db::{Session, server::Server};
use crate::model::backup::verdict::Difference;
use crate::model::backup::{Fingerprint, Tally, manifest};
use crate::model::failure::{Failure, Kind, Result};

/// Blocks that are read with one statement.
const BLOCKS: u64 = 32 * 1024;

/// How much was compared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Tables.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
}

/// Where rows are read, and how.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// The server.
    pub server: &'a Server,
    /// The database.
    pub database: &'a str,
    /// What the sessions are called.
    pub application: &'a str,
    /// The encoding of the dump's text.
    pub encoding: &'a str,
    /// Connections that read at once.
    pub connections: u8,
}

/// What is to be compared with what.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    tables: Vec<Compares>,
    parts: VecDeque<Task>,
}

/// A table that is compared.
#[derive(Debug)]
struct Compares {
    /// `schema.table`, for people.
    name: String,
    expected: Fingerprint,
    is_there: bool,
    is_expected: bool,
}

/// A part of a table that is to be read.
#[derive(Debug)]
struct Task {
    /// Which of the comparison's tables.
    place: usize,
    table: Arc<Table>,
    columns: Arc<str>,
    from: u64,
    to: Option<u64>,
}

impl Comparison {
    /// Compares the tables that are expected with those of the same name, and gives back those that nobody expects.
    ///
    /// Fails where a manifest's list of columns is none.
    pub fn of<'a>(
        expected: impl IntoIterator<Item = &'a manifest::Table>,
        there: Vec<Table>,
    ) -> Result<(Self, Vec<Table>)> {
        let mut there: HashMap<_, _> =
            there.into_iter().map(|table| ((table.schema.clone(), table.name.clone()), table)).collect();
        let mut comparison = Self::default();
        for expected in expected {
            let name = format!("{}.{}", expected.schema, expected.name);
            let table = there.remove(&(expected.schema.clone(), expected.name.clone()));
            let is_there = table.is_some();
            if let Some(table) = table {
                let columns = restored::columns(&expected.columns)
                    .map_err(|failure| failure.context(format!("the manifest: table {name}")))?;
                comparison.parts.extend(parts(comparison.tables.len(), table, &columns));
            }
            comparison.tables.push(Compares { name, expected: expected.fingerprint, is_there, is_expected: true });
        }
        Ok((comparison, there.into_values().collect()))
    }

    /// Has a table told, with all of its rows, that should not be there.
    pub fn add_unexpected(&mut self, table: Table) {
        let name = format!("{}.{}", table.schema, table.name);
        self.parts.extend(parts(self.tables.len(), table, ""));
        let expected = Fingerprint::default();
        self.tables.push(Compares { name, expected, is_there: true, is_expected: false });
    }

    /// Reads all rows; how much was compared, and what differs.
    pub async fn read(self, reader: &Reader<'_>, report: &Reporter) -> Result<(Compared, Vec<Difference>)> {
        let sums = read(reader, self.parts, self.tables.len(), report).await?;
        let (mut compared, mut differences) = (Compared::default(), Vec::new());
        for (Compares { name, expected, is_there, is_expected }, sum) in self.tables.into_iter().zip(sums) {
            compared.tables += u64::from(is_there && is_expected);
            compared.rows += if is_expected { sum.rows } else { 0 };
            let found = is_there.then_some(sum);
            if found != Some(expected) || !is_expected {
                differences.push(Difference::Rows { table: name, expected, found });
            }
        }
        Ok((compared, differences))
    }
}

/// The parts that a table is read in.
fn parts(place: usize, table: Table, columns: &str) -> impl Iterator<Item = Task> + use<> {
    let is_cut = !columns.is_empty() && table.condition.is_empty() && table.blocks > BLOCKS;
    let last = if is_cut { (table.blocks - 1) / BLOCKS } else { 0 };
    let (table, columns) = (Arc::new(table), Arc::<str>::from(columns));
    (0..=last).map(move |part| Task {
        place,
        table: Arc::clone(&table),
        columns: Arc::clone(&columns),
        from: part * BLOCKS,
        to: (part < last).then_some((part + 1) * BLOCKS),
    })
}

/// Reads parts on several connections and adds up what each table amounts to.
async fn read(
    reader: &Reader<'_>,
    parts: VecDeque<Task>,
    tables: usize,
    report: &Reporter,
) -> Result<Vec<Fingerprint>> {
    let total = parts.len() as u64;
    let parts = Arc::new(Mutex::new(parts));
    let encoding: Arc<str> = reader.encoding.into();
    let mut readers = JoinSet::new();
    for _ in 0..reader.connections.max(1) {
        let mut session = reader.server.connect(reader.database, reader.application).await?;
        read_as_dumps_do(&mut session).await?;
        let (parts, encoding, report) = (Arc::clone(&parts), Arc::clone(&encoding), Reporter::clone(report));
        readers.spawn(async move {
            let mut read = Vec::new();
            while let Some((left, part)) = pop(&parts) {
                report.report(total - left, total, &format!("comparing {}.{}", part.table.schema, part.table.name));
                read.push((part.place, rows_of(&mut session, &part, &encoding).await?));
            }
            drop(session.close().await);
            Ok::<_, Failure>(read)
        });
    }
    let mut sums = vec![Fingerprint::default(); tables];
    while let Some(ended) = readers.join_next().await {
        let read = ended.map_err(|error| Failure::new(Kind::Internal, "comparing broke").source(error))?;
        for (place, part) in read? {
            sums[place].merge(&part);
        }
    }
    Ok(sums)
}

/// The next part, and how many are left with it.
fn pop(parts: &Mutex<VecDeque<Task>>) -> Option<(u64, Task)> {
    let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
    let left = parts.len() as u64;
    parts.pop_front().map(|part| (left, part))
}

async fn rows_of(session: &mut Session<'_>, part: &Task, encoding: &str) -> Result<Fingerprint> {
    let Task { table, columns, from, to, .. } = part;
    let mut rows = restored::copy_out(session, &Part { table, columns, from: *from, to: *to, encoding }).await?;
    let mut tally = Tally::default();
    while let Some(piece) = rows.try_next().await? {
        tally.feed(&piece);
    }
    Ok(tally.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_table_is_read_in_parts_that_leave_nothing_out() {
        let cut = |blocks, condition: &str, columns: &str| {
            let table = Table { blocks, condition: condition.into(), ..table("cats") };
            parts(0, table, columns).map(|task| (task.from, task.to)).collect::<Vec<_>>()
        };
        assert_eq!(cut(0, "", "a"), [(0, None)]);
        assert_eq!(cut(BLOCKS, "", "a"), [(0, None)]);
        assert_eq!(cut(2 * BLOCKS + 1, "", "a"), [(0, Some(BLOCKS)), (BLOCKS, Some(2 * BLOCKS)), (2 * BLOCKS, None)]);
        assert_eq!(cut(2 * BLOCKS, "WHERE true", "a"), [(0, None)]);
        assert_eq!(cut(2 * BLOCKS, "", ""), [(0, None)]);
    }

    #[test]
    fn tables_that_nobody_expects_are_given_back() {
        let expected = manifest::Table {
            schema: "public".into(),
            name: "cats".into(),
            columns: String::new(),
            fingerprint: Fingerprint::default(),
        };
        let (comparison, rest) = Comparison::of([&expected], vec![table("dogs"), table("cats")]).unwrap();
        assert_eq!(rest, [table("dogs")]);
        assert_eq!(comparison.parts.len(), 1);
        let (comparison, rest) = Comparison::of([&expected], Vec::new()).unwrap();
        assert!(rest.is_empty() && comparison.parts.is_empty() && !comparison.tables[0].is_there);
    }

    fn table(name: &str) -> Table {
        Table { schema: "public".into(), name: name.into(), blocks: 0, condition: String::new(), of_extension: false }
    }
}
