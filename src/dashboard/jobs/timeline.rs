//! A job's attempts and steps along the time that they took.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::db::inspect::JobRow;
use crate::db::steps::StepRow;
use crate::model::job::JobState;

/// Something that took a while, or takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    /// What.
    pub name: String,
    /// How it came out: a word that the colour goes by.
    pub outcome: String,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when; none: it is not over.
    pub until: Option<DateTime<Utc>>,
}

impl Span {
    /// How long it took, or takes.
    pub fn seconds(&self, now: DateTime<Utc>) -> f64 {
        (self.until.unwrap_or(now) - self.from).as_seconds_f64().max(0.0)
    }
}

/// The time that a timeline is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    from: DateTime<Utc>,
    seconds: f64,
}

impl Scale {
    /// From the first begin to the last end.
    pub fn of(spans: &[Span], now: DateTime<Utc>) -> Option<Self> {
        let from = spans.iter().map(|span| span.from).min()?;
        let until = spans.iter().map(|span| span.until.unwrap_or(now)).max()?;
        Some(Self { from, seconds: (until - from).as_seconds_f64().max(0.001) })
    }

    /// Where a span begins and how wide it is, in hundredths of the whole; never too narrow to be seen.
    fn place(self, span: &Span, now: DateTime<Utc>) -> (f64, f64) {
        let begin = (span.from - self.from).as_seconds_f64() / self.seconds * 100.0;
        let width = (span.seconds(now) / self.seconds * 100.0).clamp(0.8, 100.0);
        (begin.clamp(0.0, 100.0 - width), width)
    }

    /// The span as a bar.
    pub fn bar(self, span: &Span, now: DateTime<Utc>) -> Markup {
        let (begin, width) = self.place(span, now);
        html! {
            svg.span-bar width="100%" height="12" role="presentation" aria-hidden="true" {
                rect.track x="0" y="5" width="100%" height="2" {}
                rect class={ "bar " (class_of(&span.outcome)) } x={ (format!("{begin:.2}")) "%" } y="0"
                    width={ (format!("{width:.2}")) "%" } height="12" rx="3" {}
            }
        }
    }
}

/// The steps in the order in which they were begun. One that nobody works on any more, and that is not done, has no end.
pub(super) fn of_steps(job: &JobRow, steps: &[StepRow]) -> Vec<Span> {
    let runs = job.state == JobState::Running.name();
    let span = |step: &StepRow| Span {
        name: step.step.clone(),
        outcome: match (step.finished_at, runs) {
            (Some(_), _) => "completed",
            (None, true) => "running",
            (None, false) => "not done",
        }
        .to_owned(),
        from: step.started_at,
        until: step.finished_at.or((!runs).then_some(step.started_at)),
    };
    let mut spans: Vec<Span> = steps.iter().map(span).collect();
    spans.sort_by_key(|span| span.from);
    spans
}

/// What an outcome is coloured like.
pub(super) fn class_of(outcome: &str) -> &'static str {
    match outcome {
        "completed" => "good",
        "running" => "live",
        "discarded" | "worker_lost" => "bad",
        _ => "fair",
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn span(from: i64, until: Option<i64>) -> Span {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        Span { name: "x".into(), outcome: "completed".into(), from: at(from), until: until.map(at) }
    }

    #[test]
    fn spans_lie_where_they_were() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(200);
        let spans = [span(100, Some(110)), span(150, None)];
        let scale = Scale::of(&spans, now).unwrap();
        let places: Vec<_> = spans.iter().map(|span| scale.place(span, now)).collect();
        assert_eq!(places, [(0.0, 10.0), (50.0, 50.0)]);
        assert_eq!(Scale::of(&[], now), None);
    }

    #[test]
    fn what_took_no_time_is_seen_all_the_same() {
        let now = DateTime::UNIX_EPOCH;
        let spans = [span(0, Some(0)), span(0, Some(1000)), span(1000, Some(1000)), span(5, Some(3))];
        let scale = Scale::of(&spans, now).unwrap();
        for span in &spans {
            let (begin, width) = scale.place(span, now);
            assert!(width >= 0.8 && begin >= 0.0 && begin + width <= 100.0 + 1e-9, "{span:?}: {begin} {width}");
        }
        let alone = [span(7, Some(7))];
        assert_eq!(Scale::of(&alone, now).unwrap().place(&alone[0], now), (0.0, 0.8));
    }
}
