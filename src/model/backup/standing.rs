//! How the backups of a database stand: what metrics, `doctor` and `/health/backups` tell. Only backups of all of it count.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::backup::name::AHEAD;

/// How one database's backups stand, as recorded.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = BackupStanding)]
pub struct Standing {
    /// The database.
    pub database: String,
    /// Whether it should have backups: it is ours, or an active schedule backs it up.
    pub is_watched: bool,
    /// When this was looked at, by the database's clock.
    pub now: DateTime<Utc>,
    /// Since when it could have had one.
    pub since: DateTime<Utc>,
    /// The last backup.
    pub last: Option<String>,
    /// When that was begun.
    pub last_at: Option<DateTime<Utc>>,
    /// How long it took.
    pub last_seconds: Option<f64>,
    /// Its size in the store, in bytes.
    pub last_bytes: Option<i64>,
    /// Its rows.
    pub last_rows: Option<i64>,
    /// What its last drill found.
    pub last_verdict: Option<String>,
    /// How it is unlike the last verified one before it, in sentences.
    pub alarms: Vec<String>,
    /// The last verified backup that is in the store.
    pub verified: Option<String>,
    /// When that was begun: what it holds is so old.
    pub verified_at: Option<DateTime<Utc>>,
    /// How long restoring it took, in seconds.
    pub restore_seconds: Option<f64>,
    /// The newest backup that is named after a moment yet to come: a clock was ahead. Such count for nothing else here.
    pub of_the_future: Option<String>,
    /// Backups in the store that no drill has tried.
    pub unverified_count: i64,
    /// Those that are proven to restore.
    pub verified_count: i64,
    /// Those that are proven not to.
    pub failed_count: i64,
    /// Those that could not be tried.
    pub unverifiable_count: i64,
}

impl Standing {
    /// Whether the last verified backup is not older than so many hours. Where there never was one, the hours count from
    /// when there could have been one. 0 hours: nobody asks.
    #[must_use]
    pub fn is_fresh(&self, hours: u64) -> bool {
        let most = i64::try_from(hours).ok().and_then(TimeDelta::try_hours).unwrap_or(TimeDelta::MAX);
        let age = self.now - self.verified_at.unwrap_or(self.since);
        // What is younger than that was made by a clock that was ahead.
        hours == 0 || (-AHEAD..=most).contains(&age)
    }

    /// Whether it should have a fresh backup and has none.
    #[must_use]
    pub fn is_alarming(&self, hours: u64) -> bool {
        self.is_watched && !self.is_fresh(hours)
    }

    /// Of the databases that should have backups the one that is worst off.
    #[must_use]
    pub fn worst(all: &[Self], hours: u64) -> Option<&Self> {
        let watched = all.iter().filter(|standing| standing.is_watched);
        watched.min_by_key(|standing| (standing.is_fresh(hours), standing.verified_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(since: &str, verified_at: Option<&str>) -> Standing {
        Standing {
            database: "cats".into(),
            is_watched: true,
            now: "2027-01-03T12:00:00Z".parse().unwrap(),
            since: since.parse().unwrap(),
            last: None,
            last_at: None,
            last_seconds: None,
            last_bytes: None,
            last_rows: None,
            last_verdict: None,
            alarms: Vec::new(),
            verified: None,
            verified_at: verified_at.map(|at| at.parse().unwrap()),
            restore_seconds: None,
            of_the_future: None,
            unverified_count: 0,
            verified_count: 0,
            failed_count: 0,
            unverifiable_count: 0,
        }
    }

    #[test]
    fn a_backup_is_fresh_for_so_many_hours() {
        let old = "2026-01-01T00:00:00Z";
        assert!(standing(old, Some("2027-01-02T12:00:00Z")).is_fresh(24));
        assert!(!standing(old, Some("2027-01-02T11:59:59Z")).is_fresh(24));
        assert!(standing(old, None).is_fresh(0), "nobody asks");
        assert!(standing(old, Some("2027-01-03T13:00:00Z")).is_fresh(24), "clocks differ a little");
        assert!(!standing(old, Some("2027-01-03T13:00:01Z")).is_fresh(24), "it is of the future");
        assert!(standing(old, Some(old)).is_fresh(u64::MAX));
    }

    #[test]
    fn the_worst_is_what_is_stale_then_what_is_oldest() {
        let named = |name: &str, verified_at| Standing {
            database: name.into(),
            ..standing("2027-01-03T00:00:00Z", verified_at)
        };
        let [young, older, stale, new] = [
            named("young", Some("2027-01-03T11:00:00Z")),
            named("older", Some("2027-01-03T03:00:00Z")),
            named("stale", Some("2027-01-01T03:00:00Z")),
            named("new", None),
        ];
        let by_hand = Standing { is_watched: false, ..named("by hand", Some("2020-01-01T00:00:00Z")) };
        let worst = |all: &[&Standing]| {
            let all: Vec<Standing> = all.iter().map(|one| (*one).clone()).collect();
            Standing::worst(&all, 24).map(|one| one.database.clone())
        };
        assert_eq!(worst(&[&young, &older, &by_hand]).as_deref(), Some("older"));
        assert_eq!(worst(&[&young, &new, &older]).as_deref(), Some("new"), "it has none yet");
        assert_eq!(worst(&[&young, &new, &stale]).as_deref(), Some("stale"));
        assert_eq!(worst(&[&by_hand]), None);
    }

    #[test]
    fn who_never_had_one_has_time_for_the_first() {
        assert!(standing("2027-01-02T12:00:00Z", None).is_fresh(24));
        assert!(standing("2027-01-02T11:59:59Z", None).is_alarming(24));
        let other = Standing { is_watched: false, ..standing("2026-01-01T00:00:00Z", None) };
        assert!(!other.is_fresh(24) && !other.is_alarming(24), "a database that was backed up by hand once");
    }
}
