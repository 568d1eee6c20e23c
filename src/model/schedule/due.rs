//! What to do with the slots of a schedule that are due: which fires, which were missed, when to look again.

use std::collections::VecDeque;
use std::iter::successors;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::timing::Timing;
use super::{Missed, Spec};

/// Slots that are kept for each schedule, and the most that are noted as missed at once: the latest.
pub const KEPT_SLOTS: usize = 100;

/// A slot that fires later than this was missed; less is the scheduler's own slowness.
const GRACE: TimeDelta = TimeDelta::seconds(60);

/// A slot, and the moment at which it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The slot.
    pub due_at: DateTime<Utc>,
    /// The slot and its jitter.
    pub fires_at: DateTime<Utc>,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Slots that do not run, in order.
    pub missed: Vec<DateTime<Utc>>,
    /// The one that does, later than all of them.
    pub fire: Option<DateTime<Utc>>,
    /// The first one after all of these; it may be due, too.
    pub next: Option<Turn>,
}

impl Turn {
    /// The first slot after a moment; none where the calendar ends.
    #[must_use]
    pub fn after(time: DateTime<Utc>, name: &str, spec: &Spec, timing: &Timing) -> Option<Self> {
        Some(Self::of(timing.next(time)?, name, spec, timing))
    }

    /// When a slot fires: its jitter follows from the schedule's name and the slot, the same on every host, and ends
    /// before the slot that follows.
    fn of(due_at: DateTime<Utc>, name: &str, spec: &Spec, timing: &Timing) -> Self {
        let jitter = if spec.jitter_seconds == 0 {
            0
        } else {
            let distance = timing.next(due_at).map_or(i64::MAX, |following| (following - due_at).num_seconds());
            let choices = (i64::from(spec.jitter_seconds) + 1).min(distance).max(1);
            let hash = Sha256::digest(format!("{name}\0{}", due_at.timestamp()));
            let number = hash.iter().take(7).fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
            number % choices
        };
        Self { due_at, fires_at: due_at + TimeDelta::seconds(jitter) }
    }
}

impl Plan {
    /// What to do at `now` with a schedule whose first slot that is not done with is `next_at`.
    #[must_use]
    pub fn make(name: &str, spec: &Spec, timing: &Timing, next_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let mut due = latest(timing, next_at, now);
        // All before the last have fired by the time of the one that follows.
        let last = due.back().map(|last| Turn::of(*last, name, spec, timing));
        if last.is_some_and(|last| last.fires_at > now) {
            due.pop_back();
        }
        let running = match (spec.missed, due.back()) {
            (_, None) => 0,
            (Missed::Once, _) => 1,
            (Missed::All, _) => usize::from(spec.missed_limit).min(due.len()),
            (Missed::Skip, Some(last)) => usize::from(now - Turn::of(*last, name, spec, timing).fires_at <= GRACE),
        };
        let mut missed: Vec<_> = due.into();
        let fire = missed.split_off(missed.len() - running).first().copied();
        let done = fire.or(missed.last().copied());
        let next = match done {
            Some(done) => Turn::after(done, name, spec, timing),
            None => Some(Turn::of(next_at, name, spec, timing)),
        };
        Self { missed, fire, next }
    }
}

/// The latest slots from `next_at` to `now`, in order.
fn latest(timing: &Timing, next_at: DateTime<Utc>, now: DateTime<Utc>) -> VecDeque<DateTime<Utc>> {
    let mut window = TimeDelta::hours(1);
    loop {
        let from = now.checked_sub_signed(window).filter(|from| *from >= next_at);
        let first = from.map_or(Some(next_at), |from| timing.next(from));
        let mut slots = VecDeque::new();
        for slot in successors(first, |slot| timing.next(*slot)).take_while(|slot| *slot <= now) {
            if slots.len() == KEPT_SLOTS {
                slots.pop_front();
            }
            slots.push_back(slot);
        }
        if from.is_none() || slots.len() == KEPT_SLOTS {
            return slots;
        }
        window = window * 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Overlap;
    use super::*;

    fn spec(cron: &str, missed: Missed, jitter_seconds: u32) -> (Spec, Timing) {
        let mut spec = Spec::from_value(&serde_json::json!({"cron": cron})).unwrap();
        (spec.missed, spec.overlap, spec.missed_limit, spec.jitter_seconds) =
            (missed, Overlap::Queue, 3, jitter_seconds);
        let timing = spec.check().unwrap();
        (spec, timing)
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Hours of the slots that fire and of those that were missed, after a night without a scheduler.
    fn after_a_night(missed: Missed, now: &str) -> (Vec<String>, Vec<String>) {
        let (spec, timing) = spec("0 * * * *", missed, 0);
        let (now, mut next_at) = (utc(now), utc("2027-01-01T01:00:00Z"));
        let (mut fired, mut missed) = (Vec::new(), Vec::new());
        let hour = |time: &DateTime<Utc>| time.format("%H").to_string();
        while next_at <= now {
            let plan = Plan::make("x", &spec, &timing, next_at, now);
            fired.extend(plan.fire.iter().map(hour));
            missed.extend(plan.missed.iter().map(hour));
            next_at = plan.next.unwrap().due_at;
        }
        (fired, missed)
    }

    #[test]
    fn slots_that_were_missed_are_skipped_run_once_or_run_all() {
        let late = "2027-01-01T06:20:00Z";
        let none: [&str; 0] = [];
        assert_eq!(after_a_night(Missed::Skip, late).0, none);
        assert_eq!(after_a_night(Missed::Skip, late).1, ["01", "02", "03", "04", "05", "06"]);
        assert_eq!(after_a_night(Missed::Once, late).0, ["06"]);
        assert_eq!(after_a_night(Missed::Once, late).1, ["01", "02", "03", "04", "05"]);
        assert_eq!(after_a_night(Missed::All, late).0, ["04", "05", "06"]);
        assert_eq!(after_a_night(Missed::All, late).1, ["01", "02", "03"]);
        // The last one is on time.
        assert_eq!(after_a_night(Missed::Skip, "2027-01-01T06:00:30Z").0, ["06"]);
    }

    #[test]
    fn years_without_a_scheduler_cost_no_years() {
        let (spec, timing) = spec("@every 1s", Missed::Once, 0);
        let now = utc("2037-01-01T00:00:00Z");
        let plan = Plan::make("x", &spec, &timing, utc("2027-01-01T00:00:00Z"), now);
        assert_eq!((plan.missed.len(), plan.fire), (KEPT_SLOTS - 1, Some(now)));
    }

    #[test]
    fn jitter_is_the_same_everywhere_and_differs_between_schedules() {
        let (spec, timing) = spec("@daily", Missed::Once, 3600);
        let jitter = |name| Turn::after(utc("2027-01-01T12:00:00Z"), name, &spec, &timing).unwrap().fires_at;
        assert_eq!(jitter("nightly"), utc("2027-01-02T00:36:58Z"));
        assert_ne!(jitter("nightly"), jitter("other"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn every_slot_is_done_with_once_and_in_order(
            cron in prop::sample::select(vec!["@every 7s", "*/10 * * * *", "0 */5 * * *", "30 2 * * 1"]),
            missed in prop::sample::select(Missed::ALL.to_vec()),
            jitter in prop::sample::select(vec![0, 5, 86_400]),
            downtimes in prop::collection::vec(0_i64..40_000, 1..8),
        ) {
            let (spec, timing) = spec(cron, missed, jitter);
            let mut now = utc("2027-03-01T00:00:00Z");
            let mut turn = Turn::after(now, "x", &spec, &timing).unwrap();
            let first = turn.due_at;
            let mut done: Vec<DateTime<Utc>> = Vec::new();
            let mut passed_over = false;
            for downtime in downtimes {
                now += TimeDelta::seconds(downtime);
                let mut fired = 0;
                while turn.fires_at <= now {
                    let plan = Plan::make("x", &spec, &timing, turn.due_at, now);
                    let due = successors(Some(turn.due_at), |slot| timing.next(*slot)).take_while(|slot| *slot <= now);
                    passed_over |= due.take(KEPT_SLOTS + 1).count() > KEPT_SLOTS;
                    fired += plan.fire.iter().count();
                    done.extend(plan.missed.iter().chain(&plan.fire));
                    let next = plan.next.unwrap();
                    prop_assert!(next.due_at > turn.due_at && next.fires_at >= next.due_at);
                    prop_assert!(next.fires_at < timing.next(next.due_at).unwrap());
                    turn = next;
                }
                let most = if missed == Missed::All { 3 } else { 1 };
                prop_assert!(fired <= most);
            }
            prop_assert!(done.is_sorted_by(|a, b| a < b));
            if !passed_over {
                let all: Vec<_> = successors(Some(first), |slot| timing.next(*slot)).take_while(|slot| *slot < turn.due_at).collect();
                prop_assert!(done == all);
            }
        }
    }
}
