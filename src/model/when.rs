//! Moments as people write them: `2027-01-31T09:00:00Z`, `10m`, `1h30m`.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment: fixed, or counted from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum When {
    /// At this time.
    At(DateTime<Utc>),
    /// This long after now; never negative.
    In(TimeDelta),
}

impl When {
    /// The moment, seen from `now`.
    #[must_use]
    pub fn resolve(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(time) => time,
            Self::In(wait) => now + wait,
        }
    }

    /// The moment that is meant where times lie in the past: this long before `now`.
    #[must_use]
    pub fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(time) => time,
            Self::In(age) => now - age,
        }
    }
}

/// The longest wait, in days.
pub const LONGEST_WAIT_DAYS: i64 = 3660;

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(time.to_utc()));
        }
        let wait =
            relative(text).ok_or("write RFC 3339 as in 2027-01-31T09:00:00Z, or a wait as in 90s, 10m, 2h, 1d12h")?;
        if wait > TimeDelta::days(LONGEST_WAIT_DAYS) {
            return Err(format!("the longest wait is {LONGEST_WAIT_DAYS} days"));
        }
        Ok(Self::In(wait))
    }
}

/// As a person would write it, for records of what was asked for.
impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(time) => time.serialize(serializer),
            Self::In(wait) => serializer.collect_str(&format_args!("{}s", wait.num_seconds())),
        }
    }
}

impl TryFrom<String> for When {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// As people write it.
impl PartialSchema for When {
    fn schema() -> RefOr<Schema> {
        let examples = ["2027-01-31T09:00:00Z", "90s", "1d12h"];
        ObjectBuilder::new().schema_type(Type::String).examples(examples).into()
    }
}

impl ToSchema for When {}

/// A length of time that may be less than a second: `500ms`, `90s`, `10m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, example = "90s")]
pub struct Span(pub Duration);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}ms", self.0.as_millis()))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        span(&text).map(Self)
    }
}

/// A length of time as people write it: `90s`, `10m`, `1d12h`.
pub fn length(text: &str) -> Result<Duration, String> {
    match text.parse()? {
        When::In(length) => length.to_std().map_err(|error| error.to_string()),
        When::At(_) => Err("write a length of time as in 90s, 10m, 2h, 1d12h".to_owned()),
    }
}

/// The same for what takes less than a second, too: `500ms`.
pub fn span(text: &str) -> Result<Duration, String> {
    let longest = TimeDelta::days(LONGEST_WAIT_DAYS).to_std().unwrap_or_default();
    let millis = text.strip_suffix("ms").and_then(|millis| millis.parse().ok()).map(Duration::from_millis);
    let span = millis.map_or_else(|| length(text), Ok).ok().filter(|span| *span <= longest);
    span.ok_or_else(|| "write a time as in 500ms, 90s, 10m, 2h".to_owned())
}

/// A moment of the past: RFC 3339, `2026-11-22 03:00` in UTC, the day alone, `3 days ago`, `1d12h ago`.
pub fn past(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Some(age) = text.strip_suffix(" ago") {
        return age_of(age).and_then(|age| now.checked_sub_signed(age)).ok_or_else(|| HOW_TO_SAY_PAST.to_owned());
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let forms = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    // All of a day.
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(23, 59, 59);
    time.or_else(day).map(|time| time.and_utc()).ok_or_else(|| HOW_TO_SAY_PAST.to_owned())
}

const HOW_TO_SAY_PAST: &str = "write it as 2026-11-22T03:00:00Z, '2026-11-22 03:00' (UTC), '3 days ago' or '90m ago'";

/// `3 days`, `1d12h`.
fn age_of(text: &str) -> Option<TimeDelta> {
    let Some((number, unit)) = text.split_once(' ') else { return relative(text) };
    let unit = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => "s",
        "minute" => "m",
        "hour" => "h",
        "day" => "d",
        "week" => "w",
        _ => return None,
    };
    relative(&format!("{number}{unit}"))
}

/// Numbers with units, larger units first: `1w`, `1d12h`, `10m`, `90s`.
fn relative(text: &str) -> Option<TimeDelta> {
    let mut seconds: i64 = 0;
    let mut smallest = i64::MAX;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        if unit >= smallest {
            return None;
        }
        smallest = unit;
        seconds = seconds.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = &tail[1..];
    }
    (smallest != i64::MAX).then(|| TimeDelta::try_seconds(seconds)).flatten()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::{When, past};

    #[test]
    fn the_past_is_told_in_several_ways() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = time("2026-11-22T12:00:00Z");
        for (text, meant) in [
            ("2026-11-22T03:00:00+01:00", "2026-11-22T02:00:00Z"),
            ("2026-11-22 03:00", "2026-11-22T03:00:00Z"),
            ("2026-11-22 03:00:30 UTC", "2026-11-22T03:00:30Z"),
            ("2026-11-21", "2026-11-21T23:59:59Z"),
            ("3 days ago", "2026-11-19T12:00:00Z"),
            ("1 hour ago", "2026-11-22T11:00:00Z"),
            ("1d12h ago", "2026-11-21T00:00:00Z"),
        ] {
            assert_eq!(past(text, now).unwrap(), time(meant), "{text}");
        }
        for text in ["", "ago", "3 days", "tomorrow", "-1 days ago", "3 moons ago", "2026-13-01", "9999999999w ago"] {
            assert!(past(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!("10m".parse(), Ok(When::In(TimeDelta::minutes(10))));
        assert_eq!("1d12h".parse(), Ok(When::In(TimeDelta::hours(36))));
        assert_eq!("0s".parse(), Ok(When::In(TimeDelta::zero())));
        let nine = "2027-01-31T09:00:00Z".parse::<DateTime<Utc>>().unwrap();
        assert_eq!("2027-01-31T10:00:00+01:00".parse(), Ok(When::At(nine)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "10",
            "m",
            "-5m",
            "10 m",
            "1m1h",
            "1h1h",
            "1y",
            "ten",
            "99999999999999999999s",
            "4000d",
            "9223372036854775807w",
        ] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn a_relative_time_is_the_sum_of_its_parts(d in 0i64..900, h in 0i64..99, m in 0i64..99, s in 0i64..999) {
            let expected = TimeDelta::seconds(d * 86_400 + h * 3600 + m * 60 + s);
            prop_assert_eq!(format!("{d}d{h}h{m}m{s}s").parse(), Ok(When::In(expected)));
        }

        #[test]
        fn an_absolute_time_survives_its_text(seconds in 0i64..4_000_000_000, now in 0i64..4_000_000_000) {
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            let when: When = time.to_rfc3339().parse().unwrap();
            prop_assert_eq!(when.resolve(DateTime::from_timestamp(now, 0).unwrap()), time);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,24}") {
            _ = text.parse::<When>();
        }
    }
}
