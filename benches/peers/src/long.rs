//! Drains of a queue that has a past: a transaction that holds back vacuum, millions of rows.

use std::time::{Duration, Instant};

use peers::Result;

use crate::bed::Bed;
use crate::measures::{DRAIN, Values, backlog, handled, rate};

/// Drains before the transaction begins.
const BEFORE: usize = 3;

/// Enqueues `n` jobs and drains them: handled jobs a second.
fn cycle(bed: &Bed, n: u64, enqueued: &mut u64) -> Result<f64> {
    bed.bulk(n)?;
    *enqueued += n;
    let mut worker = bed.worker(n, &[])?;
    let event = handled(worker.wait("HANDLED", DRAIN), bed, *enqueued)?;
    bed.until_done(*enqueued, DRAIN)?;
    worker.stop()?;
    Ok(rate(n, event.first, event.last))
}

/// Fills and drains the queue again and again, first as it is, then with a transaction held open that has a snapshot and a
/// number. The last third of that time is compared with the time before.
pub fn held(bed: &Bed) -> Result<Values> {
    let time = bed.scope.seconds(30, 600);
    let n = bed.scope.count(backlog(bed) / 2);
    bed.fresh()?;
    let mut enqueued = 0;
    let before = (0..BEFORE).map(|_| cycle(bed, n, &mut enqueued)).collect::<Result<Vec<_>>>()?;
    let mut holder = bed.client(&bed.system.database())?;
    holder.batch_execute("begin isolation level repeatable read; select pg_current_xact_id()")?;
    let start = Instant::now();
    let mut last_third = Vec::new();
    while start.elapsed() < time || last_third.is_empty() {
        let at = start.elapsed();
        let per_s = cycle(bed, n, &mut enqueued)?;
        if at + at / 2 >= time || start.elapsed() >= time {
            last_third.push(per_s);
        }
    }
    holder.batch_execute("rollback")?;
    let (before, during) = (median(&before), median(&last_third));
    Ok(Values::from([("before_per_s", before), ("during_per_s", during), ("ratio", during / before)]))
}

/// Drains 100,000 jobs of a backlog, with what was finished before kept: by the same path as all jobs take.
pub fn large(bed: &Bed) -> Result<Values> {
    const ROUNDS: usize = 3;
    let (million, n) = (bed.scope.count(1_000_000), bed.scope.count(100_000));
    let copy = |n: u64| bed.enqueue(&["copy", &n.to_string()]);
    bed.fresh()?;
    for _ in 0..10 {
        copy(million)?;
        let mut worker = bed.worker(million, &[])?;
        handled(worker.wait("HANDLED", Duration::from_secs(600)), bed, million)?;
        bed.until_done(million, DRAIN)?;
        worker.stop()?;
    }
    copy(million)?;
    let mut runs = Vec::new();
    for _ in 0..ROUNDS {
        copy(n)?;
        bed.vacuum()?;
        bed.checkpoint()?;
        let mut worker = bed.worker(n, &[])?;
        let event = handled(worker.wait("HANDLED", DRAIN), bed, n)?;
        worker.stop()?;
        runs.push(rate(n, event.first, event.last));
        // What it ran beyond `n` before it stopped is filled up again.
        let missing = million as f64 - bed.left(million)?;
        if missing >= 1.0 {
            copy(missing as u64)?;
        }
    }
    Ok(Values::from([("handled_per_s", median(&runs))]))
}

/// The value in the middle; of two, their mean.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}
