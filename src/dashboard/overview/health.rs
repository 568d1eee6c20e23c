//! What is to come by the clock, and how the backups stand.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::dashboard::backups::freshness;
use crate::dashboard::parts::badge::{self, Tone, badge};
use crate::dashboard::parts::card::tile;
use crate::dashboard::parts::empty::empty;
use crate::dashboard::parts::link::segment;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::time;
use crate::db::schedules::ScheduleRow;
use crate::model::amount::relative;
use crate::model::backup::Standing;

/// Schedules that are shown.
const SLOTS: usize = 6;

/// The next slots.
pub(super) fn slots(schedules: &[ScheduleRow], now: DateTime<Utc>) -> Markup {
    let mut next: Vec<_> = schedules.iter().filter_map(|row| Some((row.fires_at.or(row.next_at)?, row))).collect();
    next.sort_by_key(|(at, _)| *at);
    let columns = [Column::text("Schedule"), Column::text("Enqueues"), Column::number("Next")];
    let rows = next.iter().take(SLOTS).map(|(at, row)| {
        vec![
            html! { a href={ "/schedules/" (segment(&row.name)) } { (row.name) } },
            html! { (row.spec.kind) },
            time::ago(*at, now),
        ]
    });
    html! {
        section.card {
            div.head { h2 { "Next by the clock" } a href="/schedules" { "All schedules" } }
            @if next.is_empty() {
                (empty("No schedule will fire.", &html! { p { a href="/schedules" { "Add one, or wake one up" } } }))
            } @else { (table("The next slots of schedules", &columns, rows)) }
        }
    }
}

/// How the backups of each database stand.
pub(super) fn backups(standings: &[Standing], fresh_hours: u64) -> Markup {
    let columns =
        [Column::text("Database"), Column::text("Freshness"), Column::number("Verified"), Column::text("Last")];
    let rows = standings.iter().map(|standing| {
        vec![
            html! { (standing.database) },
            freshness(standing, fresh_hours),
            standing.verified_at.map_or_else(|| html! { "never" }, |at| time::ago(at, standing.now)),
            match (&standing.last_verdict, standing.last_at) {
                (Some(verdict), Some(_)) => badge::state(verdict),
                (None, Some(_)) => badge(Tone::Plain, "unverified"),
                _ => html! { span.muted { "none" } },
            },
        ]
    });
    html! {
        section.card {
            div.head { h2 { "Backups" } a href="/backups" { "All backups" } }
            @if standings.is_empty() {
                (empty("No database is backed up.", &html! { p { "Make a backup, and have it proven, with:" } pre { code { "repo-to-cat backup now" } } }))
            } @else { (table("Backups by database", &columns, rows)) }
        }
    }
}

/// The last verified backup of the database that is worst off.
pub(super) fn verified(standings: &[Standing], fresh_hours: u64) -> Markup {
    let worst = Standing::worst(standings, fresh_hours);
    let at = worst.and_then(|worst| worst.verified_at.map(|at| relative(at, worst.now)));
    let (verdict, tone) = match (worst, &at) {
        (Some(worst), _) if worst.is_alarming(fresh_hours) => ("older than it may be", Tone::Bad),
        (_, Some(_)) => ("fresh enough", Tone::Good),
        (_, None) => ("none is proven yet", Tone::Warn),
    };
    let among = worst.filter(|_| standings.iter().filter(|standing| standing.is_watched).count() > 1);
    let note = html! { @if let Some(worst) = among { (worst.database) ": " } (verdict) };
    tile("Verified backup", at.as_deref().unwrap_or("never"), &note, "/backups", tone)
}
