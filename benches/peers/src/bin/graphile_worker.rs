//! Driver for graphile_worker, the Rust one, with the settings of its own benchmark: 500 at once, a poll each 5 ms,
//! completions gathered for 5 ms, 5,000 jobs kept at hand. `RECOVERY=1`: its worker recovery, at its default times.

use std::sync::Arc;
use std::time::Duration;

use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, Worker, WorkerContext, WorkerOptions,
    WorkerRecoveryConfig, WorkerUtils,
};
use peers::{Payload, Queue, Result, drive, is_set, record};
use serde::{Deserialize, Serialize};

const CONCURRENCY: usize = 500;
const BATCH_DELAY: Duration = Duration::from_millis(5);
const POLL: Duration = Duration::from_millis(5);
const AT_HAND: usize = 5000;

#[derive(Clone, Serialize, Deserialize)]
struct Noop(Payload);

impl TaskHandler for Noop {
    const IDENTIFIER: &'static str = "noop";

    async fn run(self, _context: WorkerContext) -> impl IntoTaskHandlerResult {
        record::run(self.0.i, self.0.t).await;
        Ok::<(), String>(())
    }
}

struct Graphile {
    worker: Arc<Worker>,
    enqueuer: WorkerUtils,
}

#[tokio::main]
async fn main() -> Result {
    drive::<Graphile>().await
}

impl Queue for Graphile {
    /// Makes the schema, too: `init` does.
    async fn connect(url: &str, _callers: usize) -> Result<Self> {
        let mut options = WorkerOptions::default()
            .database_url(url)
            .define_job::<Noop>()
            .concurrency(CONCURRENCY)
            .poll_interval(POLL)
            .complete_job_batch_delay(BATCH_DELAY)
            .fail_job_batch_delay(BATCH_DELAY)
            .local_queue(LocalQueueConfig::default().with_size(AT_HAND));
        if is_set("RECOVERY") {
            options = options.worker_recovery(WorkerRecoveryConfig::default().enabled(true));
        }
        let worker = Arc::new(options.init().await?);
        let enqueuer = worker.create_utils();
        Ok(Self { worker, enqueuer })
    }

    async fn setup(&self) -> Result {
        Ok(())
    }

    async fn enqueue(&self, _caller: usize, job: Payload) -> Result {
        self.enqueuer.add_job(Noop(job), JobSpec::default()).await?;
        Ok(())
    }

    async fn bulk(&self, jobs: Vec<Payload>) -> Result {
        let raw = |job| -> Result<RawJobSpec> {
            let payload = serde_json::to_value(Noop(job))?;
            Ok(RawJobSpec { identifier: Noop::IDENTIFIER.into(), payload, spec: JobSpec::default() })
        };
        let jobs = jobs.into_iter().map(raw).collect::<Result<Vec<_>>>()?;
        self.enqueuer.add_raw_jobs(&jobs).await?;
        Ok(())
    }

    /// It stops at SIGTERM by itself.
    async fn work(&self) -> Result {
        Ok(self.worker.run().await?)
    }
}
