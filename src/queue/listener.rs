//! The listener: passes on what the database says.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::db::listener::Word;
use crate::queue::Trouble;
use crate::queue::lease::Lease;
use crate::queue::watch::Clock;
use crate::telemetry::metrics;

/// Listens until `stop`. Whenever the connection was away, word may have been missed: then all is looked at.
pub async fn run(db: Db, lease: Lease, clock: Clock, stop: CancellationToken) {
    let mut trouble = Trouble::default();
    let listening = async {
        loop {
            let wait = match db.listen().await {
                Ok(mut listener) => {
                    trouble.over("listening for jobs");
                    lease.upset();
                    lease.check_now();
                    clock.due_in(Duration::ZERO);
                    loop {
                        match listener.heard().await {
                            Ok(Word::Jobs | Word::Steered) => {
                                metrics::woken();
                                lease.wake();
                            }
                            Ok(Word::Cancelled(worker)) if worker == lease.worker_id() => lease.check_now(),
                            Ok(Word::Cancelled(_)) => {}
                            Ok(Word::Due) => clock.due_in(Duration::ZERO),
                            Err(failure) => break trouble.met("listening for jobs", failure),
                        }
                    }
                }
                Err(failure) => trouble.met("listening for jobs", failure),
            };
            sleep(wait).await;
        }
    };
    stop.run_until_cancelled(listening).await;
}
