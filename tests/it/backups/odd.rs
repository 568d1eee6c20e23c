//! A database with all that dumps trip over, and what is in it by its own account.

use std::path::PathBuf;
use std::process::{Command, Output};

use futures_util::TryStreamExt;
use repo_to_cat::model::backup::Fingerprint;
use repo_to_cat::model::backup::manifest::{Sequence, Table};
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::postgres::{fresh_database, shared};

/// The path of one of `PostgreSQL`'s programs.
pub fn program(name: &str) -> PathBuf {
    shared().programs().unwrap().path(name)
}

/// Runs one of `PostgreSQL`'s programs, which must end well.
pub fn run(name: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program(name)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The URL of a new database of that sort.
pub fn database(name: &str) -> String {
    let url = fresh_database(name);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/backups/odd.sql");
    run("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", script, &url]);
    url
}

/// What is in a database: tables, sequences and large objects, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub tables: Vec<Table>,
    pub sequences: Vec<Sequence>,
    pub large_objects: Option<Fingerprint>,
}

impl Content {
    /// As an inventory has it.
    pub fn sorted((tables, sequences, large_objects): (Vec<Table>, Vec<Sequence>, Option<Fingerprint>)) -> Self {
        let mut content = Self { tables, sequences, large_objects };
        content.tables.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        content.sequences.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        content
    }

    /// As the server tells it.
    pub async fn of(url: &str) -> Self {
        let pool = PgPool::connect(url).await.unwrap();
        let mut tables = Vec::new();
        let found: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), coalesce((
                 SELECT format('(%s)', string_agg(quote_ident(attname), ', ' ORDER BY attnum)) FROM pg_attribute
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                 HAVING count(*) > 0), '')
             FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
             WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        for (schema, name, quoted, columns) in found {
            let fingerprint = rows(&pool, &format!("{quoted} {columns}")).await;
            tables.push(Table { schema, name, columns, fingerprint });
        }
        let mut sequences = Vec::new();
        let found: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT nspname, relname, format('%I.%I', nspname, relname)
             FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE relkind = 'S'",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        for (schema, name, quoted) in found {
            let asked = format!("SELECT last_value, is_called FROM {quoted}");
            let (last_value, is_called) = sqlx::query_as(AssertSqlSafe(asked)).fetch_one(&pool).await.unwrap();
            sequences.push(Sequence { schema, name, last_value, is_called });
        }
        let objects = rows(&pool, "(SELECT oid, encode(lo_get(oid), 'hex') FROM pg_largeobject_metadata)").await;
        pool.close().await;
        Self::sorted((tables, sequences, (objects.rows > 0).then_some(objects)))
    }
}

/// The fingerprint of what COPY writes, each line of which is a row.
async fn rows(pool: &PgPool, what: &str) -> Fingerprint {
    let stream = pool.copy_out_raw(&format!("COPY {what} TO STDOUT")).await.unwrap();
    let text = stream.try_fold(Vec::new(), |mut text, piece| async move {
        text.extend_from_slice(&piece);
        Ok(text)
    });
    let mut fingerprint = Fingerprint::default();
    for line in text.await.unwrap().split_inclusive(|byte| *byte == b'\n') {
        fingerprint.add(&line[..line.len() - 1]);
    }
    fingerprint
}
