//! Retention: which backups are kept, and why.
//!
//! Counted as `restic forget` does, over verified backups only, each database's for itself, and those of each part of it. From the newest to the oldest,
//! a rule keeps the newest of each of its last N hours, days, ISO weeks, months or years (UTC) that have one; while it has
//! any of its N left, it keeps the oldest of all, too, so that the history reaches as far back as it can. What any rule
//! keeps is kept. Without a rule, nothing is removed; the last verified backup never is.
//!
//! Backups that are not verified count for nothing, and are removed only once they are older than the last verified one
//! *and* than [`UNPROVEN_DAYS`]: until then somebody may want to look into why, or verify them yet. One that could not be
//! tried may be as good as any, and stays until it can be. What is named after a moment that is yet to come stays, too, and
//! counts for nothing: nobody knows how old it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::backup::{BackupName, Selection, Verdict};

/// How long backups stay that are not verified and older than one that is, in days.
pub const UNPROVEN_DAYS: i64 = 7;

/// How many backups each rule keeps; 0: that rule keeps none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// The newest ones.
    pub last: u64,
    /// The newest of an hour.
    pub hourly: u64,
    /// The newest of a day.
    pub daily: u64,
    /// The newest of an ISO week.
    pub weekly: u64,
    /// The newest of a month.
    pub monthly: u64,
    /// The newest of a year.
    pub yearly: u64,
    /// All that are at most so many days older than the newest.
    pub within_days: u64,
}

/// A backup, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: BackupName,
    /// Which part of its database it holds.
    pub selection: Selection,
    /// What its last drill found.
    pub verdict: Verdict,
}

/// What becomes of a database's backups, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sorted {
    /// What stays.
    pub keep: Vec<Sentence>,
    /// What goes.
    pub remove: Vec<Sentence>,
}

/// A backup, and why it stays or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sentence {
    /// Which one.
    pub name: BackupName,
    /// Why: `daily 3 of 7`.
    pub reasons: Vec<String>,
}

impl Policy {
    /// Whether no rule is set: nothing is removed then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Tells what is kept of `backups`, of whatever databases and in whatever order, and what is not. `now` decides about
    /// those only that are not verified, and which are of the future.
    #[must_use]
    pub fn sort(&self, backups: &[Candidate], now: DateTime<Utc>) -> Sorted {
        let mut groups: BTreeMap<(&str, &Selection), Vec<&Candidate>> = BTreeMap::new();
        let mut sorted = Sorted::default();
        for backup in backups {
            if backup.name.is_of_the_future(now) {
                let reasons = vec!["its name is of the future; it counts for nothing".to_owned()];
                sorted.keep.push(Sentence { name: backup.name.clone(), reasons });
            } else {
                groups.entry((backup.name.database(), &backup.selection)).or_default().push(backup);
            }
        }
        sorted.keep.sort_by(|one, other| other.name.cmp(&one.name));
        for mut backups in groups.into_values() {
            backups.sort_by_key(|backup| std::cmp::Reverse(backup.name.moment()));
            self.sort_group(&backups, now, &mut sorted);
        }
        sorted
    }

    /// The same for those of one part of one database, newest first.
    fn sort_group(&self, backups: &[&Candidate], now: DateTime<Utc>, sorted: &mut Sorted) {
        let is_verified = |backup: &&&Candidate| backup.verdict == Verdict::Verified;
        let verified: Vec<_> = backups.iter().filter(is_verified).map(|backup| backup.name.moment()).collect();
        let mut reasons = self.reasons(&verified).into_iter();
        for Candidate { name, verdict, .. } in backups {
            let (keeps, reasons) = if *verdict == Verdict::Verified {
                match reasons.next().unwrap_or_default() {
                    none if none.is_empty() => (false, vec!["no rule keeps it".to_owned()]),
                    some => (true, some),
                }
            } else {
                self.judge_unproven(name.moment(), *verdict, verified.first().copied(), now)
            };
            let sentence = Sentence { name: name.clone(), reasons };
            if keeps { sorted.keep.push(sentence) } else { sorted.remove.push(sentence) }
        }
    }

    /// Why each of the verified backups made at `moments`, newest first, is kept; nothing for those that are not.
    fn reasons(&self, moments: &[DateTime<Utc>]) -> Vec<Vec<String>> {
        let mut reasons = vec![Vec::new(); moments.len()];
        let Some(newest) = moments.first() else { return reasons };
        reasons[0].push("the last verified one".to_owned());
        if self.is_empty() {
            for reasons in &mut reasons {
                reasons.push("no rule is set".to_owned());
            }
        }
        for (rule, count, period) in self.rules() {
            let mut kept = 0;
            let mut before = None;
            for (at, moment) in moments.iter().enumerate() {
                let now = period(*moment, at);
                let is_oldest = at + 1 == moments.len();
                if kept < count && (before != Some(now) || is_oldest) {
                    kept += 1;
                    reasons[at].push(format!("{rule} {kept} of {count}"));
                    before = Some(now);
                }
            }
        }
        let days = self.within_days;
        let reach = i64::try_from(days).ok().and_then(TimeDelta::try_days).unwrap_or(TimeDelta::MAX);
        for (moment, reasons) in moments.iter().zip(&mut reasons) {
            if days > 0 && *newest - *moment <= reach {
                reasons.push(format!("within {days} days"));
            }
        }
        reasons
    }

    /// The rules that count, and which of its periods a moment belongs to.
    fn rules(&self) -> [(&'static str, u64, Period); 6] {
        [
            ("last", self.last, |_, at| i64::try_from(at).unwrap_or(i64::MAX)),
            ("hourly", self.hourly, |moment, _| moment.timestamp().div_euclid(3600)),
            ("daily", self.daily, |moment, _| moment.timestamp().div_euclid(86_400)),
            ("weekly", self.weekly, |moment, _| {
                let week = moment.iso_week();
                i64::from(week.year()) * 100 + i64::from(week.week())
            }),
            ("monthly", self.monthly, |moment, _| i64::from(moment.year()) * 12 + i64::from(moment.month0())),
            ("yearly", self.yearly, |moment, _| moment.year().into()),
        ]
    }

    /// Whether a backup that is not verified stays, and why.
    fn judge_unproven(
        &self,
        moment: DateTime<Utc>,
        verdict: Verdict,
        last_verified: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> (bool, Vec<String>) {
        let name = verdict.name();
        let (keeps, reason) = if last_verified.is_none_or(|verified| moment > verified) {
            (true, format!("{name}, and newer than any verified one"))
        } else if verdict == Verdict::Unverifiable {
            (true, format!("{name}: it stays until it can be tried"))
        } else if now - moment < TimeDelta::days(UNPROVEN_DAYS) {
            (true, format!("{name}, and not {UNPROVEN_DAYS} days old"))
        } else if self.is_empty() {
            (true, "no rule is set".to_owned())
        } else {
            (false, format!("{name}, older than a verified one and than {UNPROVEN_DAYS} days"))
        };
        (keeps, vec![reason])
    }
}

/// The period that a moment, the n-th from the newest, belongs to.
type Period = fn(DateTime<Utc>, usize) -> i64;

#[cfg(test)]
mod tests;
