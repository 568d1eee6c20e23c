//! Ending a run: its threads, and what it would leave.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::meter::Meter;
use crate::backup::{Reporter, stopping};
use crate::model::failure::Result;
use crate::model::progress::Report;

/// How long a run that is stopped waits for each thing that it clears away; that goes on without it.
const CLEARING: Duration = Duration::from_millis(800);

/// Ends the threads of a run that has failed or was stopped. They are halted when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Halt(CancellationToken);

impl Halt {
    /// For blocking code that asks now and then.
    pub fn reporter(&self) -> Reporter {
        Arc::new(Halted(self.0.clone()))
    }

    /// For async code.
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}

impl Drop for Halt {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct Halted(CancellationToken);

impl Report for Halted {
    fn report(&self, _: u64, _: u64, _: &str) {}

    fn should_stop(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Does `work` to its end, and tells meanwhile how far it is; told to stop, drops it.
pub(super) fn unless_stopped<T>(
    report: &Reporter,
    meter: &Meter,
    work: impl Future<Output = Result<T>>,
) -> impl Future<Output = Result<T>> {
    stopping::unless_stopped(report, "the backup was stopped", |report| meter.tell(report), work)
}

/// Clears away what a failed run leaves. That may take as long as what failed: it is waited for a moment only.
pub(super) async fn clear_away(what: &'static str, work: impl Future<Output = Result<()>> + Send + 'static) {
    let clearing = tokio::spawn(async move {
        if let Err(failure) = work.await {
            tracing::warn!(error = %failure, "{what} could not be cleared away after a backup that failed");
        }
    });
    if timeout(CLEARING, clearing).await.is_err() {
        tracing::warn!("{what} of a backup that failed is still being cleared away");
    }
}
