//! Being told to stop: whatever is waited for, the reporter is asked 10 times a second whether to go on.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::backup::Reporter;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long what runs may take to stop by itself.
const GRACE: Duration = Duration::from_millis(400);

/// Does `work` to its end, and has `tell` say meanwhile how far it is. Told to stop, drops it, and fails with `words`.
pub(super) async fn unless_stopped<T>(
    report: &Reporter,
    words: &str,
    tell: impl Fn(&dyn Report),
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut work = pin!(work);
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = looks.tick() => {
                if report.should_stop() {
                    return Err(Failure::new(Kind::Cancelled, words));
                }
                tell(report.as_ref());
            }
            done = &mut work => return done,
        }
    }
}

/// Does work that itself asks the reporter, or has parts that do. Told to stop, it gets a moment to stop by itself; then
/// it is dropped, and this fails with `words`.
pub(super) async fn until_stopped<T, E: From<Failure>>(
    report: &Reporter,
    words: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let stopped = async {
        while !report.should_stop() {
            sleep(LOOK_EVERY).await;
        }
        sleep(GRACE).await;
    };
    tokio::select! {
        done = work => done,
        () = stopped => Err(Failure::new(Kind::Cancelled, words).into()),
    }
}
