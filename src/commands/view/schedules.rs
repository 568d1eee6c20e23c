//! Schedules and their slots.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::amount::relative;
use super::look::Look;
use super::table::Table;
use crate::db::schedules::{ScheduleRow, SlotRow};
use crate::model::schedule::timing::Timing;
use crate::model::schedule::{Missed, State};

/// Schedules as a table.
#[must_use]
pub fn list(rows: &[ScheduleRow], now: DateTime<Utc>, look: &Look) -> String {
    if rows.is_empty() {
        return "No schedules. Add one: repo-to-cat schedules add --help\n".to_owned();
    }
    let mut table = Table::new(["Name", "State", "When", "Zone", "Job", "Next"]).whole(0);
    for row in rows {
        let next = match (&row.problem, row.fires_at) {
            (Some(problem), _) => format!("cannot be read: {problem}"),
            (None, Some(fires_at)) if row.state == State::Active => relative(fires_at, now),
            _ => "-".to_owned(),
        };
        table.row([
            row.name.clone(),
            row.state.to_string(),
            row.spec.cron.clone(),
            row.spec.zone.clone(),
            row.spec.subject(),
            next,
        ]);
    }
    table.render(look)
}

/// `; next: Sun 2027-03-28 03:00:00 CEST`, where it fires at all.
#[must_use]
pub fn when_next(row: &ScheduleRow) -> String {
    match (row.spec.check(), row.next_at) {
        (Ok(timing), Some(next)) if row.state == State::Active => format!("; next: {}", timing.on_the_clock(next)),
        _ => format!("; {}", row.state),
    }
}

/// One schedule with the slots to come and the last ones.
#[must_use]
pub fn show(
    row: &ScheduleRow,
    timing: Option<&Timing>,
    next: &[DateTime<Utc>],
    slots: &[SlotRow],
    now: DateTime<Utc>,
    look: &Look,
) -> String {
    let spec = &row.spec;
    let mut text = format!("{}\n", look.heading(&format!("Schedule {}", row.name)));
    let mut line = |name: &str, value: &str| _ = writeln!(text, "  {name:<10}{value}");
    line("state", row.state.name());
    if let Some(problem) = &row.problem {
        line("problem", problem);
    }
    line("when", &format!("{} in {}", spec.cron, spec.zone));
    if spec.jitter_seconds > 0 {
        line("jitter", &format!("up to {} s", spec.jitter_seconds));
    }
    line("kind", &spec.kind);
    line("payload", &Value::Object(spec.payload.clone()).to_string());
    line("priority", &spec.priority.to_string());
    if let Some(attempts) = spec.max_attempts {
        line("attempts", &attempts.to_string());
    }
    if let Some(prefix) = &spec.key_prefix {
        line("keys", &format!("{prefix}TIME"));
    }
    let limit = if spec.missed == Missed::All { format!(", up to {}", spec.missed_limit) } else { String::new() };
    line("missed", &format!("{}{limit}", spec.missed));
    line("overlap", spec.overlap.name());
    line("declared", if row.declared.is_some() { "in the configuration" } else { "no" });

    if let Some(timing) = timing {
        let title = if row.state == State::Active { "Next slots" } else { "Next slots, if it were active" };
        _ = writeln!(text, "\n{}", look.heading(title));
        for slot in next {
            _ = writeln!(text, "  {}", timing.on_the_clock(*slot));
        }
    }
    if !slots.is_empty() {
        text.push('\n');
        text.push_str(&last_slots(timing, slots, now, look));
    }
    text
}

fn last_slots(timing: Option<&Timing>, slots: &[SlotRow], now: DateTime<Utc>, look: &Look) -> String {
    let mut table = Table::new(["Last slots", "Outcome", "Job", "Now", "Noted", "Note"]).whole(0).whole(2);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for slot in slots {
        table.row([
            timing.map_or_else(|| slot.due_at.to_rfc3339(), |timing| timing.on_the_clock(slot.due_at)),
            slot.outcome.clone(),
            or_dash(slot.job_id.map(|id| id.to_string())),
            or_dash(slot.job_state.clone()),
            relative(slot.noted_at, now),
            or_dash(slot.note.clone()),
        ]);
    }
    table.render(look)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::model::schedule::Spec;

    fn row() -> ScheduleRow {
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let payload = json!({"github_url": "https://github.com/owner/name", "ref": "main"});
        let spec = json!({"cron": "30 2 * * *", "zone": "Europe/Berlin", "payload": payload, "jitter_seconds": 60});
        ScheduleRow {
            name: "nightly-cat".into(),
            spec: Spec::from_value(&spec).unwrap(),
            state: State::Active,
            next_at: Some(time("2027-03-28T01:00:00Z")),
            fires_at: Some(time("2027-03-28T01:00:07Z")),
            problem: None,
            declared: None,
            created_at: time("2027-03-01T00:00:00Z"),
            updated_at: time("2027-03-01T00:00:00Z"),
        }
    }

    #[test]
    fn schedules_read_like_this() {
        let (row, now) = (row(), "2027-03-27T12:00:00Z".parse().unwrap());
        let timing = row.spec.check().unwrap();
        let next: Vec<_> = std::iter::successors(row.next_at, |slot| timing.next(*slot)).take(2).collect();
        let slot = |due_at: &str, outcome: &str, job: Option<u128>, note: Option<&str>| SlotRow {
            due_at: due_at.parse().unwrap(),
            outcome: outcome.into(),
            job_id: job.map(Uuid::from_u128),
            job_state: job.map(|_| "completed".into()),
            note: note.map(Into::into),
            noted_at: due_at.parse().unwrap(),
        };
        let slots = [
            slot("2027-03-27T01:30:00Z", "skipped", None, Some("the job of an earlier slot was not finished")),
            slot("2027-03-26T01:30:00Z", "enqueued", Some(1), None),
        ];
        let broken = ScheduleRow { problem: Some("no such zone".into()), ..row.clone() };
        let paused = ScheduleRow { name: "other".into(), state: State::Paused, ..row.clone() };
        let look = Look::plain();
        insta::assert_snapshot!(format!(
            "{}\n{}\n{}\n{}",
            list(&[row.clone(), broken, paused.clone()], now, &look),
            show(&row, Some(&timing), &next, &slots, now, &look),
            when_next(&row),
            when_next(&paused)
        ));
    }
}
