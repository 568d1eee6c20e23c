//! A job from its enqueue to its row, and a worker that has nothing to do.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use repo_to_cat::config::{Config, Environment, Layers};
use repo_to_cat::db::{Db, migrate};
use repo_to_cat::generation::submit::{Wishes, generation_job};
use repo_to_cat::postgres::{Cluster, Settings};
use repo_to_cat::queue::enqueue::enqueue_all;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::types::Json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::processes::memory;
use crate::table::{Row, Table, median, quantiles};
use crate::{PROGRAM, Result};

const JOBS: usize = 50;
const COMMITS: usize = 200;
/// How long the worker is left alone before it is looked at, and while its statements are counted.
const IDLE: Duration = Duration::from_secs(30);

/// Measures jobs, an idle worker, or both in one worker's life.
pub fn measure(table: &mut Table, folder: &Path, jobs: bool, idle: bool) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let service = Service::start(&runtime, &folder.join("requests"))?;
    let fresh = if idle { Some(service.idle(&runtime)?) } else { None };
    if jobs {
        runtime.block_on(service.jobs(table))?;
    }
    let Some(fresh) = fresh else { return Ok(()) };
    let after = if jobs { service.idle(&runtime)? } else { fresh };
    let details = format!(
        "resident after {JOBS} jobs and {} s of nothing; {:.1} MB before its first job; as run --only worker",
        IDLE.as_secs(),
        fresh.megabytes
    );
    let worst = fresh.megabytes.max(after.megabytes);
    table.push(
        Row::new("an idle worker's memory", format!("{:.1} MB", after.megabytes))
            .goal("30 MB", worst < 30.0)
            .details(details),
    );
    table.push(
        Row::new("an idle worker's transactions", format!("{:.1} a second", after.transactions))
            .details("pg_stat_database, heartbeat, poll and rescue included"),
    );
    Ok(())
}

/// A worker on a durable private cluster of its own.
struct Service {
    worker: Child,
    db: Db,
    /// Connected to another database, so that counting is not counted.
    observer: Db,
    config: Config,
    repository: String,
    _cluster: Cluster,
    _folder: TempDir,
}

#[derive(Clone, Copy)]
struct Idle {
    megabytes: f64,
    transactions: f64,
}

impl Service {
    fn start(runtime: &Runtime, repository: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("repo-to-cat-bench-").tempdir()?;
        // The server's own user must be able to enter it.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let settings = Settings { ephemeral: true, ..Settings::new(folder.path(), "", PROGRAM) };
        let cluster = Cluster::open(settings)?;
        let (url, observer_url) = (cluster.url(), cluster.url_of("postgres"));
        let repository = repository.to_str().ok_or("the folder's name is not UTF-8")?.to_owned();
        let data = folder.path().to_str().ok_or("the folder's name is not UTF-8")?.to_owned();
        let variables = [
            ("DATABASE_URL", url.as_str()),
            ("REPO_TO_CAT_DATA__FOLDER", &data),
            ("REPO_TO_CAT_FETCH__LOCAL_ROOTS", &repository),
        ];
        let layers = Layers { environment: Environment::of(&variables), ..Layers::default() };
        let config = Config::load(&layers)?.config;
        let observing = repo_to_cat::config::Database { url: observer_url, ..config.database.clone() };
        let (db, observer) = runtime.block_on(async {
            let db = Db::connect(&config.database).await?;
            migrate::up(&db).await?;
            Ok::<_, repo_to_cat::model::failure::Failure>((db, Db::connect(&observing).await?))
        })?;
        let log = File::create(folder.path().join("worker.log"))?;
        let worker = Command::new(PROGRAM)
            .args(["run", "--only", "worker"])
            .envs(variables)
            .current_dir(folder.path())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { worker, db, observer, config, repository, _cluster: cluster, _folder: folder })
    }

    fn idle(&self, runtime: &Runtime) -> Result<Idle> {
        // Our own connections of the jobs are not the worker's.
        thread::sleep(IDLE);
        let megabytes = memory(self.worker.id()).resident;
        let before = runtime.block_on(self.transactions())?;
        thread::sleep(IDLE);
        let transactions = (runtime.block_on(self.transactions())? - before) as f64 / IDLE.as_secs_f64();
        Ok(Idle { megabytes, transactions })
    }

    async fn transactions(&self) -> Result<i64> {
        let count = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'repo_to_cat'";
        Ok(sqlx::query_scalar(count).fetch_one(self.observer.pool()).await?)
    }

    async fn jobs(&self, table: &mut Table) -> Result<()> {
        let (mut totals, mut commits) = (Vec::new(), Vec::new());
        let mut steps: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        sqlx::query("CREATE TABLE floor (id bigserial PRIMARY KEY, at timestamptz DEFAULT now())")
            .execute(self.observer.pool())
            .await?;
        // The first ones find caches cold and connections unmade.
        for turn in 0..JOBS + 5 {
            let (total, mut spent) = self.job().await?;
            if turn < 5 {
                continue;
            }
            spent.insert("rest".to_owned(), total - spent.values().sum::<f64>());
            totals.push(total - spent["fetch"]);
            for (step, milliseconds) in spent {
                steps.entry(step).or_default().push(milliseconds);
            }
            for _ in 0..COMMITS / JOBS {
                let start = Instant::now();
                sqlx::query("INSERT INTO floor DEFAULT VALUES").execute(self.observer.pool()).await?;
                commits.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        let ((middle, high), commit) = (quantiles(&totals), median(&commits));
        let parts: Vec<String> = steps
            .iter()
            .map(|(step, spent)| (step, median(spent)))
            .map(|(step, ms)| format!("{step} {ms:.1}"))
            .collect();
        table.push(
            Row::new("a small repository, enqueue to row", format!("{middle:.0} ms, p95 {high:.0} ms"))
                .goal("300 ms", middle < 300.0)
                .details(format!(
                    "{JOBS} jobs of requests 2.32.3 one after the other, less the time of the step fetch, seen by a look \
                     every 2 ms; medians in ms: {}",
                    parts.join(", ")
                )),
        );
        table.push(Row::new("one INSERT committed, in between", format!("{commit:.2} ms")).details(format!(
            "the same cluster, durable, one connection; a job takes as long as {:.0}",
            middle / commit
        )));
        Ok(())
    }

    /// Milliseconds from before the enqueue until the row is there, and those of the steps.
    async fn job(&self) -> Result<(f64, BTreeMap<String, f64>)> {
        let job = generation_job(&self.repository, Wishes::default(), &self.config)?;
        let start = Instant::now();
        let enqueued = enqueue_all(&self.db, std::slice::from_ref(&job)).await?;
        let id = enqueued.first().ok_or("nothing was enqueued")?.id;
        loop {
            let look = sqlx::query_scalar("SELECT step_seconds FROM public.generations WHERE id = $1").bind(id);
            let row: Option<Json<BTreeMap<String, f64>>> = look.fetch_optional(self.db.pool()).await?;
            if let Some(Json(seconds)) = row {
                let total = start.elapsed().as_secs_f64() * 1e3;
                return Ok((total, seconds.into_iter().map(|(step, seconds)| (step, seconds * 1e3)).collect()));
            }
            if start.elapsed() > Duration::from_secs(60) {
                return Err(format!("job {id} has no row after a minute").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(worker) = i32::try_from(self.worker.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(worker, Signal::TERM);
        }
        drop(self.worker.wait());
    }
}
