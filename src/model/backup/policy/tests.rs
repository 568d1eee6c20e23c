//! Retention, against dates that people would count out by hand, and against whatever dates there are.

use proptest::prelude::*;

use super::*;

fn moment(text: &str) -> DateTime<Utc> {
    format!("{text}Z").parse().unwrap()
}

fn backup(database: &str, text: &str, verdict: Verdict) -> Candidate {
    Candidate { name: BackupName::new(database, moment(text)), selection: Selection::default(), verdict }
}

fn verified(moments: &[&str]) -> Vec<Candidate> {
    moments.iter().map(|text| backup("cats", text, Verdict::Verified)).collect()
}

/// What is kept and why, newest first, as `DAYThhmm: reason, reason`.
fn kept(policy: Policy, backups: &[Candidate], now: &str) -> Vec<String> {
    let kept = policy.sort(backups, moment(now)).keep;
    kept.iter().map(|kept| format!("{}: {}", kept.name.moment().format("%m-%dT%H"), kept.reasons.join(", "))).collect()
}

const NOW: &str = "2026-12-31T12:00:00";

#[test]
fn rules_keep_the_newest_of_each_period_and_the_oldest_while_they_can() {
    let backups = verified(&[
        "2026-01-01T03:00:00",
        "2026-11-29T03:00:00", // a Sunday
        "2026-11-30T03:00:00", // a Monday: another ISO week, the same month
        "2026-12-01T03:00:00",
        "2026-12-01T15:00:00",
        "2026-12-01T15:30:00",
    ]);
    let daily = Policy { daily: 2, ..Policy::default() };
    assert_eq!(kept(daily, &backups, NOW), ["12-01T15: the last verified one, daily 1 of 2", "11-30T03: daily 2 of 2"]);
    let weekly = Policy { weekly: 9, ..Policy::default() };
    assert_eq!(
        kept(weekly, &backups, NOW),
        ["12-01T15: the last verified one, weekly 1 of 9", "11-29T03: weekly 2 of 9", "01-01T03: weekly 3 of 9"]
    );
    let hourly = Policy { hourly: 2, ..Policy::default() };
    assert_eq!(
        kept(hourly, &backups, NOW),
        ["12-01T15: the last verified one, hourly 1 of 2", "12-01T03: hourly 2 of 2"]
    );
    let monthly = Policy { monthly: 2, last: 1, ..Policy::default() };
    assert_eq!(
        kept(monthly, &backups, NOW),
        ["12-01T15: the last verified one, last 1 of 1, monthly 1 of 2", "11-30T03: monthly 2 of 2"]
    );
    // One year only; the second is used for the oldest.
    let yearly = Policy { yearly: 2, ..Policy::default() };
    assert_eq!(
        kept(yearly, &backups, NOW),
        ["12-01T15: the last verified one, yearly 1 of 2", "01-01T03: yearly 2 of 2"]
    );
    let within = Policy { within_days: 2, ..Policy::default() };
    assert_eq!(kept(within, &backups, NOW).len(), 4, "from the newest backup on, not from today");
}

#[test]
fn the_last_days_of_december_are_in_the_next_years_first_week() {
    let backups =
        verified(&["2024-12-29T03:00:00", "2024-12-30T03:00:00", "2025-01-05T03:00:00", "2025-01-06T03:00:00"]);
    let weekly = Policy { weekly: 3, ..Policy::default() };
    let kept = kept(weekly, &backups, NOW);
    assert_eq!(
        kept,
        ["01-06T03: the last verified one, weekly 1 of 3", "01-05T03: weekly 2 of 3", "12-29T03: weekly 3 of 3"]
    );
}

#[test]
fn seven_bad_days_evict_no_good_one() {
    let mut backups = verified(&["2026-12-01T03:00:00", "2026-12-02T03:00:00"]);
    for day in 3..=30 {
        let verdict = [Verdict::Failed, Verdict::Unverified, Verdict::Unverifiable][day % 3];
        backups.push(backup("cats", &format!("2026-12-{day:02}T03:00:00"), verdict));
    }
    let policy = Policy { last: 2, ..Policy::default() };
    let kept = kept(policy, &backups, NOW);
    assert_eq!(kept.len(), 30);
    assert_eq!(kept[0], "12-30T03: failed, and newer than any verified one");
    assert_eq!(kept[28], "12-02T03: the last verified one, last 1 of 2");
}

#[test]
fn what_was_never_verified_goes_once_it_is_old_and_a_newer_one_is_good() {
    let mut backups = verified(&["2026-12-30T03:00:00"]);
    for (text, verdict) in [("2026-12-29T03:00:00", Verdict::Unverified), ("2026-12-20T03:00:00", Verdict::Failed)] {
        backups.push(backup("cats", text, verdict));
    }
    let policy = Policy { last: 1, ..Policy::default() };
    let sorted = policy.sort(&backups, moment(NOW));
    assert_eq!(sorted.keep[1].reasons, ["unverified, and not 7 days old"]);
    assert_eq!(sorted.remove[0].reasons, ["failed, older than a verified one and than 7 days"]);
    assert_eq!(Policy::default().sort(&backups, moment(NOW)).remove, [], "without a rule, nothing goes");
}

#[test]
fn each_database_is_counted_for_itself() {
    let mut backups = verified(&["2026-12-01T03:00:00", "2026-12-02T03:00:00"]);
    backups.push(backup("dogs", "2020-01-01T03:00:00", Verdict::Verified));
    let sorted = Policy { last: 1, ..Policy::default() }.sort(&backups, moment(NOW));
    assert_eq!(sorted.keep.len(), 2);
    assert_eq!(sorted.remove.len(), 1);
}

#[test]
fn a_part_of_a_database_takes_no_place_of_the_whole() {
    let mut backups = verified(&["2026-12-01T03:00:00"]);
    for (text, verdict) in [("2026-12-02T03:00:00", Verdict::Verified), ("2026-12-03T03:00:00", Verdict::Verified)] {
        let selection = Selection { tables: vec!["toys".to_owned()], ..Selection::default() };
        backups.push(Candidate { selection, ..backup("cats", text, verdict) });
    }
    let policy = Policy { last: 1, ..Policy::default() };
    assert_eq!(
        kept(policy, &backups, NOW),
        ["12-01T03: the last verified one, last 1 of 1", "12-03T03: the last verified one, last 1 of 1"]
    );
}

#[test]
fn what_could_not_be_tried_never_goes_by_age() {
    let mut backups = verified(&["2026-12-30T03:00:00"]);
    backups.push(backup("cats", "2020-01-01T03:00:00", Verdict::Unverifiable));
    let policy = Policy { last: 1, ..Policy::default() };
    assert_eq!(kept(policy, &backups, NOW)[1], "01-01T03: unverifiable: it stays until it can be tried");
}

#[test]
fn a_clock_that_was_ahead_costs_no_backup_its_place() {
    let mut backups = verified(&["2026-12-30T03:00:00", "2026-12-31T03:00:00", "2026-12-31T12:59:00"]);
    backups.push(backup("cats", "2031-01-01T03:00:00", Verdict::Verified));
    backups.push(backup("cats", "2031-01-02T03:00:00", Verdict::Failed));
    let policy = Policy { last: 1, ..Policy::default() };
    let sorted = policy.sort(&backups, moment(NOW));
    assert_eq!(
        kept(policy, &backups, NOW),
        [
            "01-02T03: its name is of the future; it counts for nothing",
            "01-01T03: its name is of the future; it counts for nothing",
            "12-31T12: the last verified one, last 1 of 1"
        ]
    );
    assert_eq!(sorted.remove.len(), 2);
    // The clock is set back, and all that is there is of the future.
    assert_eq!(policy.sort(&backups, moment("2020-01-01T00:00:00")).remove, []);
}

fn any_backups() -> impl Strategy<Value = Vec<Candidate>> {
    // Two databases; hours of three years, some of them close together.
    let backup = (0_i64..26_000, 0_usize..6, 0_usize..2).prop_map(|(hour, verdict, database)| {
        let moment = DateTime::from_timestamp(1_700_000_000 + hour * hour.min(3600), 0).unwrap();
        let verdict = Verdict::ALL.get(verdict).copied().unwrap_or(Verdict::Verified);
        (BackupName::new(["cats", "dogs"][database], moment), verdict)
    });
    proptest::collection::btree_map(
        backup.clone().prop_map(|(name, _)| name),
        backup.prop_map(|(_, verdict)| verdict),
        0..60,
    )
    .prop_map(|backups| {
        let candidate = |(name, verdict)| Candidate { name, selection: Selection::default(), verdict };
        backups.into_iter().map(candidate).collect()
    })
}

prop_compose! {
    fn any_policy()(counts in [0_u64..5, 0..5, 0..5, 0..5, 0..5, 0..5, 0..200], some in 0_usize..7) -> Policy {
        let [last, hourly, daily, weekly, monthly, yearly, within_days] = counts;
        let mut policy = Policy { last, hourly, daily, weekly, monthly, yearly, within_days };
        if policy.is_empty() {
            more(&mut policy, some);
        }
        policy
    }
}

fn more(policy: &mut Policy, which: usize) {
    let Policy { last, hourly, daily, weekly, monthly, yearly, within_days } = policy;
    *[last, hourly, daily, weekly, monthly, yearly, within_days][which] += 1;
}

fn names(sentences: &[Sentence]) -> Vec<&BackupName> {
    let mut names: Vec<_> = sentences.iter().map(|sentence| &sentence.name).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_last_verified_one_stays_and_all_are_told(backups in any_backups(), policy in any_policy(), age in -9_i64..99) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::days(age);
        let sorted = policy.sort(&backups, now);
        for database in ["cats", "dogs"] {
            let last = backups.iter().filter(|backup| backup.name.database() == database && backup.verdict == Verdict::Verified);
            if let Some(last) = last.max_by_key(|backup| backup.name.moment()) {
                prop_assert!(names(&sorted.keep).contains(&&last.name));
            }
        }
        prop_assert_eq!(sorted.keep.len() + sorted.remove.len(), backups.len());
        prop_assert!(sorted.keep.iter().chain(&sorted.remove).all(|sentence| !sentence.reasons.is_empty()));
    }

    #[test]
    fn what_is_kept_once_is_kept_again(backups in any_backups(), policy in any_policy()) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let sorted = policy.sort(&backups, now);
        let kept: Vec<_> =
            backups.iter().filter(|backup| names(&sorted.keep).contains(&&backup.name)).cloned().collect();
        let again = policy.sort(&kept, now);
        prop_assert_eq!(&again.remove, &[]);
        prop_assert_eq!(again.keep, sorted.keep);
    }

    #[test]
    fn a_rule_that_keeps_more_never_keeps_less(backups in any_backups(), policy in any_policy(), which in 0_usize..7) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let mut wider = policy;
        more(&mut wider, which);
        let (kept, wider) = (policy.sort(&backups, now), wider.sort(&backups, now));
        let wider = names(&wider.keep);
        prop_assert!(names(&kept.keep).iter().all(|name| wider.contains(name)));
    }

    #[test]
    fn the_order_does_not_count(backups in any_backups(), policy in any_policy(), turn in 0_usize..60) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let mut turned = backups.clone();
        turned.rotate_left(turn.min(backups.len()));
        turned.reverse();
        prop_assert_eq!(policy.sort(&turned, now), policy.sort(&backups, now));
    }
}
