//! The rows of the table: what is shown of each measure, and what is wanted of it.

use crate::bed::Scope;
use crate::results::Results;
use crate::systems::{FLOOR, OURS};

/// The steady loads: jobs a second.
const LOADS: [(&str, f64, &str); 2] =
    [("load-500", 500.0, "500 jobs/s one by one"), ("load-5000", 5000.0, "5,000 jobs/s in batches of 10")];

pub struct Row {
    pub what: String,
    /// One a system, in their order.
    pub cells: Vec<String>,
    pub goals: Vec<Goal>,
}

pub struct Goal {
    pub what: String,
    /// How far we are.
    pub is: String,
    pub reached: bool,
}

impl Goal {
    fn new(what: impl Into<String>, is: impl Into<String>, reached: bool) -> Self {
        Self { what: what.into(), is: is.into(), reached }
    }

    /// `ours` is to be at least `factor` times `theirs`.
    fn at_least(factor: f64, name: &str, ours: Option<f64>, theirs: Option<f64>) -> Option<Self> {
        let ratio = ours? / theirs?;
        Some(Self::new(format!("at least {factor} x {name}"), format!("{ratio:.2}"), ratio >= factor))
    }

    /// `ours` is to be below `factor` times `theirs`.
    fn below(factor: f64, name: &str, ours: Option<f64>, theirs: Option<f64>) -> Option<Self> {
        let ratio = ours? / theirs?;
        Some(Self::new(format!("below {factor} x {name}"), format!("{ratio:.2}"), ratio < factor))
    }

    fn below_value(limit: f64, unit: &str, ours: Option<f64>) -> Option<Self> {
        Some(Self::new(format!("below {limit}{unit}"), amount(ours?), ours? < limit))
    }
}

/// A figure as people read it: three digits or more, thousands marked.
pub fn amount(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut marked = String::new();
    for (place, digit) in whole.char_indices() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) && !marked.ends_with('-') {
            marked.push(',');
        }
        marked.push(digit);
    }
    marked + rest
}

/// All rows of which something was measured.
pub fn rows(results: &Results, scope: Scope) -> Vec<Row> {
    let mut rows = Rows { results, scope, rows: Vec::new() };
    rows.throughput();
    rows.latency();
    rows.costs();
    rows.trouble();
    rows.shares();
    rows.rows
}

struct Rows<'a> {
    results: &'a Results,
    scope: Scope,
    rows: Vec<Row>,
}

impl Rows<'_> {
    /// A row of medians, with their ranges.
    fn push(&mut self, what: &str, measure: &str, value: &str, goals: impl IntoIterator<Item = Option<Goal>>) {
        let results = self.results;
        let cell = |system: &str| match results.all(measure, system, value).as_slice() {
            [] => "-".to_owned(),
            [only] => amount(*only),
            several => {
                let (least, most) = several.iter().fold((f64::MAX, f64::MIN), |(a, b), &x| (a.min(x), b.max(x)));
                let median = results.median(measure, system, value).unwrap_or(f64::NAN);
                format!("{} ({} to {})", amount(median), amount(least), amount(most))
            }
        };
        self.push_cells(what, cell, goals);
    }

    fn push_cells(&mut self, what: &str, cell: impl Fn(&str) -> String, goals: impl IntoIterator<Item = Option<Goal>>) {
        let cells = self.results.systems.iter().map(|(name, _)| cell(name)).collect();
        self.push_row(what, cells, goals);
    }

    fn push_row(&mut self, what: &str, cells: Vec<String>, goals: impl IntoIterator<Item = Option<Goal>>) {
        if cells.iter().any(|cell| cell != "-") {
            self.rows.push(Row { what: what.to_owned(), cells, goals: goals.into_iter().flatten().collect() });
        }
    }

    fn throughput(&mut self) {
        let r = self.results;
        let ours = |measure: &str| r.ours(measure, "per_s");
        let floor = |measure: &str| r.floor(measure, "per_s");
        let best = r.peers("drain", "per_s").into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let (name, best) = best.map_or(("the best peer", None), |(name, best)| (name, Some(best)));
        let drain = ours("drain");
        let goals = [Goal::at_least(1.5, name, drain, best), Goal::at_least(0.9, FLOOR, drain, floor("drain"))];
        self.push("drain of no-op jobs, jobs/s", "drain", "per_s", goals);
        self.push("its worker's peak memory, MB", "drain", "peak_mb", []);
        let goal = Goal::at_least(0.9, "our drain of no-ops", ours("drain-1ms"), drain);
        self.push("drain of jobs of 1 ms, jobs/s", "drain-1ms", "per_s", [goal]);
        let handled = |measure| r.ours(measure, "handled_per_s");
        let goal = Goal::at_least(0.9, "our drain without them", handled("large"), handled("drain"));
        let what = "drain beside 10 million finished and 1 million waiting jobs, jobs/s (first to last handler)";
        self.push(what, "large", "handled_per_s", [goal]);

        for callers in ["1", "16"] {
            let (alone, heard) = (format!("enqueue-{callers}"), format!("listener-{callers}"));
            let many = if callers == "1" { "1 caller" } else { "16 callers" };
            let goal = Goal::at_least(0.9, "plain INSERT", ours(&alone), floor(&alone));
            self.push(&format!("enqueue one at a time, {many}, jobs/s"), &alone, "per_s", [goal]);
            let goal = Goal::at_least(0.9, "plain INSERT", ours(&heard), floor(&alone));
            let what = format!(
                "enqueue one at a time, {many}, an idle worker listening, which wakes and works (floor: polls), jobs/s"
            );
            self.push(&what, &heard, "per_s", [goal]);
        }
        let (bulk, unnest) = (r.ours("drain", "bulk_per_s"), r.floor("drain", "bulk_per_s"));
        let goal = Goal::at_least(0.8, "unnest INSERT", bulk, unnest);
        self.push("bulk enqueue, 20,000 a call, jobs/s (ours: by the SQL function)", "drain", "bulk_per_s", [goal]);
        let goal = Goal::at_least(0.8, "COPY", ours("copy"), floor("copy"));
        self.push("enqueue by COPY, jobs/s", "copy", "per_s", [goal]);
    }

    fn latency(&mut self) {
        let goal = self.below_peers("pickup", "p50", None);
        let what = "pick-up on an idle worker, 50 jobs/s: p50, ms (floor: one INSERT commit)";
        self.push(what, "pickup", "p50", [goal]);
        let goal = self.below_commit(2.0, "pickup");
        self.push("the same: p99, ms", "pickup", "p99", [goal]);
        for (measure, rate, what) in LOADS {
            let title = format!("steady load, {what}: wait, p50, ms (floor: one commit)");
            self.push(&title, measure, "p50", []);
            let goals = [self.below_peers(measure, "p99", Some(rate)), self.below_commit(4.0, measure)];
            self.push("the same: p99, ms", measure, "p99", goals);
            self.growth(measure, rate);
        }
    }

    /// Below every peer; with a rate, below those that keep up with it.
    fn below_peers(&self, measure: &str, value: &str, rate: Option<f64>) -> Option<Goal> {
        let ours = self.results.ours(measure, value)?;
        let mut peers = self.results.peers(measure, value);
        peers.retain(|&(name, _)| rate.is_none_or(|rate| self.keeps_up(measure, name, rate)));
        let (name, best) = peers.into_iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let what = if rate.is_some() { "below every peer that keeps up" } else { "below every peer" };
        Some(Goal::new(what, format!("{} against {} ({name})", amount(ours), amount(best)), ours < best))
    }

    fn below_commit(&self, factor: f64, measure: &str) -> Option<Goal> {
        Goal::below(factor, "a commit's p99", self.results.ours(measure, "p99"), self.results.floor(measure, "p99"))
    }

    /// What a steady load leaves in the table of live jobs: the most in the middle third of the run and in the last.
    fn growth(&mut self, measure: &str, rate: f64) {
        let r = self.results;
        let cell = |system: &str| {
            let thirds = ["backlog", "dead", "mb"].map(|what| {
                let of = |third| r.median(measure, system, &format!("{what}_{third}"));
                Some(format!("{} > {}", amount(of("middle")?), amount(of("end")?)))
            });
            let behind = if self.keeps_up(measure, system, rate) { "" } else { "; does not keep up" };
            match thirds {
                [Some(backlog), Some(dead), Some(mb)] => format!("{backlog}, {dead}, {mb}{behind}"),
                _ => "-".to_owned(),
            }
        };
        let grows = |what: &str, slack: f64| {
            let of = |third| r.ours(measure, &format!("{what}_{third}"));
            Some(of("end")? > 1.2 * of("middle")? + slack)
        };
        // Autovacuum comes once a minute: a short run cannot tell.
        let grown = if self.scope.full {
            [grows("backlog", rate / 10.0), grows("dead", 2.0 * rate), grows("mb", 1.0)].into_iter().collect()
        } else {
            None
        };
        let goal = grown.map(|grown: Vec<bool>| {
            let grown = grown.contains(&true);
            Goal::new("no growth", if grown { "grows" } else { "none" }, !grown)
        });
        let title = "the same: backlog, dead tuples, MB of the table of live jobs, middle third > last third";
        let cells: Vec<String> = r.systems.iter().map(|(name, _)| cell(name)).collect();
        self.push_row(title, cells, [goal]);
    }

    /// Whether a system saw all jobs at the rate at which they were to come.
    fn keeps_up(&self, measure: &str, system: &str, rate: f64) -> bool {
        let of = |value| self.results.median(measure, system, value);
        of("unseen") == Some(0.0) && of("enqueued_per_s") > Some(0.95 * rate) && of("tail_s") < Some(1.0)
    }

    fn costs(&mut self) {
        let r = self.results;
        let goal = Goal::below_value(0.2, "/s", r.ours("idle", "statements_per_s"));
        self.push("idle worker, statements/s", "idle", "statements_per_s", [goal]);
        self.push("idle worker, resident MB", "idle", "mb", [Goal::below_value(30.0, " MB", r.ours("idle", "mb"))]);
        let beside = |name: &str, what: &str| {
            let theirs = r.median("wal", name, "sum")?;
            let ours = r.ours("wal", "sum")?;
            Some(Goal::new(
                format!("{what} {name}"),
                format!("{} against {}", amount(ours), amount(theirs)),
                ours < theirs,
            ))
        };
        let goals = [beside("graphile_worker", "below"), beside("awa", "stretch: below")];
        self.push("WAL, bytes a job, enqueue and drain", "wal", "sum", goals);
        self.push("of which the drain", "wal", "drain", []);
    }

    fn trouble(&mut self) {
        let r = self.results;
        for (measure, what) in [("crash", "5 ms"), ("crash-500ms", "500 ms")] {
            let cell = |system: &str| {
                let of = |value| r.median(measure, system, value);
                let Some(limit) = of("limit_s") else { return "-".to_owned() };
                let done = match of("all_done_s") {
                    Some(seconds) => format!("{} s", amount(seconds)),
                    None => format!("> {limit:.0} s ({:.0} unfinished)", of("unfinished").unwrap_or_default()),
                };
                let twice = of("started_twice").unwrap_or_default();
                format!(
                    "{done}, {twice:.0} run twice ({:.0} ran at the kill)",
                    of("running_at_kill").unwrap_or_default()
                )
            };
            let time = || {
                let bound = 10.0 + r.ours(measure, "work_s")?;
                let is = r.ours(measure, "all_done_s").map_or("never".to_owned(), |s| format!("{} s", amount(s)));
                let reached = r.ours(measure, "all_done_s").is_some_and(|seconds| seconds <= bound);
                Some(Goal::new(format!("10 s and the work: {bound:.1} s"), is, reached))
            };
            let lost = || {
                let (not_run, unfinished) = (r.ours(measure, "not_run")?, r.ours(measure, "unfinished")?);
                let is = format!("{not_run:.0} not run, {unfinished:.0} unfinished");
                Some(Goal::new("none lost", is, not_run + unfinished == 0.0))
            };
            let title = format!("kill -9 amid 5,000 jobs of {what}, another worker alive: all done after");
            self.push_cells(&title, cell, [time(), lost()]);
        }
        let goal = r.ours("held", "ratio").map(|ratio| Goal::new("above 0.7", format!("{ratio:.2}"), ratio > 0.7));
        let time = self.scope.seconds(30, 600).as_secs();
        let title = format!("throughput at the end of {time} s with a transaction held open, of that before");
        self.push(&title, "held", "ratio", [goal]);
    }

    /// Whether the peers are as fast here, beside the floor, as they were when measured with other drivers.
    fn shares(&mut self) {
        let r = self.results;
        let share = |system: &str| Some(r.median("drain", system, "per_s")? / r.floor("drain", "per_s")?);
        let known = |system: &str| r.systems.iter().find(|(name, _)| *name == system)?.1;
        let cell = |system: &str| match (share(system), known(system)) {
            (Some(share), Some(known)) => {
                let verdict =
                    if (0.7..=1.3).contains(&(share / known)) { "within 30 %" } else { "OFF by more than 30 %" };
                format!("{:.0} % against {:.0} %: {verdict}", share * 100.0, known * 100.0)
            }
            (Some(share), None) if system == OURS => format!("{:.0} %", share * 100.0),
            _ => "-".to_owned(),
        };
        self.push_cells("share of the floor's drain, against what the peers' earlier figures say", cell, []);
    }
}
