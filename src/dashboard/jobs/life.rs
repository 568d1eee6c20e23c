//! What became of a job: its attempts and steps as bars, its log and its errors.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::timeline::{self, Scale, Span};
use crate::dashboard::parts::{badge, time};
use crate::db::inspect::JobRow;
use crate::db::life::Attempt;
use crate::db::steps::StepRow;
use crate::telemetry::joblog::LogLine;

/// The attempts, with what was logged meanwhile; the last is open.
pub(super) fn attempts(attempts: &[Attempt], now: DateTime<Utc>) -> Markup {
    let spans: Vec<Option<Span>> = attempts.iter().map(span).collect();
    let known: Vec<Span> = spans.iter().flatten().cloned().collect();
    let scale = Scale::of(&known, now);
    html! {
        section.card aria-labelledby="attempts" {
            h2 #attempts { "Attempts" }
            @if attempts.is_empty() { p.muted { "No worker has tried it yet." } }
            @for (at, (attempt, span)) in attempts.iter().zip(&spans).enumerate() {
                details.attempt open[at + 1 == attempts.len()] {
                    summary {
                        span.attempt-name { "Attempt " (attempt.claim) }
                        (badge::state(&attempt.outcome))
                        @if let (Some(scale), Some(span)) = (scale, span) { (scale.bar(span, now)) }
                        span.number { (time::lasting(attempt.ran_seconds)) }
                    }
                    (attempt_details(attempt, now))
                }
            }
        }
    }
}

fn span(attempt: &Attempt) -> Option<Span> {
    Some(Span {
        name: attempt.claim.to_string(),
        outcome: attempt.outcome.clone(),
        from: attempt.started_at?,
        until: attempt.finished_at,
    })
}

fn attempt_details(attempt: &Attempt, now: DateTime<Utc>) -> Markup {
    html! {
        p.muted {
            @if let Some(started) = attempt.started_at { "claimed " (time::ago(started, now)) }
            @if let Some(worker) = &attempt.worker { " by " (worker) }
            @else if let Some(worker) = attempt.worker_id { " by " (worker) }
        }
        @if let Some(error) = &attempt.error {
            div.error {
                p { @if let Some(class) = &attempt.error_class { strong { (class) ": " } } (error) }
                @for cause in &attempt.causes { p.cause { "because: " (cause) } }
                @if let Some(hint) = &attempt.hint { p.hint { "→ " (hint) } }
            }
        }
        (log(&attempt.log, attempt.log_dropped))
    }
}

fn log(lines: &[LogLine], dropped: u32) -> Markup {
    html! {
        @if !lines.is_empty() {
            @if dropped > 0 { p.muted { (dropped) " older lines were dropped." } }
            div.scroll tabindex="0" role="region" aria-label="Log" { table.log {
                caption.heard { "Log lines" }
                thead.heard { tr { th { "Time" } th { "Level" } th { "Message" } } }
                tbody { @for line in lines { tr class={ "level-" (level(&line.level)) } {
                    td { time datetime=(line.at.to_rfc3339()) { (line.at.format("%H:%M:%S%.3f")) } }
                    td { (line.level.to_lowercase()) }
                    td { (line.message) }
                } } }
            } }
        }
    }
}

/// A class never comes from outside.
fn level(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "error" => "error",
        "warn" => "warn",
        "info" => "info",
        _ => "debug",
    }
}

/// The steps along the time that they took.
pub(super) fn steps(job: &JobRow, steps: &[StepRow], now: DateTime<Utc>) -> Markup {
    let spans = timeline::of_steps(job, steps);
    let scale = Scale::of(&spans, now);
    let detail = |name: &str| steps.iter().find(|step| step.step == name).and_then(|step| step.detail.as_deref());
    let fraction =
        |name: &str| steps.iter().find(|step| step.step == name && !step.done).and_then(|step| step.fraction);
    html! {
        @if let Some(scale) = scale {
            section.card aria-labelledby="steps" {
                h2 #steps { "Steps" }
                div.scroll { table.spans {
                    thead.heard { tr { th { "Step" } th { "When" } th { "Took" } th { "Detail" } } }
                    tbody { @for span in &spans { tr {
                        th scope="row" { (span.name) }
                        td.span-cell { (scale.bar(span, now)) }
                        td.number { @if span.outcome == "not done" { "not done" } @else { (time::lasting(Some(span.seconds(now)))) } }
                        td.muted {
                            @if let Some(fraction) = fraction(&span.name) {
                                progress max="1" value=(fraction) { (format!("{:.0} %", fraction * 100.0)) } " "
                            }
                            @if let Some(detail) = detail(&span.name) { (detail) }
                        }
                    } } }
                } }
            }
        }
    }
}
