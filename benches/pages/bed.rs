//! A durable private cluster with much in it, and the service on it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use repo_to_cat::postgres::{Cluster, Settings};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{PROGRAM, Result, server};

/// What the database is filled with.
const STOCK: &str = include_str!("stock.sql");
/// Nothing waits for the disk while it is filled; what comes after is as it is for people.
const CARELESS: [&str; 2] = ["fsync", "full_page_writes"];

/// The service, and its database.
pub struct Bed {
    service: Child,
    /// Where it listens.
    pub address: String,
    url: String,
    // Fields are dropped in their order: the service, its database, its folder.
    _cluster: Cluster,
    _folder: TempDir,
}

impl Drop for Bed {
    fn drop(&mut self) {
        // An error means that it has ended.
        _ = self.service.kill();
        _ = self.service.wait();
    }
}

impl Bed {
    /// Fills a database with so many finished jobs and what belongs to them, and starts the service on it.
    pub fn make(jobs: u32) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("repo-to-cat-bench-").tempdir()?;
        // The server's own user must be able to enter it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let cluster = Cluster::open(Settings { ephemeral: true, ..Settings::new(folder.path(), "", PROGRAM) })?;
        cluster.create_database("pages", None)?;
        let url = cluster.url_of("pages");
        let program = |args: &[&str]| {
            let mut command = Command::new(PROGRAM);
            command.args(args).current_dir(folder.path()).env("DATABASE_URL", &url);
            command.env("REPO_TO_CAT_DATA__FOLDER", folder.path().join("data"));
            command.env("REPO_TO_CAT_HTTP__LISTEN", "127.0.0.1:0").env("REPO_TO_CAT_HTTP__AUTH", "none");
            command.env("REPO_TO_CAT_HTTP__RATE_PER_MINUTE", "0");
            command.env("REPO_TO_CAT_LOG__FILTER", "warn,repo_to_cat::http::server=info");
            command
        };
        if !program(&["migrate", "up"]).stdout(Stdio::null()).status()?.success() {
            return Err("the schema could not be made".into());
        }
        let analysis = analysis(folder.path())?;
        eprintln!("filling the database; of ten million jobs this takes ten minutes");
        Runtime::new()?.block_on(fill(&url, jobs, &analysis))?;
        let mut service = program(&["run", "--only", "http"]).stderr(Stdio::piped()).spawn()?;
        let address = server::address(service.stderr.take().ok_or("it tells nothing")?)?;
        Ok(Self { service, address, url, _cluster: cluster, _folder: folder })
    }

    /// What a query finds first, as text.
    pub fn find(&self, query: &'static str) -> Result<String> {
        Ok(Runtime::new()?.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await?;
            sqlx::query_scalar(query).fetch_one(&mut connection).await
        })?)
    }
}

async fn fill(url: &str, jobs: u32, analysis: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let stock =
        STOCK.replace("$ANALYSIS", &format!("'{analysis}'::jsonb")).replace("$JOBS", &format!("{jobs}::bigint"));
    let careless = CARELESS.map(|name| format!("ALTER SYSTEM SET {name} = off"));
    let careful = CARELESS.map(|name| format!("ALTER SYSTEM RESET {name}"));
    let reload = || "SELECT pg_reload_conf()".to_owned();
    // Unless it is vacuumed the first reader of each page counts as writing it, and plans are guesses.
    let settle = ["VACUUM (ANALYZE)", "ANALYZE queue.history", "CHECKPOINT"].map(ToOwned::to_owned);
    let statements = careless.into_iter().chain([reload(), stock]).chain(settle).chain(careful).chain([reload()]);
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// The analysis of this very repository, as a literal's text.
fn analysis(folder: &Path) -> Result<String> {
    let clone = folder.join("clone");
    let origin = format!("file://{}", env!("CARGO_MANIFEST_DIR"));
    if !Command::new("git").args(["clone", "--quiet", "--depth", "1", &origin]).arg(&clone).status()?.success() {
        return Err("this repository could not be cloned".into());
    }
    let analysed = Command::new(PROGRAM).args(["analyze", "--json"]).arg(&clone).current_dir(folder).output()?;
    if !analysed.status.success() {
        return Err(String::from_utf8_lossy(&analysed.stderr).into());
    }
    let mut analysis: Value = serde_json::from_slice(&analysed.stdout)?;
    // What is stored does not have each file.
    analysis.as_object_mut().ok_or("the analysis is no object")?.remove("files");
    Ok(analysis.to_string().replace('\'', "''"))
}
