//! The queue as a whole.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::amount::{duration, grouped, relative};
use super::hold::banner;
use super::look::Look;
use super::table::Table;
use super::text::safe;
use crate::db::stats::{Amount, KindStats, LimitUse, Percentiles, Recent, Stats, Worker};
use crate::model::limits::EACH;

/// All of it.
#[must_use]
pub fn stats(stats: &Stats, look: &Look) -> String {
    let mut parts = vec![depth(&stats.kinds, look)];
    if stats.kinds.iter().any(|kind| kind.recent.as_ref().is_some_and(has_ended)) {
        parts.push(recent(&stats.kinds, look));
    }
    if stats.kinds.iter().any(|kind| kind.recent.is_none()) {
        parts.push("What ended lately could not be found out in time.\n".to_owned());
    }
    parts.extend(stats.kinds.iter().filter_map(|kind| kind.paused.as_ref()).map(|paused| {
        let because = paused.because.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let text = format!("{} was paused {}{because}", paused.kind, relative(paused.paused_at, stats.at));
        look.fair(&safe(&text)) + "\n"
    }));
    parts.push(workers(&stats.workers, stats.at, look));
    if !stats.limits.is_empty() {
        parts.push(limits(&stats.limits, look));
    }
    banner(stats.held.as_ref(), look) + &parts.join("\n")
}

fn depth(kinds: &[KindStats], look: &Look) -> String {
    if kinds.is_empty() {
        return "The queue is empty, and nothing ended in the last hour.\n".to_owned();
    }
    let columns = ["Kind", "Available", "Oldest", "Running", "Scheduled", "Parked", "Empty in"];
    let mut table = (1..7).fold(Table::new(columns).whole(0), Table::numbers);
    for kind in kinds {
        let empty_in = if kind.available.jobs == 0 { None } else { kind.empty_in_seconds };
        table.row([
            kind.kind.clone(),
            amount(kind.available),
            kind.oldest_seconds.map_or_else(dash, seconds),
            amount(kind.running),
            amount(kind.scheduled),
            amount(kind.parked),
            empty_in.map_or_else(dash, |time| format!("~{}", seconds(time))),
        ]);
    }
    table.render(look)
}

fn recent(kinds: &[KindStats], look: &Look) -> String {
    let columns =
        ["Kind", "Last minute", "Last hour", "Discarded", "Waited p50", "p95", "p99", "Ran p50", "p95", "p99"];
    let mut table = (1..10).fold(Table::new(columns).whole(0), Table::numbers);
    for kind in kinds {
        let Some(recent) = kind.recent.as_ref().filter(|recent| has_ended(recent)) else { continue };
        let [waited, ran] = [recent.wait_seconds, recent.run_seconds].map(percentiles);
        let [wait50, wait95, wait99] = waited;
        let [run50, run95, run99] = ran;
        table.row([
            kind.kind.clone(),
            amount(recent.completed_last_minute),
            amount(recent.completed_last_hour),
            amount(recent.discarded_last_hour),
            wait50,
            wait95,
            wait99,
            run50,
            run95,
            run99,
        ]);
    }
    table.render(look)
}

const fn has_ended(recent: &Recent) -> bool {
    recent.completed_last_hour.jobs + recent.completed_last_minute.jobs + recent.discarded_last_hour.jobs > 0
}

/// Workers as a table.
#[must_use]
pub fn workers(workers: &[Worker], now: DateTime<Utc>, look: &Look) -> String {
    if workers.is_empty() {
        return "No worker is registered. Start one: repo-to-cat run\n".to_owned();
    }
    let columns = ["Worker", "Slots", "Holding", "Since", "Heartbeat", "Lease", "Id"];
    let mut table = Table::new(columns).numbers(1).numbers(2).whole(6);
    for worker in workers {
        table.row([
            worker.name.clone(),
            worker.slots.to_string(),
            amount(worker.holding),
            relative(worker.started_at, now),
            relative(worker.heartbeat_at, now),
            if worker.lapsed { "lapsed".to_owned() } else { relative(worker.lease_until, now) },
            worker.id.to_string(),
        ]);
    }
    table.render(look)
}

/// Limits as a table.
#[must_use]
pub fn limits(limits: &[LimitUse], look: &Look) -> String {
    if limits.is_empty() {
        return "Nothing is limited.\n".to_owned();
    }
    let mut table =
        Table::new(["Kind", "Key", "Running", "Most", "Rate", "Startable"]).numbers(2).numbers(3).numbers(5);
    for LimitUse { limit, running, startable } in limits {
        let key = match limit.limit_key.as_str() {
            "" => "all together",
            EACH => "* (each)",
            key => key,
        };
        let rate = limit.rate_count.zip(limit.rate_seconds);
        table.row([
            limit.kind.clone(),
            key.to_owned(),
            running.to_string(),
            limit.max_running.map_or_else(dash, |most| most.to_string()),
            rate.map_or_else(dash, |(count, seconds)| format!("{count} in {seconds} s")),
            startable.map_or_else(dash, |jobs| format!("{:.0}", jobs.floor())),
        ]);
    }
    table.render(look)
}

fn amount(amount: Amount) -> String {
    format!("{}{}", if amount.exact { "" } else { "~" }, grouped(amount.jobs))
}

fn percentiles(percentiles: Option<Percentiles>) -> [String; 3] {
    percentiles.map_or_else(|| [dash(), dash(), dash()], |of| [of.p50, of.p95, of.p99].map(seconds))
}

fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn dash() -> String {
    "-".to_owned()
}
