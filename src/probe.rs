//! Probes: jobs that do nothing but wait. They tell whether a queue works, and how fast.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::model::failure::{Failure, Kind};
use crate::model::job::{ClaimedJob, Outcome};

/// What a probe is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRequest {
    /// How long to wait, in milliseconds.
    #[serde(default)]
    pub sleep_ms: u64,
}

/// Is told of a job, and whether it has ended.
type Observer = dyn Fn(&ClaimedJob, bool) + Send + Sync;

/// Runs probes.
#[derive(Clone, Default)]
pub struct Probe(Option<Arc<Observer>>);

impl Probe {
    /// Probes that tell `observer` when each begins (false) and ends (true).
    #[must_use]
    pub fn observed(observer: impl Fn(&ClaimedJob, bool) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    /// Runs one.
    pub async fn run(&self, job: &ClaimedJob, cancel: CancellationToken) -> Outcome {
        let request = match ProbeRequest::deserialize(&job.payload) {
            Ok(request) => request,
            Err(error) => {
                let what = format!("the payload of job {} is no probe", job.id);
                return Outcome::Discarded(Failure::new(Kind::Invalid, what).source(error));
            }
        };
        self.tell(job, false);
        if request.sleep_ms > 0 {
            let wait = tokio::time::sleep(Duration::from_millis(request.sleep_ms));
            if cancel.run_until_cancelled(wait).await.is_none() {
                return Outcome::HandedBack;
            }
        }
        self.tell(job, true);
        Outcome::Completed(None)
    }

    fn tell(&self, job: &ClaimedJob, ended: bool) {
        if let Some(observer) = &self.0 {
            observer(job, ended);
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").finish()
    }
}
