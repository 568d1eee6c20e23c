//! Whether what was restored is what the manifest says: each table's rows are read again, as a dump would.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::backup::Reporter;
use crate::db::restored::{self, Part};
use crate::db::source::rows::read_as_dumps_do;
use crate::db::{Session, server::Server};
use crate::model::backup::{Fingerprint, Manifest, Tally, manifest};
use crate::model::failure::{Failure, Kind, Result};

/// Tables that are named where they differ.
const NAMED: usize = 10;

/// How much was compared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Tables.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
}

/// A table that is to be read.
struct Task {
    expected: manifest::Table,
    found: restored::Table,
    columns: String,
}

/// Whether a table is one of those that are wanted, by `schema.table` or `table`; all are where none is named.
pub(super) fn is_wanted(table: &manifest::Table, wanted: &[String]) -> bool {
    let is_it = |name: &String| {
        *name == table.name
            || name.strip_prefix(&table.schema).and_then(|rest| rest.strip_prefix('.')) == Some(&table.name)
    };
    wanted.is_empty() || wanted.iter().any(is_it)
}

/// Reads the wanted tables of a restored database on `connections` at once; fails where one is not as it was.
pub(super) async fn compare(
    server: &Server,
    database: &str,
    manifest: &Manifest,
    wanted: &[String],
    connections: u8,
    report: &Reporter,
) -> Result<Compared> {
    let mut session = connect(server, database).await?;
    let is_unlike = restored::unlike_money(&mut session, &manifest.source).await?;
    let tables = restored::tables(&mut session).await?;
    drop(session.close().await);
    if is_unlike {
        let what = format!("money is written otherwise here: there is no locale {}", manifest.source.lc_monetary);
        return Err(Failure::new(Kind::Environment, what).hint("install it; or say --no-verify"));
    }
    let mut there: HashMap<_, _> =
        tables.into_iter().map(|table| ((table.schema.clone(), table.name.clone()), table)).collect();
    let (mut tasks, mut differing) = (VecDeque::new(), Vec::new());
    for expected in manifest.tables.iter().filter(|table| is_wanted(table, wanted)) {
        match there.remove(&(expected.schema.clone(), expected.name.clone())) {
            Some(found) => {
                let columns = restored::columns(&expected.columns)?;
                tasks.push_back(Task { expected: expected.clone(), found, columns });
            }
            None => differing.push(format!("{}.{} is not there", expected.schema, expected.name)),
        }
    }
    let total = tasks.len() as u64;
    let tasks = Arc::new(Mutex::new(tasks));
    let encoding: Arc<str> = manifest.source.encoding.as_str().into();
    let mut readers = JoinSet::new();
    for _ in 0..connections.max(1) {
        let mut session = connect(server, database).await?;
        let (tasks, encoding, report) = (Arc::clone(&tasks), Arc::clone(&encoding), Reporter::clone(report));
        readers.spawn(async move {
            let (mut compared, mut differing) = (Compared::default(), Vec::new());
            while let Some((left, Task { expected, found, columns })) = pop(&tasks) {
                report.report(total - left, total, &format!("comparing {}.{}", expected.schema, expected.name));
                let rows = rows_of(&mut session, &found, &columns, &encoding).await?;
                compared.tables += 1;
                compared.rows += rows.rows;
                if rows != expected.fingerprint {
                    differing.push(in_words(&expected, rows));
                }
            }
            drop(session.close().await);
            Ok::<_, Failure>((compared, differing))
        });
    }
    let mut compared = Compared::default();
    while let Some(ended) = readers.join_next().await {
        let (part, others) = ended.map_err(|error| Failure::new(Kind::Internal, "comparing broke").source(error))??;
        compared.tables += part.tables;
        compared.rows += part.rows;
        differing.extend(others);
    }
    if differing.is_empty() {
        return Ok(compared);
    }
    differing.sort_unstable();
    let more = if differing.len() > NAMED { format!("; and {} more", differing.len() - NAMED) } else { String::new() };
    differing.truncate(NAMED);
    let what = format!("what was restored is not what was dumped: {}{more}", differing.join("; "));
    Err(Failure::new(Kind::Unusable, what)
        .hint("restore another backup; --no-verify --keep-partial keeps what can be had"))
}

async fn connect(server: &Server, database: &str) -> Result<Session<'static>> {
    let mut session = server.connect(database, super::plan::APPLICATION).await?;
    read_as_dumps_do(&mut session).await?;
    Ok(session)
}

/// The next table, and how many are left with it.
fn pop(tasks: &Mutex<VecDeque<Task>>) -> Option<(u64, Task)> {
    let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
    let left = tasks.len() as u64;
    tasks.pop_front().map(|task| (left, task))
}

async fn rows_of(
    session: &mut Session<'_>,
    table: &restored::Table,
    columns: &str,
    encoding: &str,
) -> Result<Fingerprint> {
    let mut rows = restored::copy_out(session, &Part { table, columns, from: 0, to: None, encoding }).await?;
    let mut tally = Tally::default();
    while let Some(piece) = rows.try_next().await? {
        tally.feed(&piece);
    }
    Ok(tally.finish())
}

fn in_words(expected: &manifest::Table, found: Fingerprint) -> String {
    let name = format!("{}.{}", expected.schema, expected.name);
    let rows = expected.fingerprint.rows;
    if found.rows == rows {
        format!("{name} has other values in its {rows} rows")
    } else {
        format!("{name} has {} rows instead of {rows}", found.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_wanted_by_name_with_or_without_their_schema() {
        let table = manifest::Table {
            schema: "public".into(),
            name: "cats.old".into(),
            columns: String::new(),
            fingerprint: Fingerprint::default(),
        };
        let wanted = |name: &str| is_wanted(&table, &[name.to_owned()]);
        assert!(wanted("cats.old") && wanted("public.cats.old") && is_wanted(&table, &[]));
        assert!(!wanted("cats") && !wanted("public") && !wanted("publiccats.old") && !wanted("other.cats.old"));
    }
}
