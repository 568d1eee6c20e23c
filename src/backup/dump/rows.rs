//! Rows that the server sends one by one, for blocking code: threads that drive no async tasks.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::Bytes;

/// How many bytes of rows are gathered before anybody looks at them: each row comes alone, and most are small.
const BATCH_BYTES: usize = 128 * 1024;

/// Waits for async code, as long as the run is not halted.
pub(super) struct Waiter {
    pub runtime: Handle,
    pub halted: CancellationToken,
}

impl Waiter {
    /// Waits for async code, or for the end of the run.
    pub fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = self.runtime.block_on(self.halted.run_until_cancelled(work));
        done.unwrap_or_else(|| Err(Failure::new(Kind::Cancelled, "stopped while rows were read")))
    }

    /// Lets `take` have all rows, in pieces that end with a row.
    pub fn each(
        &self,
        mut rows: BoxStream<'_, Result<Bytes>>,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut batch = Vec::with_capacity(BATCH_BYTES);
        loop {
            batch.clear();
            self.wait(gather(&mut rows, &mut batch))?;
            if batch.is_empty() {
                return Ok(());
            }
            take(&batch)?;
        }
    }
}

/// Fills a batch; it stays empty at the end only. One row may be larger than a batch is meant to be.
async fn gather(rows: &mut BoxStream<'_, Result<Bytes>>, batch: &mut Vec<u8>) -> Result<()> {
    while batch.len() < BATCH_BYTES || !batch.ends_with(b"\n") {
        match rows.next().await {
            Some(row) => batch.extend_from_slice(&row?),
            None => break,
        }
    }
    Ok(())
}
