//! Whether what was restored is what the manifest says: each table's rows are read again, as a dump would.

use crate::backup::Reporter;
use crate::backup::comparing::{Compared, Comparison, Reader};
use crate::db::restored;
use crate::db::server::Server;
use crate::model::backup::{Manifest, manifest};
use crate::model::failure::{Failure, Kind, Result};

/// Tables that are named where they differ.
const NAMED: usize = 10;

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
    let application = super::job::APPLICATION;
    let mut session = server.connect(database, application).await?;
    let is_unlike = restored::unlike_money(&mut session, &manifest.source).await?;
    let there = restored::tables(&mut session).await?;
    drop(session.close().await);
    if is_unlike {
        let what = format!("money is written otherwise here: there is no locale {}", manifest.source.lc_monetary);
        return Err(Failure::new(Kind::Environment, what).hint("install it; or say --no-verify"));
    }
    let expected = manifest.tables.iter().filter(|table| is_wanted(table, wanted));
    let (comparison, _) = Comparison::of(expected, there)?;
    let reader = Reader { server, database, application, encoding: manifest.source.text_encoding(), connections };
    let (compared, differences) = comparison.read(&reader, report).await?;
    if differences.is_empty() {
        return Ok(compared);
    }
    let mut words: Vec<String> = differences.iter().take(NAMED).map(ToString::to_string).collect();
    if differences.len() > NAMED {
        words.push(format!("and {} more", differences.len() - NAMED));
    }
    let what = format!("what was restored is not what was dumped: {}", words.join("; "));
    Err(Failure::new(Kind::Unusable, what)
        .hint("restore another backup; --no-verify --keep-partial keeps what can be had"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backup::Fingerprint;

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
