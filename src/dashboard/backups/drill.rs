//! What drills found.

use maud::{Markup, html};

use super::{recorded, verdict};
use crate::dashboard::parts::card::{card, facts};
use crate::dashboard::parts::chart::{Bar, bars};
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::time;
use crate::dashboard::visitor::Visitor;
use crate::db::backups::DrillRow;
use crate::model::amount::bytes;
use crate::model::backup::DrillReport;
use crate::model::backup::verdict::Difference;
use crate::model::figures::{counted, grouped};

/// What the last one found, as it stands in the store.
pub(super) fn report(report: &DrillReport, visitor: &Visitor) -> Markup {
    let mut pairs = vec![
        ("Verdict", verdict(report.verdict)),
        ("Tried", time::ago(report.started_at, visitor.now)),
        ("Restoring alone took", html! { (time::lasting(report.restore_seconds)) }),
        (
            "Compared",
            html! { (counted(report.rows, "row", "rows")) " of " (counted(report.tables, "table", "tables")) },
        ),
        ("Read from the store", html! { (bytes(report.fetched_bytes)) }),
        ("Disk used", html! { (bytes(report.scratch_bytes)) }),
    ];
    if report.images > 0 {
        pairs.push(("Pictures looked for", html! { (grouped(report.images)) }));
    }
    if let Some(job) = report.job {
        pairs.push(("Job", html! { a href={ "/jobs/" (job) } { (job) } }));
    }
    card(
        "Last drill",
        &html! {
            @if let Some(reason) = &report.reason { p { strong { (reason) } } }
            (facts(pairs))
            @if !report.differences.is_empty() { (differences(&report.differences)) }
            @if !report.stages.is_empty() { (stages("Stages of trying it", &report.stages)) }
        },
    )
}

/// Tables and other things that came back otherwise.
fn differences(all: &[Difference]) -> Markup {
    html! {
        h3 { "Came back otherwise" }
        ul.differences { @for difference in all { li { (difference.to_string()) } } }
    }
}

/// Seconds by stage.
pub(super) fn stages(label: &str, stages: &[(String, f64)]) -> Markup {
    let most = stages.iter().fold(0.001_f64, |most, (_, seconds)| most.max(*seconds));
    let bar = |(name, seconds): &(String, f64)| Bar {
        name: html! { (name) },
        share: seconds / most,
        of: 1.0,
        value: time::lasting(Some(*seconds)),
        note: Markup::default(),
    };
    html! { details { summary { (label) } (bars(label, &stages.iter().map(bar).collect::<Vec<_>>())) } }
}

/// The drills that are recorded.
pub(super) fn history(drills: &[DrillRow], visitor: &Visitor) -> Markup {
    let columns = [
        Column::text("Tried"),
        Column::text("Verdict"),
        Column::text("Because"),
        Column::number("Rows compared"),
        Column::number("Restored in"),
        Column::text("Job"),
    ];
    let rows = drills.iter().map(|drill| {
        vec![
            time::ago(drill.finished_at, visitor.now),
            recorded(&drill.verdict),
            html! {
                (drill.reason.as_deref().unwrap_or("–"))
                @if !drill.differences.0.is_empty() {
                    details { summary { (counted(drill.differences.0.len() as u64, "difference", "differences")) }
                        ul { @for difference in &drill.differences.0 { li { (difference.to_string()) } } } }
                }
            },
            html! { (grouped(drill.rows.unsigned_abs())) },
            html! { (time::lasting(drill.restore_seconds)) },
            html! { a href={ "/jobs/" (drill.id) } { "its job" } },
        ]
    });
    table("Drills, the last first", &columns, rows)
}
