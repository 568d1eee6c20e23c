//! The rescuer: frees the jobs of workers whose lease has lapsed.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::db::{Db, workers};
use crate::queue::{Trouble, answer_within};

/// How long a rescue may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Looks for lapsed leases until `stop`. Any number of processes may do so at once.
pub async fn run(db: Db, every: Duration, lease: Duration, max_deaths: i32, stop: CancellationToken) {
    let mut trouble = Trouble::default();
    let rescuing = async {
        loop {
            match answer_within(PATIENCE, workers::rescue(&db, max_deaths)).await {
                Ok(rescued) => {
                    trouble.over("rescuing jobs");
                    if rescued.freed + rescued.quarantined > 0 {
                        tracing::warn!(rescued.freed, rescued.quarantined, "rescued jobs of lost workers");
                    }
                }
                Err(failure) => {
                    sleep(trouble.met("rescuing jobs", failure)).await;
                    while let Err(failure) = answer_within(PATIENCE, workers::alive(&db)).await {
                        sleep(trouble.met("rescuing jobs", failure)).await;
                    }
                    // Leases ran out while nobody could renew them: who lives gets the time to do so.
                    sleep(lease).await;
                }
            }
            // Hosts that were started together need not ask together.
            sleep(every.mul_f64(rand::random_range(0.8..1.2))).await;
        }
    };
    stop.run_until_cancelled(rescuing).await;
}
