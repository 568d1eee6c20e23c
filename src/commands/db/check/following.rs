//! Who follows the server, and what is kept for them.

use crate::commands::view::amount::{bytes, counted};
use crate::db::looking::replication::{Follower, Slot};
use crate::model::check::Check;

/// A standby this far behind loses much if it has to take over.
const BEHIND_BYTES: i64 = 64 << 20;
const BEHIND_SECONDS: f64 = 30.0;
/// An unused slot that keeps this much soon fills the disk.
const KEPT_BYTES: i64 = 1 << 30;

/// Standbys that are connected.
pub(super) fn followers(found: &[Follower]) -> Check {
    const NAME: &str = "standbys";
    let Some(last) = found.iter().max_by_key(|follower| follower.bytes_behind) else {
        return Check::ok(NAME, "none");
    };
    let how_many = counted(found.len() as u64, "follows", "follow");
    let Some(behind) = last.bytes_behind else {
        return Check::ok(NAME, format!("{how_many}; how far behind only members of pg_monitor may see"));
    };
    let late = found.iter().filter_map(|follower| follower.seconds_behind).fold(0.0, f64::max);
    let shown = format!("{how_many}, {} behind by {}, {late:.0} s", last.application, bytes(behind.unsigned_abs()));
    if behind > BEHIND_BYTES || late > BEHIND_SECONDS {
        Check::warn(NAME, shown, "look at its network, its disk and its log; type in psql: TABLE pg_stat_replication")
    } else {
        Check::ok(NAME, shown)
    }
}

/// Slots that nobody reads from.
pub(super) fn slots(found: &[Slot]) -> Check {
    const NAME: &str = "replication slots";
    if let Some(lost) = found.iter().find(|slot| slot.is_lost) {
        let todo = format!("make its standby anew, and type in psql: {}", removal(lost));
        return Check::warn(NAME, format!("what {} needs is gone: its standby cannot go on", lost.name), todo);
    }
    let idle = found.iter().filter(|slot| !slot.is_active);
    let Some(worst) = idle.max_by_key(|slot| slot.bytes_kept) else {
        return Check::ok(NAME, if found.is_empty() { "none" } else { "all in use" });
    };
    let kept = worst.bytes_kept.unwrap_or_default();
    let shown = format!("nobody reads from {}, for which {} are kept", worst.name, bytes(kept.unsigned_abs()));
    let todo = format!("start its reader; if there is none any more, type in psql: {}", removal(worst));
    if kept > KEPT_BYTES { Check::fail(NAME, shown, todo) } else { Check::warn(NAME, shown, todo) }
}

fn removal(slot: &Slot) -> String {
    format!("SELECT pg_drop_replication_slot('{}')", slot.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::State;

    #[test]
    fn standbys_that_keep_up_pass() {
        let state = |bytes_behind, seconds_behind| {
            followers(&[Follower { application: "a".to_owned(), bytes_behind, seconds_behind }]).state
        };
        assert_eq!(followers(&[]).state, State::Ok);
        assert_eq!(state(Some(1000), Some(0.1)), State::Ok);
        assert_eq!(state(None, None), State::Ok);
        assert_eq!(state(Some(100 << 20), None), State::Warn);
        assert_eq!(state(Some(1), Some(31.0)), State::Warn);
    }

    #[test]
    fn slots_that_keep_the_log_are_told() {
        let slot = |is_active, bytes_kept, is_lost| Slot { name: "s".to_owned(), is_active, bytes_kept, is_lost };
        assert_eq!(slots(&[]).found, "none");
        assert_eq!(slots(&[slot(true, Some(2 << 30), false)]).state, State::Ok);
        assert_eq!(slots(&[slot(false, Some(1), false)]).state, State::Warn);
        let full = slots(&[slot(false, Some(1), false), slot(false, Some(2 << 30), false)]);
        assert_eq!(full.state, State::Fail);
        assert!(full.found.contains("2.0 GB") && full.todo.unwrap().contains("pg_drop_replication_slot('s')"));
        assert!(slots(&[slot(false, None, true)]).found.contains("is gone"));
    }
}
