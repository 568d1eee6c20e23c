//! Which slots of a schedule come next, and what became of its last ones.

use std::iter::successors;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::Db;
use crate::db::schedules::{self, ScheduleRow, SlotRow};
use crate::model::failure::Result;
use crate::model::schedule::due::Turn;
use crate::model::schedule::timing::Timing;
use crate::model::schedule::{Spec, State};

/// Slots that were, of those that are kept.
const LAST_SLOTS: i64 = 10;

/// A schedule with the slots around now.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ScheduleOutlook)]
pub struct Outlook {
    /// The schedule.
    pub schedule: ScheduleRow,
    /// The next slots, in RFC 3339 with the zone's offset, as they would come if it were active; none where it cannot be
    /// read.
    pub next: Vec<String>,
    /// What became of the last slots, the newest first.
    pub slots: Vec<SlotRow>,
    /// The next slots as moments, for those who write them otherwise.
    #[serde(skip)]
    pub moments: Vec<DateTime<Utc>>,
    /// When it is due; none where it cannot be read: the schedule's `problem` says why.
    #[serde(skip)]
    #[schema(ignore)]
    pub timing: Option<Timing>,
}

/// A schedule with up to `count` slots to come.
pub async fn show(db: &Db, name: &str, count: usize) -> Result<Outlook> {
    let schedule = schedules::get(db, name).await?;
    let slots = schedules::slots(db, name, LAST_SLOTS).await?;
    let timing = schedule.spec.check().ok();
    let now = schedules::now(db).await?;
    let moments: Vec<_> = timing.iter().flat_map(|timing| next_slots(&schedule, timing, now).take(count)).collect();
    let next = timing.iter().flat_map(|timing| moments.iter().map(|slot| timing.rfc3339(*slot))).collect();
    Ok(Outlook { schedule, next, slots, moments, timing })
}

/// The next slots that a schedule would have, in RFC 3339 with the zone's offset. Fails where it says what no schedule can
/// be; whether its job can be made is not looked at.
pub async fn preview(db: &Db, spec: &Spec, count: usize) -> Result<Vec<String>> {
    let timing = spec.check()?;
    let slots = successors(timing.next(schedules::now(db).await?), |slot| timing.next(*slot));
    Ok(slots.take(count).map(|slot| timing.rfc3339(slot)).collect())
}

/// The next slots, as they would come if it were active.
fn next_slots(row: &ScheduleRow, timing: &Timing, now: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let waiting = row.next_at.filter(|_| row.state == State::Active);
    let first = waiting.or_else(|| Turn::after(now, &row.name, &row.spec, timing).map(|turn| turn.due_at));
    successors(first, |slot| timing.next(*slot))
}
