//! How the backups of each database stand: the alarm above everything else.

use maud::{Markup, html};

use super::{own, unmade};
use crate::dashboard::parts::badge::{Tone, badge};
use crate::dashboard::parts::time;
use crate::dashboard::visitor::Visitor;
use crate::model::backup::Standing;

/// A card for each database. One that should have a fresh verified backup and has none comes first, and is loud.
pub(super) fn standings(all: &[Standing], hours: u64, visitor: &Visitor) -> Markup {
    let mut all: Vec<&Standing> = all.iter().collect();
    all.sort_by_key(|standing| (!standing.is_alarming(hours), !standing.is_watched));
    html! {
        div.grid { @for standing in all { (one(standing, hours, visitor)) } }
    }
}

/// Whether a database that should have a fresh verified backup has one.
pub fn freshness(standing: &Standing, hours: u64) -> Markup {
    match (standing.is_alarming(hours), standing.is_watched) {
        (true, _) => badge(Tone::Bad, "no fresh verified backup"),
        (false, true) if standing.verified.is_some() => badge(Tone::Good, "fresh"),
        (false, true) => badge(Tone::Warn, "none yet"),
        (false, false) => badge(Tone::Plain, "not watched"),
    }
}

fn one(standing: &Standing, hours: u64, visitor: &Visitor) -> Markup {
    let is_alarming = standing.is_alarming(hours);
    html! {
        section.card.standing.alarm[is_alarming] role=[is_alarming.then_some("alert")] {
            div.head { h2 { (standing.database) } (freshness(standing, hours)) }
            @match (&standing.verified, standing.verified_at) {
                (Some(name), Some(at)) => {
                    p { "The last verified backup is " a href=(own(name)) { (name) } ", of " (time::ago(at, visitor.now))
                        @if let Some(seconds) = standing.restore_seconds { "; restoring it took " (time::lasting(Some(seconds))) }
                        "." }
                }
                _ => { p { "No backup is proven to restore." } }
            }
            @if is_alarming {
                p { "One that is not older than " (hours) " hours is wanted: make one below, and " a href=(unmade::ALL) { "look what became of others" } "." }
            }
            @if let (Some(last), Some(at)) = (&standing.last, standing.last_at) {
                @if standing.last != standing.verified {
                    p.muted { "The last one is " a href=(own(last)) { (last) } ", of " (time::ago(at, visitor.now)) ": "
                        (super::recorded(standing.last_verdict.as_deref().unwrap_or("unverified"))) }
                }
            }
            @for alarm in &standing.alarms { p.alarming { (alarm) } }
            @if let Some(name) = &standing.of_the_future {
                p.alarming { (name) " is named after a moment yet to come, and counts for nothing: a clock was ahead." }
            }
            p.muted.small {
                (standing.verified_count) " verified, " (standing.unverified_count) " not tried, " (standing.failed_count) " failed, "
                (standing.unverifiable_count) " that could not be tried"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{recorded, verdict};
    use crate::model::backup::Verdict;

    #[test]
    fn nothing_is_green_but_what_is_verified() {
        for one in Verdict::ALL {
            let is_green = verdict(one).into_string().contains("good");
            assert_eq!(is_green, one == Verdict::Verified, "{one:?}");
        }
        assert!(!recorded("splendid").into_string().contains("good"), "of a newer program");
    }
}
