//! Two workers, one killed amid the work: when is everything done, what ran twice, what was lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use peers::{Result, now};

use crate::bed::Bed;
use crate::measures::Values;
use crate::process::Process;
use crate::systems::OURS;

const JOBS: u64 = 5_000;
/// How many jobs are done when the worker is killed.
const KILL_AT: u64 = 1_500;
/// A system that has run nothing for so long waits for its rescue; the next one may begin.
const STILL: Duration = Duration::from_secs(3);
/// Between two looks before the kill, and after it.
const LOOK: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(50)];
/// How long second runs are looked for when all is done.
const AFTER: Duration = Duration::from_secs(2);

/// One system after the other has its busy part; the waits for a rescue overlap, which for some are minutes.
/// Ours comes first and has the machine for itself to the end.
pub fn all(beds: &[&Bed], job_ms: u64) -> Vec<Result<Values>> {
    let mut crashes: Vec<Result<Crash>> = Vec::new();
    for bed in beds {
        crashes.push(Crash::begin(bed, job_ms));
        let still = if bed.system.name == OURS { Duration::MAX } else { STILL };
        watch(&mut crashes, |crashes| {
            let newest = crashes.last().and_then(|crash| crash.as_ref().ok());
            newest.is_none_or(|crash| crash.is_over() || crash.is_still_for(still))
        });
    }
    watch(&mut crashes, |crashes| crashes.iter().flatten().all(Crash::is_over));
    crashes.into_iter().map(|crash| crash.and_then(Crash::finish)).collect()
}

/// Looks at all crashes until `enough`.
fn watch(crashes: &mut [Result<Crash>], enough: impl Fn(&[Result<Crash>]) -> bool) {
    while !enough(crashes) {
        crashes.iter_mut().flatten().for_each(Crash::look);
        sleep(LOOK[1]);
    }
}

/// A crash whose end is awaited.
struct Crash<'a> {
    bed: &'a Bed,
    survivor: Process,
    logs: [PathBuf; 2],
    jobs: u64,
    killed: u64,
    limit: Duration,
    /// How many were done at the last look, and when that changed.
    seen: u64,
    moved: u64,
    all_done: Option<Duration>,
    values: Values,
}

/// How often each job was started and done.
#[derive(Default)]
struct Runs {
    started: BTreeMap<u64, u64>,
    done: BTreeMap<u64, u64>,
}

impl Runs {
    fn read(logs: &[PathBuf]) -> Self {
        let mut runs = Self::default();
        for log in logs {
            let text = std::fs::read_to_string(log).unwrap_or_default();
            // A kill may have cut the last line.
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            for (what, number) in whole.lines().filter_map(|line| line.split_once(' ')) {
                let Ok(number) = number.parse() else { continue };
                let counts = if what == "s" { &mut runs.started } else { &mut runs.done };
                *counts.entry(number).or_default() += 1;
            }
        }
        runs
    }

    fn twice(counts: &BTreeMap<u64, u64>) -> f64 {
        counts.values().filter(|&&times| times > 1).count() as f64
    }
}

impl<'a> Crash<'a> {
    /// Both workers are up before the jobs come; the one that started more of them is killed.
    fn begin(bed: &'a Bed, job_ms: u64) -> Result<Self> {
        let logs = ["a", "b"].map(|name| bed.file(&format!("crash-{}-{name}", bed.system.name)));
        for log in &logs {
            std::fs::write(log, "")?;
        }
        let mut env: Vec<(&str, String)> =
            bed.system.crash.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        env.push(("JOB_MS", job_ms.to_string()));
        let worker = |log: &Path| {
            let mut env = env.clone();
            env.push(("LOG", log.display().to_string()));
            bed.worker(u64::MAX, &env)
        };
        bed.fresh()?;
        let mut workers = [worker(&logs[0])?, worker(&logs[1])?];
        sleep(Duration::from_secs(2));
        let jobs = bed.scope.count(JOBS);
        let start = now();
        bed.bulk(jobs)?;
        while (Runs::read(&logs).done.len() as u64) < KILL_AT.min(jobs / 3) {
            if now() - start > 60_000_000_000 {
                return Err("the jobs are not run".into());
            }
            sleep(LOOK[0]);
        }
        if Runs::read(&logs[1..]).started.len() > Runs::read(&logs[..1]).started.len() {
            workers.swap(0, 1);
        }
        let [victim, survivor] = workers;
        victim.kill()?;
        let killed = now();
        let runs = Runs::read(&logs);
        let done = runs.done.len() as f64;
        // One worker has what two had before it.
        let work = 2.0 * (killed - start) as f64 / 1e9 * (jobs as f64 - done) / done;
        let running = (runs.started.len() - runs.done.len()) as f64;
        let values = Values::from([("done_at_kill", done), ("running_at_kill", running), ("work_s", work)]);
        let limit = Duration::from_secs(if bed.scope.full { 400 } else { 60 });
        Ok(Self { bed, survivor, logs, jobs, killed, limit, seen: 0, moved: killed, all_done: None, values })
    }

    fn look(&mut self) {
        if self.is_over() {
            return;
        }
        let done = Runs::read(&self.logs).done.len() as u64;
        if done != self.seen {
            (self.seen, self.moved) = (done, now());
        }
        // A job that ran is not done before the database knows.
        if done >= self.jobs && self.bed.left(self.jobs).is_ok_and(|left| left <= 0.0) {
            self.all_done = Some(self.since_kill());
        }
    }

    fn is_over(&self) -> bool {
        self.all_done.is_some() || self.since_kill() > self.limit
    }

    fn is_still_for(&self, time: Duration) -> bool {
        Duration::from_nanos(now() - self.moved) > time
    }

    fn since_kill(&self) -> Duration {
        Duration::from_nanos(now() - self.killed)
    }

    fn finish(self) -> Result<Values> {
        if self.all_done.is_some() {
            sleep(AFTER);
        }
        let runs = Runs::read(&self.logs);
        let mut values = self.values;
        if let Some(time) = self.all_done {
            values.insert("all_done_s", time.as_secs_f64());
        }
        values.insert("limit_s", self.limit.as_secs_f64());
        values.insert("not_run", (self.jobs as usize - runs.done.len()) as f64);
        values.insert("started_twice", Runs::twice(&runs.started));
        values.insert("done_twice", Runs::twice(&runs.done));
        values.insert("unfinished", self.bed.left(self.jobs)?);
        self.survivor.stop()?;
        Ok(values)
    }
}
