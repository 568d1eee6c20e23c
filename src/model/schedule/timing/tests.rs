//! Where the clocks change, against a model that looks at every minute.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn timing(expression: &str, zone: &str) -> Timing {
    Timing::parse(expression, zone).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The slots after a moment, as the zone's clocks show them.
fn slots(expression: &str, zone: &str, after: &str, many: usize) -> Vec<String> {
    let timing = timing(expression, zone);
    let next = |time: &DateTime<Utc>| timing.next(*time);
    let first = timing.next(utc(after));
    std::iter::successors(first, next).take(many).map(|slot| timing.rfc3339(slot)).collect()
}

#[test]
fn a_slot_in_a_gap_comes_once_after_it() {
    assert_eq!(
        slots("30 2 * * *", "Europe/Berlin", "2027-03-27T00:00:00Z", 3),
        ["2027-03-27T02:30:00+01:00", "2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]
    );
    // All of the gap in one, also where the moment after it matches itself.
    assert_eq!(
        slots("0,20,40 1-3 * * *", "Europe/Berlin", "2027-03-28T00:30:00Z", 5),
        [
            "2027-03-28T01:40:00+01:00",
            "2027-03-28T03:00:00+02:00",
            "2027-03-28T03:20:00+02:00",
            "2027-03-28T03:40:00+02:00",
            "2027-03-29T01:00:00+02:00"
        ]
    );
    // Half an hour at Lord Howe.
    assert_eq!(
        slots("15 2 * * *", "Australia/Lord_Howe", "2027-10-02T00:00:00Z", 2),
        ["2027-10-03T02:30:00+11:00", "2027-10-04T02:15:00+11:00"]
    );
    // Days that begin at one o'clock.
    assert_eq!(
        slots("@daily", "America/Sao_Paulo", "2018-11-03T12:00:00Z", 2),
        ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"]
    );
    // Samoa had no 30 December 2011.
    assert_eq!(
        slots("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3),
        ["2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"]
    );
}

#[test]
fn a_slot_in_an_overlap_comes_once() {
    assert_eq!(
        slots("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", 2),
        ["2027-10-31T02:30:00+02:00", "2027-11-01T02:30:00+01:00"]
    );
    // Asked between the two passes, and within the second.
    for after in ["2027-10-31T00:30:00Z", "2027-10-31T01:10:00Z", "2027-10-31T01:30:00Z"] {
        assert_eq!(slots("30 2 * * *", "Europe/Berlin", after, 1), ["2027-11-01T02:30:00+01:00"]);
    }
    assert_eq!(
        slots("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T12:00:00Z", 2),
        ["2027-04-04T01:45:00+11:00", "2027-04-05T01:45:00+10:30"]
    );
    assert_eq!(
        slots("0 */2 * * *", "Europe/Berlin", "2027-10-30T22:30:00Z", 2),
        ["2027-10-31T02:00:00+02:00", "2027-10-31T04:00:00+01:00"]
    );
}

#[test]
fn an_open_hour_goes_by_elapsed_time() {
    assert_eq!(
        slots("*/30 * * * *", "Europe/Berlin", "2027-10-30T23:45:00Z", 5),
        [
            "2027-10-31T02:00:00+02:00",
            "2027-10-31T02:30:00+02:00",
            "2027-10-31T02:00:00+01:00",
            "2027-10-31T02:30:00+01:00",
            "2027-10-31T03:00:00+01:00"
        ]
    );
    assert_eq!(
        slots("30 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 2),
        ["2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"]
    );
    assert_eq!(slots("@hourly", "UTC", "2027-03-28T00:00:00.5Z", 1), ["2027-03-28T01:00:00+00:00"]);
}

#[test]
fn a_period_counts_from_the_epoch() {
    assert_eq!(
        slots("@every 90s", "Europe/Berlin", "2027-03-28T00:59:00Z", 2),
        ["2027-03-28T03:00:00+02:00", "2027-03-28T03:01:30+02:00"]
    );
    assert_eq!(slots("@every 1d", "UTC", "2027-03-28T00:00:00Z", 1), ["2027-03-29T00:00:00+00:00"]);
}

#[test]
fn words_are_what_they_say() {
    let expected = ["2027-05-05T01:00:00", "2027-05-06T00:00:00", "2027-05-06T00:00:00", "2027-05-09T00:00:00"];
    let expected = expected.into_iter().chain(["2027-06-01T00:00:00", "2028-01-01T00:00:00", "2028-01-01T00:00:00"]);
    for ((word, _), expected) in WORDS.into_iter().zip(expected) {
        assert_eq!(slots(word, "UTC", "2027-05-05T00:00:00Z", 1), [format!("{expected}+00:00")], "{word}");
    }
}

#[test]
fn what_is_no_schedule_is_refused() {
    let refused: Vec<_> = [
        ("@dayly", "UTC"),
        ("@reboot", "UTC"),
        ("@every", "UTC"),
        ("@every 0s", "UTC"),
        ("@every 367d", "UTC"),
        ("@every day", "UTC"),
        ("@every90s", "UTC"),
        ("@daily", "Europe/Berlon"),
        ("@daily", "berlin"),
        ("@daily", "new york"),
        ("@daily", "CEST"),
        ("@daily", ""),
        ("@daily", "/etc/localtime"),
        ("0 2 * *", "UTC"),
    ]
    .iter()
    .map(|(expression, zone)| {
        let failure = Timing::parse(expression, zone).expect_err(expression);
        format!("{failure}\n  {}", failure.hint_text().unwrap())
    })
    .collect();
    insta::assert_snapshot!(refused.join("\n"));
}

/// Looks at every minute from `from` to `to` and at what the clocks of the zone show then.
fn minute_by_minute(timing: &Timing, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let Rule::Cron(cron) = &timing.rule else { panic!("there are no minutes in a period") };
    let matches = |wall: civil::DateTime| cron.next_wall(wall) == Some(wall);
    let wall_at = |time: DateTime<Utc>| timing.zone.to_datetime(Timestamp::from_second(time.timestamp()).unwrap());
    let (mut slots, mut shown) = (Vec::new(), BTreeSet::new());
    // Long enough before, so that a second pass is known for what it is.
    let mut time = from - TimeDelta::days(2);
    let mut before = wall_at(time);
    while time <= to {
        let wall = wall_at(time);
        let is_due = if cron.is_every_hour() {
            matches(wall)
        } else {
            let mut left_out = std::iter::successors(Some(before + 1.minute()), |wall| Some(*wall + 1.minute()))
                .take_while(|left_out| *left_out < wall);
            (shown.insert(wall) && matches(wall)) || left_out.any(matches)
        };
        if is_due && time > from {
            slots.push(time);
        }
        before = wall;
        time += TimeDelta::minutes(1);
    }
    slots
}

/// Zones with all sorts of changes, each with a moment near one.
fn changes() -> impl Strategy<Value = (&'static str, DateTime<Utc>)> {
    prop::sample::select(vec![
        ("Europe/Berlin", utc("2027-03-28T01:00:00Z")),
        ("Europe/Berlin", utc("2027-10-31T01:00:00Z")),
        ("America/New_York", utc("2040-03-11T07:00:00Z")),
        ("America/New_York", utc("2040-11-04T06:00:00Z")),
        ("Australia/Lord_Howe", utc("2027-04-03T15:00:00Z")),
        ("Australia/Lord_Howe", utc("2027-10-02T15:30:00Z")),
        ("America/Sao_Paulo", utc("2018-11-04T03:00:00Z")),
        ("Asia/Beirut", utc("2027-03-27T22:00:00Z")),
        ("Africa/Casablanca", utc("2027-02-07T02:00:00Z")),
        ("Antarctica/Troll", utc("2027-03-28T01:00:00Z")),
        ("Pacific/Apia", utc("2011-12-30T10:00:00Z")),
        ("Asia/Pyongyang", utc("2018-05-04T15:00:00Z")),
        ("Asia/Kathmandu", utc("2027-06-01T00:00:00Z")),
    ])
}

fn expressions() -> impl Strategy<Value = String> {
    let minute =
        prop_oneof![Just("*/7".to_owned()), Just("0".to_owned()), (0..60).prop_map(|minute: i32| minute.to_string())];
    let hour = prop_oneof![
        Just("*".to_owned()),
        Just("*/2".to_owned()),
        (0..24).prop_map(|hour: i32| hour.to_string()),
        (0..4).prop_map(|hour: i32| format!("0-{hour}")),
    ];
    (minute, hour, prop::sample::select(vec!["*", "sun", "1-5"])).prop_map(|(m, h, day)| format!("{m} {h} * * {day}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_slot_is_found_and_no_other((zone, change) in changes(), expression in expressions(), offset in -1500_i64..1500) {
        let timing = timing(&expression, zone);
        let from = change + TimeDelta::minutes(offset);
        let to = from + TimeDelta::days(2);
        let found: Vec<_> = std::iter::successors(timing.next(from), |slot| timing.next(*slot))
            .take_while(|slot| *slot <= to)
            .collect();
        prop_assert_eq!(found, minute_by_minute(&timing, from, to));
    }

    #[test]
    fn slots_strictly_increase_and_it_does_not_matter_from_where_one_looks(
        (zone, change) in changes(), expression in expressions(), offset in -200_000_i64..200_000, within in 0_i64..100_000,
    ) {
        let timing = timing(&expression, zone);
        let from = change + TimeDelta::seconds(offset);
        let slot = timing.next(from).unwrap();
        prop_assert!(slot > from);
        let between = (from + TimeDelta::seconds(within)).min(slot - TimeDelta::seconds(1));
        prop_assert_eq!(timing.next(between.max(from)), Some(slot));
        prop_assert!(timing.next(slot).unwrap() > slot);
    }

    #[test]
    fn periods_are_even(period in 1_i64..1_000_000, from in 0_i64..4_000_000_000) {
        let timing = timing(&format!("@every {period}s"), "UTC");
        let slot = timing.next(DateTime::from_timestamp(from, 0).unwrap()).unwrap().timestamp();
        prop_assert!(slot > from && slot - from <= period && slot % period == 0);
    }
}
