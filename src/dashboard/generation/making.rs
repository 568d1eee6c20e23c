//! A cat that is not there yet: how far it is, or why it will not come.

use maud::{Markup, html};

use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::badge::{self, Tone, badge};
use crate::dashboard::parts::card::{card, facts, progress};
use crate::dashboard::parts::cat;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::time;
use crate::dashboard::visitor::Visitor;
use crate::db::attempts::AttemptRow;
use crate::db::inspect::JobRow;
use crate::db::stats::{Forecast, Position, Precision};
use crate::db::steps::StepRow;
use crate::model::job::{JobKind, JobState};
use crate::model::progress::Step;

/// The page of a job whose cat is not there.
pub(super) fn show(
    visitor: &Visitor,
    job: &JobRow,
    rows: &[StepRow],
    attempts: &[AttemptRow],
    forecast: &Forecast,
) -> Page {
    let is_over = job.state().is_ok_and(JobState::is_final);
    let url = job.payload.get("github_url").and_then(|url| url.as_str()).unwrap_or("a repository");
    let content = html! {
        div data-stage="making" hidden {}
        // Asked often: a cat takes seconds.
        div.stack #making data-live=[(!is_over).then_some("2")] {
            p.lead { (sentence(&job.state)) @if !is_over { (before(forecast)) } }
            section.card {
                div.head { h2 { (url) } (badge::state(&job.state)) }
                @if !is_over && job.state == "running" { (whole(rows)) }
                (steps(rows, is_over))
                (about(job, visitor))
            }
            @if !attempts.is_empty() { (failed(attempts, visitor)) }
        }
    };
    page("A cat in the making", Nav::Gallery, visitor, &content)
}

fn sentence(state: &str) -> &'static str {
    match state {
        "scheduled" => "It sleeps until its time has come.",
        "available" => "It waits in line for a worker.",
        "running" => "A worker is at it right now.",
        "parked" => "It was put aside, and waits for a person.",
        "discarded" => "It was tried, and given up.",
        "cancelled" => "Somebody stopped it.",
        // The row comes with the completion; who deletes it leaves the job.
        _ => "Its cat is gone: it was deleted.",
    }
}

/// Its place in line, and the time that is left.
fn before(forecast: &Forecast) -> String {
    let place = forecast.position.map(|Position { place, precision }| match precision {
        Precision::Exact => format!(" Place {place} in line."),
        Precision::Estimate => format!(" Place ~{place} in line (estimate)."),
        Precision::AtLeast => format!(" Place {place} in line, or a later one."),
    });
    let left = forecast.eta_seconds.filter(|left| *left >= 1.0);
    let left = left.map(|left| format!(" About {} left.", roughly(left)));
    place.unwrap_or_default() + &left.unwrap_or_default()
}

/// An estimate has no tenths of seconds.
fn roughly(seconds: f64) -> String {
    match seconds.round() as u64 {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => time::lasting(Some(seconds)),
    }
}

fn whole(rows: &[StepRow]) -> Markup {
    let begun = rows.iter().map(|row| (row.done, row.fraction.map(f64::from)));
    progress("All steps together", Some(Step::share_done(JobKind::Generation, begun)))
}

fn steps(rows: &[StepRow], is_over: bool) -> Markup {
    html! {
        ol.steps {
            @for step in Step::of(JobKind::Generation) {
                @let row = rows.iter().find(|row| row.step == step.name());
                li {
                    @match row {
                        Some(row) if row.done => {
                            (badge(Tone::Good, "done"))
                            span.name { (step.name()) }
                            span.small.muted { (time::lasting(row.finished_at.map(|end| (end - row.started_at).as_seconds_f64()))) }
                        }
                        Some(row) => {
                            @if is_over { (badge(Tone::Bad, "not done")) } @else { (badge(Tone::Busy, "at it")) }
                            span.name { (step.name()) }
                            span.small.muted { (row.detail.as_deref().unwrap_or_default()) }
                            @if !is_over { (progress(step.name(), row.fraction.map(f64::from))) }
                        }
                        None => {
                            (badge(Tone::Plain, if is_over { "never begun" } else { "to come" }))
                            span.name.muted { (step.name()) }
                            span {}
                        }
                    }
                }
            }
        }
    }
}

fn about(job: &JobRow, visitor: &Visitor) -> Markup {
    let mut pairs = vec![
        ("Asked for", time::ago(job.created_at, visitor.now)),
        ("Job", html! { a href={ "/jobs/" (job.id) } { "log, payload, and what can be done" } }),
        ("Tries", html! { (job.attempts) " of " (job.max_attempts) " failed" }),
    ];
    match (job.finished_at, job.state.as_str()) {
        (Some(at), _) => pairs.push(("Ended", time::ago(at, visitor.now))),
        (None, "scheduled") => pairs.push(("Starts", time::ago(job.run_at, visitor.now))),
        _ => {}
    }
    if let Some(because) = &job.parked_because {
        pairs.push(("Put aside because", html! { (because) }));
    }
    facts(pairs)
}

fn failed(attempts: &[AttemptRow], visitor: &Visitor) -> Markup {
    let columns = [Column::text("Attempt"), Column::text("Ended"), Column::text("What was wrong")];
    let rows = attempts.iter().map(|attempt| {
        vec![
            html! { (attempt.claim) " " (badge::state(&attempt.outcome)) },
            time::ago(attempt.finished_at, visitor.now),
            html! {
                (attempt.error.as_deref().unwrap_or("nothing was told"))
                @if let Some(hint) = &attempt.hint { br; span.small.muted { (hint) } }
            },
        ]
    });
    html! {
        @if attempts.iter().any(|attempt| attempt.outcome != "handed_back") { (cat::in_a_box()) }
        (card("Attempts that did not make it", &table("Attempts that did not complete the job", &columns, rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_before_it_is_told_as_well_as_it_is_known() {
        let told = |place: Option<(u64, Precision)>, eta_seconds| {
            let position = place.map(|(place, precision)| Position { place, precision });
            before(&Forecast { position, eta_seconds })
        };
        assert_eq!(told(None, None), "");
        assert_eq!(told(Some((1, Precision::Exact)), Some(39.6)), " Place 1 in line. About 40 s left.");
        assert_eq!(told(Some((12, Precision::Estimate)), None), " Place ~12 in line (estimate).");
        assert_eq!(told(Some((201, Precision::AtLeast)), None), " Place 201 in line, or a later one.");
        assert_eq!(told(None, Some(3725.0)), " About 1 h 02 m left.");
        assert_eq!(told(None, Some(0.2)), "", "any moment now");
    }
}
