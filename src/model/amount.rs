//! Amounts as people read them: counts, sizes, shares, times.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

pub use super::figures::{counted, grouped};

/// `512 B`, `1.5 KB`, `20 MB`: units of 1,024, two or three digits.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let mut amount = bytes as f64;
    let mut unit = "B";
    for larger in ["KB", "MB", "GB", "TB"] {
        // What would be rounded to 1,024 belongs to the next unit.
        if amount < 1023.5 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    if unit == "B" || amount >= 9.95 { format!("{amount:.0} {unit}") } else { format!("{amount:.1} {unit}") }
}

/// `38 %`; `< 1 %` for what would be rounded away.
#[must_use]
pub fn percent(share: f64) -> String {
    let per_cent = share * 100.0;
    if per_cent > 0.0 && per_cent < 0.5 { "< 1 %".to_owned() } else { format!("{per_cent:.0} %") }
}

/// `340 ms`, `2.4 s`, `1 m 05 s`, `2 h 10 m`, `3 d 4 h`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let (millis, seconds) = (time.as_millis(), time.as_secs());
    match seconds {
        _ if millis < 1000 => format!("{millis} ms"),
        0..60 => format!("{}.{} s", seconds, time.subsec_millis() / 100),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// `just now`, `3 minutes ago`, `in 2 hours`; the date where it is more than 30 days away.
#[must_use]
pub fn relative(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let distance = time - now;
    let seconds = distance.abs().num_seconds();
    let (amount, unit) = match seconds {
        0..5 => return "just now".to_owned(),
        5..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        86_400..2_592_000 => (seconds / 86_400, "day"),
        _ => return time.format("%Y-%m-%d").to_string(),
    };
    let plural = if amount == 1 { "" } else { "s" };
    if distance < TimeDelta::zero() {
        format!("{amount} {unit}{plural} ago")
    } else {
        format!("in {amount} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0, 1023, 1024, 10_240, 1_048_575, 5_000_000_000].map(bytes),
            ["0 B", "1023 B", "1.0 KB", "10 KB", "1.0 MB", "4.7 GB"]
        );
        assert_eq!([0.0, 0.001, 0.5, 1.0].map(percent), ["0 %", "< 1 %", "50 %", "100 %"]);
        assert_eq!(
            [7, 999, 2_450, 59_999, 65_000, 7_800_000, 277_200_000].map(|ms| duration(Duration::from_millis(ms))),
            ["7 ms", "999 ms", "2.4 s", "59.9 s", "1 m 05 s", "2 h 10 m", "3 d 5 h"]
        );
    }

    #[test]
    fn times_read_well() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let read = |seconds| relative(now + TimeDelta::seconds(seconds), now);
        assert_eq!([0, -4, -61, -7200].map(read), ["just now", "just now", "1 minute ago", "2 hours ago"]);
        assert_eq!([30, 86_400, 40_000_000].map(read), ["in 30 seconds", "in 1 day", "2028-04-22"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn amounts_stay_short(number in any::<u64>(), shift in 0_u32..64) {
            prop_assert!(bytes(number >> shift).len() <= 11);
            prop_assert!(duration(Duration::from_millis((number >> shift) % 8_000_000_000)).len() <= 10);
        }
    }
}
