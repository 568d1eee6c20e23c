//! The measures: what is done, in which rounds, and what is noted. The table is made of the notes (see `table.rs`).

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use peers::{Result, now};

use crate::bed::{Bed, number};
use crate::process::Event;
use crate::systems::{FLOOR, OURS, System};
use crate::{crash, long};

/// What one run of a measure on one system gave.
pub type Values = BTreeMap<&'static str, f64>;

pub struct Measure {
    pub name: &'static str,
    pub what: &'static str,
    pub run: Run,
    /// Whether a system takes part, in a short run and in a full one.
    pub takes: [fn(&System) -> bool; 2],
    /// How often, in a short run and in a full one.
    pub rounds: [u32; 2],
}

pub enum Run {
    /// One system after the other.
    Alone(fn(&Bed) -> Result<Values>),
    /// All at once: they mostly wait.
    Together(fn(&[&Bed]) -> Vec<Result<Values>>),
}

const ANY: fn(&System) -> bool = |_| true;
const NONE: fn(&System) -> bool = |_| false;
const WORKERS: fn(&System) -> bool = |system| system.name != FLOOR;
const WE: fn(&System) -> bool = |system| system.name == OURS;
const WE_AND_FLOOR: fn(&System) -> bool = |system| !system.is_peer();
const WE_AND_FASTEST: fn(&System) -> bool = |system| system.name == OURS || system.name == "graphile_worker";
/// A short run leaves out those that kept up with no steady load, or badly, when all were measured.
const STEADY: fn(&System) -> bool = |system| !matches!(system.name, "awa" | "graphile-worker");
/// Whose WAL the goals name.
const STINGY: fn(&System) -> bool = |system| matches!(system.name, OURS | FLOOR | "graphile_worker" | "awa");
const WE_AND_AWA: fn(&System) -> bool = |system| system.name == OURS || system.name == "awa";

const fn alone(
    name: &'static str,
    takes: [fn(&System) -> bool; 2],
    rounds: [u32; 2],
    run: fn(&Bed) -> Result<Values>,
    what: &'static str,
) -> Measure {
    Measure { name, what, run: Run::Alone(run), takes, rounds }
}

const fn together(
    name: &'static str,
    takes: [fn(&System) -> bool; 2],
    rounds: [u32; 2],
    run: fn(&[&Bed]) -> Vec<Result<Values>>,
    what: &'static str,
) -> Measure {
    Measure { name, what, run: Run::Together(run), takes, rounds }
}

pub const MEASURES: [Measure; 14] = [
    alone("drain", [ANY, ANY], [3, 5], |bed| drain(bed, 0), "a full queue, then one worker; and its bulk enqueue"),
    alone("drain-1ms", [WE_AND_FASTEST, ANY], [1, 3], |bed| drain(bed, 1), "the same with jobs of 1 ms"),
    alone("enqueue-1", [ANY, ANY], [2, 5], |bed| enqueue(bed, 1, false), "one at a time, 1 caller"),
    alone("enqueue-16", [ANY, ANY], [2, 5], |bed| enqueue(bed, 16, false), "one at a time, 16 callers"),
    alone("listener-1", [WE_AND_FLOOR, ANY], [2, 3], |bed| enqueue(bed, 1, true), "1 caller, an idle worker listening"),
    alone("listener-16", [WE_AND_FLOOR, ANY], [2, 3], |bed| enqueue(bed, 16, true), "16 callers, the same"),
    alone("copy", [WE_AND_FLOOR, WE_AND_FLOOR], [3, 5], copy, "enqueue by COPY"),
    alone(
        "pickup",
        [ANY, ANY],
        [1, 3],
        |bed| paced(bed, 50, 1, bed.scope.seconds(8, 10)),
        "50 jobs/s to an idle worker",
    ),
    alone(
        "load-500",
        [STEADY, ANY],
        [1, 3],
        |bed| paced(bed, 500, 1, bed.scope.seconds(10, 60)),
        "500 jobs/s, one by one",
    ),
    alone(
        "load-5000",
        [STEADY, ANY],
        [1, 3],
        |bed| paced(bed, 5000, 10, bed.scope.seconds(10, 60)),
        "5,000 jobs/s by tens",
    ),
    together("idle", [WORKERS, WORKERS], [1, 1], idle, "a worker with nothing to do"),
    alone("wal", [STINGY, ANY], [1, 3], wal, "WAL of a bulk enqueue and its drain"),
    together("crash", [WORKERS, WORKERS], [1, 3], |beds| crash::all(beds, 5), "kill -9 amid 5,000 jobs of 5 ms"),
    together("crash-500ms", [NONE, WE_AND_AWA], [0, 3], |beds| crash::all(beds, 500), "the same, jobs of 500 ms"),
];

/// Those that need minutes or millions of rows.
pub const LONG: [Measure; 2] = [
    alone("held", [WE, WORKERS], [1, 1], long::held, "drains while a transaction is held open"),
    alone("large", [NONE, WE], [0, 1], long::large, "a drain beside 10 million finished and 1 million waiting jobs"),
];

/// How long a worker may take for a full queue.
pub const DRAIN: Duration = Duration::from_secs(120);

/// How many jobs a drain has.
pub fn backlog(bed: &Bed) -> u64 {
    bed.scope.count(if bed.scope.full { 100_000 } else { bed.system.backlog })
}

fn drain(bed: &Bed, job_ms: u64) -> Result<Values> {
    bed.fresh()?;
    let n = backlog(bed);
    let bulk = bed.bulk(n)?;
    bed.vacuum()?;
    bed.checkpoint()?;
    let mut worker = bed.worker(n, &[("JOB_MS", job_ms.to_string())])?;
    let handled = handled(worker.wait("HANDLED", DRAIN), bed, n)?;
    bed.until_done(n, Duration::from_secs(30))?;
    let end = now();
    worker.stop()?;
    Ok(Values::from([
        ("per_s", rate(n, handled.first, end)),
        ("handled_per_s", rate(n, handled.first, handled.last)),
        ("peak_mb", handled.rss_kb as f64 * 1024.0 / 1e6),
        ("bulk_per_s", bulk.per_s),
    ]))
}

/// The event of a worker that ran all `n` jobs, or how far it came.
pub fn handled(event: Option<Event>, bed: &Bed, n: u64) -> Result<Event> {
    match event {
        Some(event) => Ok(event),
        None => Err(format!("{} of {n} jobs are unfinished when the time is up", bed.left(n)?).into()),
    }
}

/// Jobs a second between two moments.
pub fn rate(n: u64, from: u64, to: u64) -> f64 {
    n as f64 / (to.saturating_sub(from) as f64 / 1e9)
}

fn enqueue(bed: &Bed, callers: usize, with_worker: bool) -> Result<Values> {
    bed.fresh()?;
    let worker = if with_worker { Some(bed.worker(u64::MAX, &[])?) } else { None };
    if with_worker {
        sleep(bed.scope.seconds(2, 2));
    }
    let [by_one, by_many] = bed.system.singles;
    let n = bed.scope.count(if callers == 1 { by_one } else { by_many });
    let event = bed.enqueue(&["enqueue", &n.to_string(), &callers.to_string()])?;
    if let Some(worker) = worker {
        worker.stop()?;
    }
    Ok(Values::from([("per_s", event.per_s)]))
}

fn copy(bed: &Bed) -> Result<Values> {
    bed.fresh()?;
    let event = bed.enqueue(&["copy", &bed.scope.count(100_000).to_string()])?;
    Ok(Values::from([("per_s", event.per_s)]))
}

/// Jobs enqueued at a fixed rate, and how long each waited for its handler. Of the floor: how long a commit takes.
fn paced(bed: &Bed, per_s: u64, batch: u64, time: Duration) -> Result<Values> {
    let n = bed.scope.count(per_s * time.as_secs());
    let numbers = [per_s, n, batch].map(|number| number.to_string());
    let words = ["pace", &numbers[0], &numbers[1], &numbers[2]];
    bed.fresh()?;
    if bed.system.name == FLOOR {
        let calls = bed.enqueue(&words)?;
        return Ok(Values::from([("p50", calls.p50), ("p99", calls.p99)]));
    }
    let mut worker = bed.worker(n, &[])?;
    sleep(bed.scope.seconds(2, 3));
    let mut enqueuer = bed.driver(&words, &[])?;
    // The middle and the last third of the run are compared: what grows shows there.
    let start = Instant::now();
    let mut sizes = Vec::new();
    let mut calls = None;
    while calls.is_none() && start.elapsed() < 3 * time {
        calls = enqueuer.wait("RATE", Duration::from_secs(1).min(time));
        if calls.is_none() && bed.system.live.is_some() {
            sizes.push(Size::of(bed, n)?);
        }
    }
    let Some(calls) = calls else {
        return Err(format!("{per_s} jobs a second could not be enqueued").into());
    };
    let end = now();
    let event = match worker.wait("HANDLED", Duration::from_secs(20)) {
        Some(event) => event,
        None => worker.stop()?.ok_or("the worker did not stop")?,
    };
    let mut values = Values::from([
        ("p50", event.p50),
        ("p99", event.p99),
        ("enqueued_per_s", calls.per_s),
        ("unseen", (n - event.n) as f64),
        ("tail_s", event.last.saturating_sub(end) as f64 / 1e9),
    ]);
    if let [_, middle, last] = sizes.chunks(sizes.len().div_ceil(3).max(1)).collect::<Vec<_>>()[..] {
        let most = |part: &[Size], of: fn(&Size) -> f64| part.iter().map(of).fold(0.0, f64::max);
        values.insert("backlog_middle", most(middle, |size| size.backlog));
        values.insert("backlog_end", most(last, |size| size.backlog));
        values.insert("dead_middle", most(middle, |size| size.dead));
        values.insert("dead_end", most(last, |size| size.dead));
        values.insert("mb_middle", most(middle, |size| size.mb));
        values.insert("mb_end", most(last, |size| size.mb));
    }
    Ok(values)
}

/// What a queue holds at a moment.
struct Size {
    backlog: f64,
    /// Dead tuples in the table of live jobs.
    dead: f64,
    /// Of that table with its indexes.
    mb: f64,
}

impl Size {
    fn of(bed: &Bed, n: u64) -> Result<Self> {
        let table = bed.system.live.ok_or("the system has no table of live jobs")?;
        let mut client = bed.client(&bed.system.database())?;
        let dead = format!("pg_stat_get_dead_tuples('{table}'::regclass)");
        let bytes = format!("pg_total_relation_size('{table}'::regclass)");
        Ok(Self { backlog: bed.left(n)?, dead: number(&mut client, &dead)?, mb: number(&mut client, &bytes)? / 1e6 })
    }
}

fn idle(beds: &[&Bed]) -> Vec<Result<Values>> {
    let Some(scope) = beds.first().map(|bed| bed.scope) else { return Vec::new() };
    let time = scope.seconds(20, 60);
    let start = |bed: &&Bed| -> Result<_> {
        bed.fresh()?;
        bed.worker(1, &[])
    };
    let workers: Vec<_> = beds.iter().map(start).collect();
    sleep(scope.seconds(8, 30));
    let before: Vec<_> = beds.iter().map(|bed| bed.statements()).collect();
    sleep(time);
    let after: Vec<_> = beds.iter().map(|bed| bed.statements()).collect();
    let runs = workers.into_iter().zip(before).zip(after);
    runs.map(|((worker, before), after)| {
        let worker = worker?;
        let values = [("statements_per_s", (after? - before?) / time.as_secs_f64()), ("mb", worker.memory()?)];
        worker.stop()?;
        Ok(Values::from(values))
    })
    .collect()
}

/// No checkpoint in between: its full-page images would say when it came, not what the queue writes.
fn wal(bed: &Bed) -> Result<Values> {
    bed.fresh()?;
    let n = backlog(bed);
    let start = bed.wal()?;
    bed.bulk(n)?;
    let enqueued = bed.wal()?;
    let mut worker = bed.worker(n, &[])?;
    handled(worker.wait("HANDLED", DRAIN), bed, n)?;
    bed.until_done(n, Duration::from_secs(30))?;
    let drained = bed.wal()?;
    worker.stop()?;
    let per_job = |bytes: f64| bytes / n as f64;
    Ok(Values::from([
        ("enqueue", per_job(enqueued - start)),
        ("drain", per_job(drained - enqueued)),
        ("sum", per_job(drained - start)),
    ]))
}
