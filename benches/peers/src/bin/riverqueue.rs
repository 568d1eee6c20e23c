//! Driver for riverqueue, the Rust client of River, with the settings of its own `bench` command: 2,000 workers, fetch
//! cooldown 2 ms (of the enqueuing client, too, as it holds back the notifications), poll 20 ms, 50 connections.
//! `RESCUE=1`: jobs are rescued after a minute in place of an hour, and may run no longer.

use std::time::Duration;

use peers::{Payload, Queue, Result, drive, is_set, record, terminated};
use riverqueue::migrate::PostgresMigrator;
use riverqueue::sqlx::PgPool;
use riverqueue::sqlx::postgres::PgPoolOptions;
use riverqueue::{BoxError, Client, Job, JobArgs, MaintenanceConfig, QueueConfig, WorkContext, WorkOutcome, Workers};
use serde::{Deserialize, Serialize};

const WORKERS: usize = 2000;
const CONNECTIONS: u32 = 50;
const COOLDOWN: Duration = Duration::from_millis(2);
const POLL: Duration = Duration::from_millis(20);
const RESCUE_AFTER: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Serialize, Deserialize, JobArgs)]
#[river(kind = "noop")]
struct Noop {
    #[serde(flatten)]
    payload: Payload,
}

async fn noop(_context: WorkContext, job: Job<Noop>) -> std::result::Result<WorkOutcome, BoxError> {
    record::run(job.args.payload.i, job.args.payload.t).await;
    Ok(WorkOutcome::Complete)
}

struct River {
    pool: PgPool,
    enqueuer: Client,
}

#[tokio::main]
async fn main() -> Result {
    drive::<River>().await
}

impl Queue for River {
    async fn connect(url: &str, _callers: usize) -> Result<Self> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
        let enqueuer = Client::builder(pool.clone()).fetch_cooldown(COOLDOWN).build()?;
        Ok(Self { pool, enqueuer })
    }

    async fn setup(&self) -> Result {
        PostgresMigrator::new(self.pool.clone()).migrate_up().await?;
        Ok(())
    }

    async fn enqueue(&self, _caller: usize, payload: Payload) -> Result {
        self.enqueuer.insert(Noop { payload }).await?;
        Ok(())
    }

    async fn bulk(&self, jobs: Vec<Payload>) -> Result {
        self.enqueuer.insert_many(jobs.into_iter().map(|payload| Noop { payload })).await?;
        Ok(())
    }

    async fn work(&self) -> Result {
        let mut workers = Workers::new();
        workers.add_fn(noop)?;
        let queue = QueueConfig::new(WORKERS).with_fetch_cooldown(COOLDOWN).with_fetch_poll_interval(POLL);
        let mut client =
            Client::builder(self.pool.clone()).fetch_cooldown(COOLDOWN).workers(workers).queue("default", queue);
        if is_set("RESCUE") {
            let rescue = MaintenanceConfig::default().with_rescue_after(RESCUE_AFTER);
            client = client.maintenance(rescue).job_timeout(RESCUE_AFTER);
        }
        let stop = async {
            terminated().await.ok();
        };
        client.build()?.start_with_graceful_stop(stop)?.wait().await?;
        Ok(())
    }
}
