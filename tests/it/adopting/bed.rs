//! Databases of the founding application, at each of its revisions, and what stands for the application itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::support::cli::Ran;
use crate::support::postgres::{copied_database, fresh_database};

/// Alembic's revisions, oldest first: the level of a database is the number of its revision here.
pub const REVISIONS: [&str; 4] = ["c31bba7cdef1", "a8d0d774b4fe", "b8ab312fc9b8", "1052d2e36053"];
/// The last.
pub const HEAD: usize = 3;

/// Rows by table and id, each as JSON text: columns of the application's only.
pub type Rows = BTreeMap<(String, String), String>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/adopting")
}

/// A program of the folder that `scripts/setup test` fills.
fn installed(program: &str) -> Command {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/adopting");
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    assert_eq!(
        read(bin.join("requirements.txt")),
        read(folder().join("requirements.txt")),
        "Alembic is not in target/adopting as tests/it/adopting/requirements.txt wants it: type `scripts/setup test`, \
         which needs python3, python3-venv and PyPI"
    );
    let mut command = Command::new(bin.join("bin").join(program));
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONWARNINGS", "ignore").stdin(Stdio::null());
    command
}

/// As `SQLAlchemy` wants it.
fn for_python(url: &str) -> String {
    url.replacen("postgres:", "postgresql+psycopg:", 1)
}

/// Brings a database to a revision of Alembic's.
pub fn upgrade(url: &str, revision: &str) {
    let mut alembic = installed("alembic");
    alembic.arg("-c").arg(folder().join("alembic.ini")).arg("-x").arg(format!("url={}", for_python(url)));
    let ran = Ran::of(alembic.args(["upgrade", revision]));
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}

/// The application at a level; `mode` is explained in it.
pub fn application(mode: &str, url: &str, level: usize) -> Command {
    let mut command = installed("python");
    command.arg(folder().join("application.py")).args([mode, &for_python(url), &level.to_string()]);
    command
}

/// What the application says of a day's work, which must go well.
pub fn work(url: &str, level: usize) -> Value {
    let ran = Ran::of(&mut application("work", url, level));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

/// A new database at a level, with rows of every sort.
pub fn original(level: usize) -> String {
    static FILLED: [OnceLock<String>; 4] = [const { OnceLock::new() }; 4];
    let template = FILLED[level].get_or_init(|| {
        let url = fresh_database("alembic");
        upgrade(&url, REVISIONS[level]);
        let ran = Ran::of(&mut application("fill", &url, level));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        name_of(&url)
    });
    copied_database("original", template)
}

/// The name of a database in its URL.
fn name_of(url: &str) -> String {
    url.trim_start_matches("postgres:///").split('?').next().unwrap().to_owned()
}

/// A connection.
pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// The columns of the application's tables, as they are now. Our own migrations keep tokens as hashes only.
pub async fn columns(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name <> 'api_token'",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

/// Every row of the application's tables, with these columns.
pub async fn rows(connection: &mut PgConnection, columns: &[String]) -> Rows {
    let mut found = Rows::new();
    let tables: Vec<&str> = columns.iter().map(|column| column.split('.').next().unwrap()).collect();
    for table in ["users", "generations", "sessions", "alembic_version"] {
        if !tables.contains(&table) {
            continue;
        }
        let select = format!(
            "SELECT coalesce(to_jsonb(one)->>'id', ''),
                    (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(one))
                     WHERE '{table}.' || key = ANY ($1))::text
             FROM public.{table} AS one"
        );
        let of_table: Vec<(String, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(columns).fetch_all(&mut *connection).await.unwrap();
        found.extend(of_table.into_iter().map(|(id, row)| ((table.to_owned(), id), row)));
    }
    found
}
