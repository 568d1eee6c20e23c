//! How many jobs ended when, and how long they had waited.

use maud::{Markup, html};

use crate::dashboard::parts::chart::{Line, Series};
use crate::dashboard::parts::link::href;
use crate::dashboard::parts::time::lasting;
use crate::db::stats::{Amount, Part};
use crate::model::figures::grouped;

/// Jobs a minute.
pub(super) fn throughput(trend: Option<&[Part]>) -> Markup {
    chart("Throughput", "jobs a minute, the last six hours", trend, |parts, moments| {
        let values = |of: fn(&Part) -> Amount| -> Vec<Option<f64>> {
            parts.iter().map(|part| Some(of(part).jobs as f64 * 60.0 / part.seconds.max(60.0))).collect()
        };
        let (completed, discarded) = (values(|part| part.completed), values(|part| part.discarded));
        let all: u64 = parts.iter().map(|part| part.completed.jobs).sum();
        let gone: u64 = parts.iter().map(|part| part.discarded.jobs).sum();
        let estimate = if parts.iter().any(|part| !part.completed.exact) { "about " } else { "" };
        let summary = format!("{estimate}{} completed and {} discarded in six hours", grouped(all), grouped(gone));
        let chart = Line {
            title: "Jobs a minute",
            summary,
            moments,
            series: &[
                Series { name: "completed", values: &completed },
                Series { name: "discarded", values: &discarded },
            ],
            read: rate,
        };
        // From the very moment on that the first part began.
        let since = parts.first().map(|part| part.since.to_rfc3339()).unwrap_or_default();
        let link = |state, jobs| html! { a href=(href("/jobs", &[("state", state), ("ended_since", &since)])) { (grouped(jobs)) } };
        html! {
            p.small.muted { (estimate) (link("completed", all)) " completed and " (link("discarded", gone)) " discarded in six hours" }
            (chart.draw())
        }
    })
}

/// How long jobs had been due when they were claimed.
pub(super) fn waits(trend: Option<&[Part]>) -> Markup {
    chart("Wait", "from due to claimed, the last six hours", trend, |parts, moments| {
        let half: Vec<Option<f64>> = parts.iter().map(|part| part.wait_p50).collect();
        let most: Vec<Option<f64>> = parts.iter().map(|part| part.wait_p95).collect();
        let worst = most.iter().flatten().copied().reduce(f64::max);
        let summary = match worst {
            Some(_) => format!("19 of 20 never waited longer than {}", lasting(worst)),
            None => "no job was completed in six hours".to_owned(),
        };
        let chart = Line {
            title: "Wait before the work began",
            summary: summary.clone(),
            moments,
            series: &[
                Series { name: "half waited at most", values: &half },
                Series { name: "19 of 20 at most", values: &most },
            ],
            read: |seconds| lasting(Some(seconds)),
        };
        html! { p.small.muted { (summary) } (chart.draw()) }
    })
}

fn chart(title: &str, unit: &str, trend: Option<&[Part]>, draw: impl Fn(&[Part], &[String]) -> Markup) -> Markup {
    html! {
        section.card {
            div.head { h2 { (title) } span.small.muted { (unit) } }
            @match trend {
                Some(parts) => {
                    @let moments: Vec<String> =
                        parts.iter().map(|part| part.since.format("%H:%M UTC").to_string()).collect();
                    (draw(parts, &moments))
                }
                None => p.muted { "This could not be found out in time: the queue is under a flood. Load the page again." }
            }
        }
    }
}

/// A rate, with as many digits as tell something.
fn rate(value: f64) -> String {
    if value == 0.0 || value >= 10.0 {
        grouped(value.round() as u64)
    } else if value >= 1.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_as_many_digits_as_tell_something() {
        assert_eq!([0.0, 0.07, 1.25, 10.4, 12_345.6].map(rate), ["0", "0.07", "1.2", "10", "12,346"]);
    }
}
