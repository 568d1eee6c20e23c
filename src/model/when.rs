//! Moments as people write them: `2027-01-31T09:00:00Z`, `10m`, `1h30m`.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A moment: fixed, or counted from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A length of time as people write it: `90s`, `10m`, `1d12h`.
pub fn length(text: &str) -> Result<Duration, String> {
    match text.parse()? {
        When::In(length) => length.to_std().map_err(|error| error.to_string()),
        When::At(_) => Err("write a length of time as in 90s, 10m, 2h, 1d12h".to_owned()),
    }
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

    use super::When;

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
