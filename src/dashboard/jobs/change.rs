//! What forms want done with jobs, and how it is told.

use chrono::{DateTime, Utc};

use crate::dashboard::flash::Flash;
use crate::db::steer::{Change, Done, Tally};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::counted;
use crate::model::when::When;

/// Refusals that are told one by one.
const TOLD: usize = 3;

/// The change that an action's name means, with what it takes.
pub(super) fn read(action: &str, priority: &str, at: &str, now: DateTime<Utc>) -> Result<Change> {
    let wrong = |what: String, hint: String| Failure::new(Kind::Invalid, what).hint(hint);
    match action {
        "retry" => Ok(Change::Retry),
        "cancel" => Ok(Change::Cancel),
        "discard" => Ok(Change::Discard),
        "reprioritize" => priority
            .trim()
            .parse()
            .map(Change::Reprioritize)
            .map_err(|_| wrong(format!("`{priority}` is no priority"), "priorities go from -100 to 100".to_owned())),
        "reschedule" => match at.trim().parse::<When>() {
            Ok(when) => Ok(Change::Reschedule(when.resolve(now))),
            Err(how) => Err(wrong(format!("`{at}` is no time"), how)),
        },
        _ => Err(wrong(
            format!("`{action}` is nothing that can be done with jobs"),
            "go back and choose a button".to_owned(),
        )),
    }
}

/// What a button says that does it to so many.
pub(super) fn button(change: Change, jobs: u64) -> String {
    let whom = if jobs == 1 { "the job" } else { "the jobs" };
    match change {
        Change::Retry => format!("Retry {whom}"),
        Change::Cancel => format!("Cancel {whom}"),
        Change::Discard => format!("Discard {whom}"),
        Change::Reprioritize(_) => "Set the priority".to_owned(),
        Change::Reschedule(_) => "Set the time".to_owned(),
    }
}

/// What would be done: a question.
pub(super) fn question(change: Change, done: &Done) -> String {
    let behind = if done.more { " That goes on behind the page; the audit log tells when all are done." } else { "" };
    let jobs = first_up(&done.jobs());
    format!("{jobs} would be {}.{}{behind} Go on?", change.verb(), left_alone(change, done))
}

/// What was done.
pub(super) fn told(change: Change, done: &Done) -> Flash {
    let text = match (done.tally.changed, change) {
        (0, _) => "No job was changed.".to_owned(),
        (jobs, Change::Retry) => format!("{} will run again.", counted(jobs, "job", "jobs")),
        (jobs, _) => format!("{} {}.", counted(jobs, "job was", "jobs were"), change.verb()),
    };
    let left_alone = left_alone(change, done);
    let is_whole = done.tally.changed > 0 && left_alone.is_empty();
    let text = text + &left_alone;
    if is_whole { Flash::done(text) } else { Flash::note(text) }
}

/// Why some are left as they are: the first of those that were named, else how many there are for each reason.
fn left_alone(change: Change, done: &Done) -> String {
    if !done.refused.is_empty() {
        let reasons = done.refused.iter().take(TOLD).map(|(id, refusal)| {
            let failure = refusal.failure(change, *id);
            format!(" {}.", first_up(failure.what()))
        });
        let others = done.refused.len().saturating_sub(TOLD) as u64;
        let rest =
            if others == 0 { String::new() } else { format!(" {} more cannot be.", counted(others, "job", "jobs")) };
        return reasons.collect::<String>() + &rest;
    }
    let Tally { went_on, key_in_use, busy, .. } = done.tally;
    [
        (went_on, "went on before"),
        (key_in_use, "left alone: the unique key is in use again"),
        (busy, "left alone: being written all the time"),
    ]
    .into_iter()
    .filter(|(jobs, _)| *jobs > 0)
    .map(|(jobs, why)| format!(" {} {why}.", counted(jobs, "job", "jobs")))
    .collect()
}

fn first_up(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::dashboard::parts::badge::Tone;
    use crate::db::steer::Refusal;
    use crate::model::job::JobState;

    #[test]
    fn actions_are_read_with_what_they_take() {
        let now: DateTime<Utc> = "2027-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(read("retry", "", "", now).unwrap(), Change::Retry);
        assert_eq!(read("reprioritize", " -7 ", "", now).unwrap(), Change::Reprioritize(-7));
        let at = "2027-01-31T14:00:00Z".parse().unwrap();
        assert_eq!(read("reschedule", "", "2h", now).unwrap(), Change::Reschedule(at));
        for (action, priority, at) in
            [("reprioritize", "high", ""), ("reprioritize", "", ""), ("reschedule", "", "soon"), ("stroke", "", "")]
        {
            assert_eq!(read(action, priority, at, now).unwrap_err().kind(), Kind::Invalid, "{action}");
        }
    }

    #[test]
    fn what_was_done_and_what_was_not_is_told() {
        let tally = |changed, went_on| Tally { changed, went_on, ..Tally::default() };
        let done = |tally, refused| Done { dry_run: false, tally, more: false, ids: None, refused };
        let all = told(Change::Retry, &done(tally(2, 0), vec![]));
        assert_eq!((all.tone, all.text.as_str()), (Tone::Good, "2 jobs will run again."));
        let some = told(Change::Cancel, &done(tally(1, 3), vec![]));
        assert_eq!((some.tone, some.text.as_str()), (Tone::Warn, "1 job was cancelled. 3 jobs went on before."));
        let id = Uuid::from_u128(7);
        let none = told(Change::Cancel, &done(tally(0, 1), vec![(id, Refusal::State(JobState::Completed))]));
        assert_eq!(none.text, format!("No job was changed. Job {id} is completed and cannot be cancelled."));
        let five = vec![(id, Refusal::Busy); 5];
        assert!(question(Change::Discard, &done(tally(0, 0), five)).ends_with(" 2 jobs more cannot be. Go on?"));
        let many = |changed| question(Change::Cancel, &Done { more: true, ..done(tally(changed, 0), vec![]) });
        assert!(many(100_000).starts_with("At least 100,000 jobs would be cancelled. That goes on behind the page"));
        assert!(many(0).starts_with("Nobody knows how many jobs would be cancelled."));
    }
}
