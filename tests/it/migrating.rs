//! Migrations: each verb, each way to fail, and what is left then.

mod failing;
mod locks;
mod scripts;
mod stopping;
mod verbs;

use std::process::Command;

use repo_to_cat::db::Db;
use repo_to_cat::db::migrate::{Goal, Options, Revisions, Runner, SchemaState};
use repo_to_cat::model::failure::Result;
use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr};

use crate::support::gate::settings;
use crate::support::postgres::{fresh_database, shared};

/// What `pg_dump` says of a schema, without what differs from call to call.
pub fn schema_of(url: &str) -> String {
    let dump = Command::new(shared().programs().unwrap().path("pg_dump"))
        .args(["--schema-only", "--no-owner", "--dbname", url])
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).unwrap();
    let is_stable = |line: &&str| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict");
    text.lines().filter(is_stable).collect::<Vec<_>>().join("\n")
}

/// Runs statements on a connection of their own.
async fn sql(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The answer to a question with one row and column.
async fn ask<T>(url: &str, question: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&mut connection).await.unwrap()
}

/// Migrations 1, 2, ... of these scripts, up and down. One that begins with sqlx's mark runs without a transaction.
fn revisions(scripts: &[(&'static str, &'static str)]) -> Revisions {
    let migration = |version: usize, kind: MigrationType, sql: &'static str| {
        let name = format!("step {version}");
        let is_alone = sql.starts_with("-- no-transaction");
        Migration::new(i64::try_from(version).unwrap(), name.into(), kind, sql.into_sql_str(), is_alone)
    };
    Revisions::of(scripts.iter().enumerate().flat_map(|(index, (up, down))| {
        [
            migration(index + 1, MigrationType::ReversibleUp, up),
            migration(index + 1, MigrationType::ReversibleDown, down),
        ]
    }))
}

/// A database for migrations of its own.
struct Bed {
    url: String,
    db: Db,
    revisions: Revisions,
    options: Options,
}

impl Bed {
    async fn make(name: &str, scripts: &[(&'static str, &'static str)]) -> Self {
        Self::at(fresh_database(name), scripts).await
    }

    async fn at(url: String, scripts: &[(&'static str, &'static str)]) -> Self {
        let db = Db::connect(&settings(&url)).await.unwrap();
        Self { url, db, revisions: revisions(scripts), options: Options { tries: 1, ..Options::default() } }
    }

    fn runner(&self) -> Runner<'_> {
        Runner::with(&self.db, &self.revisions, self.options.clone())
    }

    async fn up(&self) -> Result<Vec<i64>> {
        let done = self.runner().up(Goal::Head).await?;
        Ok(done.into_iter().map(|(version, _)| version).collect())
    }

    async fn state(&self) -> SchemaState {
        self.runner().state().await.unwrap()
    }

    /// What is recorded: version and whether it was done.
    async fn recorded(&self) -> Vec<(i64, bool)> {
        self.state().await.recorded.iter().map(|(version, recorded)| (*version, recorded.is_whole)).collect()
    }
}
