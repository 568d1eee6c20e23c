//! Both sides, each a process of its own on one durable private cluster.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use repo_to_cat::postgres::{Cluster, Settings};
use sqlx::postgres::PgPoolOptions;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{PROGRAM, Result, server};

/// A server, and how it is asked.
pub struct Side {
    process: Child,
    folder: PathBuf,
    name: &'static str,
    /// Where it listens.
    pub address: String,
    /// Where jobs are asked for, and below it their statuses.
    pub route: &'static str,
    token: Option<String>,
}

impl Side {
    /// The header that proves who asks, as a line for wrk.
    pub fn header(&self) -> String {
        let line = |token: &String| format!("wrk.headers['authorization'] = 'Bearer {token}'\n");
        self.token.as_ref().map(line).unwrap_or_default()
    }

    /// A file with ids of jobs.
    pub fn ids(&self) -> PathBuf {
        self.folder.join(format!("{}.ids", self.name))
    }

    /// For files of a turn.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // An error means that it has ended.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Both.
pub struct Sides {
    pub ours: Side,
    pub floor: Side,
    url: String,
    // Fields are dropped in their order: the servers, their database, its folder.
    _cluster: Cluster,
    _folder: TempDir,
}

impl Sides {
    /// Starts the cluster and both servers.
    pub fn open() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("repo-to-cat-bench-").tempdir()?;
        // The servers' own user must be able to enter it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let settings = Settings { ephemeral: true, ..Settings::new(folder.path(), "", PROGRAM) };
        let cluster = Cluster::open(settings)?;
        cluster.create_database("http", None)?;
        let url = cluster.url_of("http");
        let data = folder.path().join("data");
        fs::create_dir(&data)?;
        let program = |args: &[&str]| {
            let mut command = Command::new(PROGRAM);
            command.args(args).env("DATABASE_URL", &url).env("REPO_TO_CAT_DATA__FOLDER", &data);
            command.env("REPO_TO_CAT_HTTP__LISTEN", "127.0.0.1:0").env("REPO_TO_CAT_HTTP__RATE_PER_MINUTE", "0");
            command.env("REPO_TO_CAT_LOG__FILTER", "warn,repo_to_cat::http::server=info");
            command
        };
        if !program(&["migrate", "up"]).stdout(Stdio::null()).status()?.success() {
            return Err("the schema could not be made".into());
        }
        let mut ours = program(&["run", "--only", "http"]).stderr(Stdio::piped()).spawn()?;
        let address = server::address(ours.stderr.take().ok_or("it tells nothing")?)?;
        let token = fs::read_to_string(data.join("admin-token"))?.trim().to_owned();
        let (name, route) = ("ours", "/v1/generations");
        let ours = Side { process: ours, folder: folder.path().into(), name, address, route, token: Some(token) };
        let mut floor = Command::new(std::env::current_exe()?).args(["floor", &url]).stdout(Stdio::piped()).spawn()?;
        let address = server::address(floor.stdout.take().ok_or("it tells nothing")?)?;
        let (name, route) = ("floor", "/jobs");
        let floor = Side { process: floor, folder: folder.path().into(), name, address, route, token: None };
        Ok(Self { ours, floor, url, _cluster: cluster, _folder: folder })
    }

    /// Removes all jobs, so that each load finds the same.
    pub fn clear(&self) -> Result<()> {
        self.execute("TRUNCATE queue.jobs, floor.jobs; CHECKPOINT")
    }

    /// Makes jobs on both sides, and notes their ids.
    pub fn fill(&self, jobs: usize) -> Result<()> {
        self.execute(&format!(
            "INSERT INTO floor.jobs (id, payload)
               SELECT gen_random_uuid(), '{{\"github_url\": \"https://github.com/owner/name\"}}' FROM generate_series(1, {jobs});
             SELECT count(*) FROM queue.enqueue_generations(
               array_fill('https://github.com/owner/name'::text, ARRAY[{jobs}]));
             ANALYZE queue.jobs; ANALYZE floor.jobs"
        ))?;
        self.note("SELECT id::text FROM queue.jobs", &self.ours)?;
        self.note("SELECT id::text FROM floor.jobs", &self.floor)
    }

    fn note(&self, query: &'static str, side: &Side) -> Result<()> {
        let ids: Vec<String> = Runtime::new()?.block_on(async {
            let pool = PgPoolOptions::new().connect(&self.url).await?;
            sqlx::query_scalar(query).fetch_all(&pool).await
        })?;
        let mut file = File::create(side.ids())?;
        ids.iter().try_for_each(|id| writeln!(file, "{id}"))?;
        Ok(())
    }

    fn execute(&self, statements: &str) -> Result<()> {
        Runtime::new()?.block_on(async {
            let pool = PgPoolOptions::new().connect(&self.url).await?;
            sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&pool).await
        })?;
        Ok(())
    }
}
