//! Driver for awa on its queue storage, with the settings of its own offered-rate benchmark: 1,024 workers, claims of 512,
//! poll 50 ms, no deadline, 24 connections; the rings turn each second, its default.
//! `SWEEP=1`: the five-second detection of its configuration guide (heartbeat 1 s, stale after 4 s, a look each second).

use std::time::Duration;

use awa::model::insert::params_with;
use awa::model::{InsertParams, migrations};
use awa::{Client, InsertOpts, JobArgs, JobResult, QueueConfig, QueueStorage, QueueStorageConfig};
use peers::{Payload, Queue, Result, drive, is_set, record, terminated};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

const QUEUE: &str = "bench";
const CONNECTIONS: u32 = 24;
const WORKERS: u32 = 1024;
const CLAIM: usize = 512;
const POLL: Duration = Duration::from_millis(50);
const RING: Duration = Duration::from_secs(1);
const STALE: Duration = Duration::from_secs(4);
/// From how many jobs on a call is a COPY.
const COPY_FROM: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize, JobArgs)]
struct Noop {
    #[serde(flatten)]
    payload: Payload,
}

struct Awa {
    pool: PgPool,
    storage: QueueStorage,
}

#[tokio::main]
async fn main() -> Result {
    drive::<Awa>().await
}

impl Awa {
    fn client(&self) -> Result<Client> {
        let queue = QueueConfig {
            max_workers: WORKERS,
            claimers: 1,
            claim_batch_size: CLAIM,
            poll_interval: POLL,
            deadline_duration: Duration::ZERO,
            ..QueueConfig::default()
        };
        let mut client = Client::builder(self.pool.clone())
            .queue(QUEUE, queue)
            .queue_storage(QueueStorageConfig::default(), RING, RING)
            .register::<Noop, _, _>(|job: Noop, _context| async move {
                record::run(job.payload.i, job.payload.t).await;
                Ok(JobResult::Completed)
            });
        if is_set("SWEEP") {
            client = client.heartbeat_interval(RING).heartbeat_staleness(STALE).heartbeat_rescue_interval(RING);
        }
        Ok(client.build()?)
    }
}

fn params(jobs: Vec<Payload>) -> Result<Vec<InsertParams>> {
    let options = || InsertOpts { queue: QUEUE.to_owned(), ..InsertOpts::default() };
    Ok(jobs
        .into_iter()
        .map(|payload| params_with(&Noop { payload }, options()))
        .collect::<std::result::Result<_, _>>()?)
}

impl Queue for Awa {
    async fn connect(url: &str, callers: usize) -> Result<Self> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS.max(callers as u32)).connect(url).await?;
        Ok(Self { pool, storage: QueueStorage::new(QueueStorageConfig::default())? })
    }

    /// The first worker on a new database switches it to queue storage.
    async fn setup(&self) -> Result {
        migrations::run(&self.pool).await?;
        let client = self.client()?;
        client.start().await?;
        client.shutdown(Duration::from_secs(5)).await;
        Ok(())
    }

    async fn enqueue(&self, _caller: usize, job: Payload) -> Result {
        self.storage.enqueue_params_batch(&self.pool, &params(vec![job])?).await?;
        Ok(())
    }

    async fn bulk(&self, jobs: Vec<Payload>) -> Result {
        let jobs = params(jobs)?;
        if jobs.len() < COPY_FROM {
            self.storage.enqueue_params_batch(&self.pool, &jobs).await?;
        } else {
            self.storage.enqueue_params_copy(&self.pool, &jobs).await?;
        }
        Ok(())
    }

    async fn work(&self) -> Result {
        let client = self.client()?;
        client.start().await?;
        terminated().await?;
        client.shutdown(Duration::from_secs(10)).await;
        Ok(())
    }
}
