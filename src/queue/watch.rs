//! The watch: looks what time has brought, so that nothing else need poll.
//!
//! One statement tells whether jobs wait, when the next one is due, when the next deadline passes and when the first lease
//! lapses. The watch sleeps until the first of these, or for the poll time: that is the net under wake-ups that are lost
//! with a connection. It frees the jobs of workers whose lease has lapsed, and never touches a live worker's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::db::pulse::Look;
use crate::db::{Db, Line, pulse, workers};
use crate::model::failure::Result;
use crate::queue::{Trouble, answer_within};
use crate::telemetry::metrics;

/// How long a rescue may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a worker looks that has jobs: nobody wakes it.
const BUSY: Duration = Duration::from_millis(500);

/// Told when something will be due, or that it is time to look.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<Alarm>);

#[derive(Debug, Default)]
struct Alarm {
    next: Mutex<Option<Instant>>,
    changed: Notify,
}

impl Clock {
    /// Something will be due after this time.
    pub fn due_in(&self, wait: Duration) {
        let at = Instant::now() + wait;
        let mut next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_none_or(|next| at < next) {
            *next = Some(at);
            self.0.changed.notify_one();
        }
    }

    /// Forgets what it was told, which is about to be looked at.
    fn forget(&self) {
        *self.0.next.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn next(&self) -> Instant {
        self.0.next.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(Instant::now)
    }

    /// Waits until it is time.
    async fn strike(&self) {
        loop {
            tokio::select! {
                () = sleep_until(self.next()) => return,
                () = self.0.changed.notified() => {}
            }
        }
    }
}

/// Looks, and does what it sees is to be done.
#[derive(Debug)]
pub struct Watch {
    db: Db,
    line: Line,
    clock: Clock,
    poll: Duration,
    lease: Duration,
    max_deaths: i32,
}

impl Watch {
    /// A watch that looks at least once in `poll`.
    #[must_use]
    pub fn new(db: Db, clock: Clock, poll: Duration, lease: Duration, max_deaths: i32) -> Self {
        let line = db.line();
        Self { db, line, clock, poll, lease, max_deaths }
    }

    /// Watches until `stop`. Any number of processes may do so at once. `waiting` is called whenever jobs wait;
    /// `is_busy` says whether this process has jobs.
    pub async fn run(self, waiting: impl Fn(), is_busy: impl Fn() -> bool, stop: CancellationToken) {
        let mut trouble = Trouble::default();
        let watching = async {
            loop {
                // What is told from here on may come too late for this look.
                self.clock.forget();
                match answer_within(PATIENCE, Box::pin(self.once())).await {
                    Ok(look) => {
                        trouble.over("looking at the queue");
                        if look.waiting {
                            waiting();
                        }
                        let rest = if is_busy() { BUSY } else { self.poll };
                        self.clock.due_in(next(&look, rest));
                    }
                    Err(failure) => {
                        sleep(trouble.met("looking at the queue", failure)).await;
                        while let Err(failure) = answer_within(PATIENCE, workers::alive(&self.db)).await {
                            sleep(trouble.met("looking at the queue", failure)).await;
                        }
                        // Leases ran out while nobody could renew them: who lives gets the time to do so.
                        sleep(self.lease).await;
                        self.clock.due_in(Duration::ZERO);
                    }
                }
                self.clock.strike().await;
            }
        };
        stop.run_until_cancelled(watching).await;
        self.line.close().await;
    }

    /// Looks once and acts.
    async fn once(&self) -> Result<Look> {
        let mut line = self.line.take().await?;
        let mut look = pulse::look(line.connection()).await?;
        line.give_back();
        if is_past(look.lapses_in) {
            let rescued = workers::rescue(&self.db, self.max_deaths).await?;
            metrics::rescued(rescued.freed, rescued.quarantined);
            if rescued.freed + rescued.quarantined > 0 {
                tracing::warn!(rescued.freed, rescued.quarantined, "rescued jobs of lost workers");
            }
            look.waiting |= rescued.freed > 0;
        }
        if is_past(look.expires_in) {
            for id in pulse::discard_expired(&self.db).await? {
                tracing::warn!(job = %id, "discarded: its deadline passed before it was started");
            }
        }
        if is_past(look.due_in) {
            look.waiting |= pulse::promote_due(&self.db).await? > 0;
        }
        Ok(look)
    }
}

fn is_past(seconds: Option<f64>) -> bool {
    seconds.is_some_and(|seconds| seconds <= 0.0)
}

/// How long to sleep after a look: until something is due, but not longer than `rest`.
fn next(look: &Look, rest: Duration) -> Duration {
    let times = [look.due_in, look.expires_in, look.lapses_in].into_iter().flatten();
    // What is past was just dealt with, in part perhaps, or by another host: soon again, but no busy loop.
    let waits = times.map(|seconds| if seconds <= 0.0 { 0.02 } else { seconds + 0.001 });
    waits.filter_map(|seconds| Duration::try_from_secs_f64(seconds).ok()).fold(rest, Duration::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(9);

    fn look(due_in: Option<f64>, lapses_in: Option<f64>) -> Look {
        Look { waiting: false, due_in, expires_in: None, lapses_in }
    }

    #[test]
    fn the_next_look_is_when_the_first_thing_is_due() {
        assert_eq!(next(&look(None, None), REST), REST);
        assert_eq!(next(&look(Some(1e300), Some(2.0)), REST), Duration::from_millis(2001));
        assert_eq!(next(&look(Some(0.5), Some(2.0)), REST), Duration::from_millis(501));
        assert_eq!(next(&look(Some(-7.0), None), REST), Duration::from_millis(20));
    }

    #[test]
    fn a_clock_keeps_the_earliest_time_it_was_told() {
        let clock = Clock::default();
        let start = Instant::now();
        clock.due_in(REST);
        let first = clock.next();
        clock.due_in(Duration::from_secs(20));
        assert_eq!(clock.next(), first);
        clock.due_in(Duration::from_secs(3));
        assert!(clock.next() < start + REST);
        clock.forget();
        clock.due_in(Duration::from_secs(20));
        assert!(clock.next() > first);
    }
}
