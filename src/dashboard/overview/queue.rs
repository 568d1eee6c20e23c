//! The queue: how deep, who works, what fails.

use maud::{Markup, html};

use crate::dashboard::parts::badge::{self, Tone, badge};
use crate::dashboard::parts::chart::{Bar, bars};
use crate::dashboard::parts::empty::empty;
use crate::dashboard::parts::link::href;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::{amount, time};
use crate::db::stats::{Fault, KindStats, Stats};
use crate::model::failure::ErrorClass;
use crate::model::figures::counted;

/// Depth and oldest of each kind.
pub(super) fn kinds(stats: &Stats) -> Markup {
    let columns = [
        Column::text("Kind"),
        Column::number("Waiting"),
        Column::number("Oldest"),
        Column::number("Running"),
        Column::number("Scheduled"),
        Column::number("Parked"),
    ];
    let rows = stats.kinds.iter().map(|kind| {
        let of = |state: &'static str, amount| amount::linked(amount, &[("state", state), ("kind", &kind.kind)]);
        vec![
            html! {
                a href=(href("/jobs", &[("kind", &kind.kind)])) { (kind.kind) }
                @if kind.paused.is_some() { " " (badge::state("paused")) }
            },
            of("available", kind.available),
            html! { (time::lasting(kind.oldest_seconds)) },
            of("running", kind.running),
            of("scheduled", kind.scheduled),
            of("parked", kind.parked),
        ]
    });
    let is_estimate = stats.kinds.iter().any(KindStats::is_estimate);
    html! {
        section.card {
            div.head { h2 { "Queue" } a href="/queues" { "Queues and limits" } }
            @if stats.kinds.is_empty() {
                (empty("The queue is empty, and nothing ended in the last hour.", &html! {}))
            } @else {
                (table("Jobs that are not finished, by kind", &columns, rows))
                @if is_estimate { p.small.muted { "~ is an estimate: so many jobs are not counted, a sample of them is." } }
            }
        }
    }
}

/// Why jobs failed.
pub(super) fn faults(faults: &[Fault]) -> Markup {
    let all: u64 = faults.iter().map(|fault| fault.jobs).sum();
    let list: Vec<Bar> = faults
        .iter()
        .map(|fault| Bar {
            name: html! {
                a href=(href("/jobs", &[("state", "discarded"), ("ended_since", "24h"), ("error_class", &fault.class)])) {
                    @if fault.class == ErrorClass::Untold.name() { "none told" } @else { (fault.class.replace('_', " ")) }
                }
            },
            share: fault.jobs as f64 / all.max(1) as f64,
            of: 1.0,
            value: counted(fault.jobs, "job", "jobs"),
            note: html! { @if let Some(example) = &fault.example { (shortened(example)) } },
        })
        .collect();
    html! {
        section.card {
            div.head { h2 { "Failures by reason" } span.small.muted { "of the last 500 discarded, those of the last day" } }
            @if faults.is_empty() {
                (empty("Nothing was discarded in the last day.", &html! { p.muted { "The cats purr." } }))
            } @else { (bars("Discarded jobs by class of error", &list)) }
        }
    }
}

/// Workers and when they were last heard of.
pub(super) fn workers(stats: &Stats) -> Markup {
    let columns =
        [Column::text("Worker"), Column::text("Lease"), Column::number("Busy"), Column::number("Last heartbeat")];
    let rows = stats.workers.iter().map(|worker| {
        vec![
            html! { (worker.name) },
            if worker.lapsed { badge(Tone::Bad, "lapsed") } else { badge(Tone::Good, "good") },
            html! { (amount::text(worker.holding)) " of " (worker.slots) },
            time::ago(worker.heartbeat_at, stats.at),
        ]
    });
    html! {
        section.card {
            div.head { h2 { "Workers" } a href="/queues" { "More of them" } }
            @if stats.workers.is_empty() {
                (empty("Nobody works.", &html! { p { "Start a worker with:" } pre { code { "repo-to-cat run" } } }))
            } @else { (table("Workers and their heartbeats", &columns, rows)) }
        }
    }
}

/// The first line, cut where it is long.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(140) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_between_two_characters() {
        assert_eq!(shortened("short\nand more"), "short");
        assert_eq!(shortened(&"🐈".repeat(200)).chars().count(), 141);
    }
}
