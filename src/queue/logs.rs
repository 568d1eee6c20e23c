//! Stores what was logged while jobs ran. A lost line must fail no job and slow none down: this comes after the jobs'
//! ends are committed, on a task of its own, and is not tried again.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::db::{Db, logs};
use crate::queue::{Trouble, answer_within};
use crate::telemetry::joblog::JobLog;
use crate::telemetry::metrics;

/// Logs that wait to be stored; what comes on top is lost.
const WAITING: usize = 1000;
/// Most logs of one statement: some 6 MB if all are as long as they may be.
const GROUP: usize = 100;
/// How long one statement may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where logs are left.
#[derive(Debug, Clone)]
pub struct Shelf(mpsc::Sender<JobLog>);

impl Shelf {
    /// A shelf, and what stores the logs until every copy of the shelf is gone and nothing is left.
    pub fn new(db: Db) -> (Self, impl Future<Output = ()>) {
        let (sender, left) = mpsc::channel(WAITING);
        (Self(sender), store(db, left))
    }

    /// Leaves a log to be stored.
    pub fn leave(&self, log: JobLog) {
        if self.0.try_send(log).is_err() {
            metrics::logs_lost(1);
        }
    }
}

async fn store(db: Db, mut left: mpsc::Receiver<JobLog>) {
    let mut trouble = Trouble::default();
    let mut group = Vec::with_capacity(GROUP);
    while left.recv_many(&mut group, GROUP).await > 0 {
        match answer_within(PATIENCE, logs::append(&db, &group)).await {
            Ok(()) => trouble.over("storing the logs of jobs"),
            Err(failure) => {
                metrics::logs_lost(group.len());
                _ = trouble.met("storing the logs of jobs", failure);
            }
        }
        group.clear();
    }
}
