//! Shares and sizes as the texts tell them.

/// A share of 0 to 1 as `82%`: whole, and `100%` or `0%` only where it is exactly that. None where it is no share.
pub fn percent(share: f64) -> Option<String> {
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let rounded = (share * 100.0).round() as u64;
    Some(match rounded {
        0 if share > 0.0 => "under 1%".to_owned(),
        100 if share < 1.0 => "over 99%".to_owned(),
        _ => format!("{rounded}%"),
    })
}

/// Kilobytes of 1,024 bytes in the unit that gives the shortest true number: `12 KB`, `3.4 MB`, `120 GB`.
pub fn size(kb: u64) -> String {
    let mut value = kb as f64;
    let mut unit = "KB";
    for larger in ["MB", "GB", "TB", "PB", "EB", "ZB"] {
        if value < 1_000.0 {
            break;
        }
        value /= 1_024.0;
        unit = larger;
    }
    let tenths = (value * 10.0).round() / 10.0;
    if unit == "KB" || tenths >= 10.0 || tenths.fract() == 0.0 {
        format!("{} {unit}", tenths.round())
    } else {
        format!("{tenths:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_never_rounded_to_all_or_nothing() {
        for (share, text) in
            [(0.0, "0%"), (0.004, "under 1%"), (0.125, "13%"), (0.82, "82%"), (0.9999, "over 99%"), (1.0, "100%")]
        {
            assert_eq!(percent(share).as_deref(), Some(text));
        }
        for nonsense in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
            assert_eq!(percent(nonsense), None);
        }
    }

    #[test]
    fn sizes_take_the_unit_that_fits() {
        for (kb, text) in [
            (0, "0 KB"),
            (999, "999 KB"),
            (1_024, "1 MB"),
            (3_482, "3.4 MB"),
            (12_345, "12 MB"),
            (1_048_576, "1 GB"),
            (u64::MAX, "16 ZB"),
        ] {
            assert_eq!(size(kb), text);
        }
    }

    proptest! {
        #[test]
        fn sizes_are_short(kb: u64) {
            prop_assert!(size(kb).len() <= 7, "{}", size(kb));
        }
    }
}
