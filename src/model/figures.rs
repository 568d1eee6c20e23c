//! Whole numbers as people read them, in texts that are stored and on screens.

use std::time::Duration;

/// `12480` as `12,480`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 function`, `12,480 functions`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// How long the rest takes at the pace so far, as `7 s`, `12 min`, `3 h`; none where nobody can tell.
#[must_use]
pub fn left(done: u64, total: u64, elapsed: Duration) -> Option<String> {
    if done == 0 || total <= done || elapsed < Duration::from_secs(1) {
        return None;
    }
    let seconds = (elapsed.as_secs_f64() * (total - done) as f64 / done as f64).ceil() as u64;
    Some(match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5_999 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 12_480].map(grouped), ["0", "999", "1,000", "12,480"]);
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "function", "functions"), "1 function");
        assert_eq!(counted(0, "function", "functions"), "0 functions");
        assert_eq!(counted(1_000, "line", "lines"), "1,000 lines");
    }

    proptest! {
        #[test]
        fn grouping_loses_nothing(number: u64) {
            prop_assert_eq!(grouped(number).replace(',', ""), number.to_string());
        }
    }

    #[test]
    fn what_is_left_is_told_once_there_is_a_pace() {
        let left = |done, total, seconds| left(done, total, Duration::from_secs(seconds));
        assert_eq!(left(0, 10, 9), None);
        assert_eq!(left(10, 10, 9), None);
        assert_eq!(left(5, 10, 0), None);
        assert_eq!(left(5, 10, 9).as_deref(), Some("9 s"));
        assert_eq!(left(1, 13, 10).as_deref(), Some("2 min"));
        assert_eq!(left(1, 1001, 10).as_deref(), Some("3 h"));
    }
}
