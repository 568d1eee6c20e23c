//! A share as a bar.

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of `columns` for a `share` from 0 to 1: the filled part, and the track that it leaves.
#[must_use]
pub fn bar(share: f64, columns: usize) -> (String, String) {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let mut eighths = (share * columns as f64 * 8.0).round() as usize;
    if share > 0.0 {
        // Little is not nothing.
        eighths = eighths.max(1);
    }
    let filled = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    let track = "·".repeat(columns - eighths.div_ceil(8));
    (filled, track)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::bar;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn it_fills_its_columns_and_grows(share in -0.5..1.5_f64, more in 0.0..1.0_f64, columns in 1_usize..40) {
            let (filled, track) = bar(share, columns);
            prop_assert_eq!(filled.chars().count() + track.chars().count(), columns);
            prop_assert!(bar(share + more, columns).0.chars().count() >= filled.chars().count());
        }
    }

    #[test]
    fn its_ends_are_exact() {
        assert_eq!(bar(0.0, 4), (String::new(), "····".into()));
        assert_eq!(bar(f64::NAN, 4), (String::new(), "····".into()));
        assert_eq!(bar(0.5, 4), ("██".into(), "··".into()));
        assert_eq!(bar(1.0, 4), ("████".into(), String::new()));
    }
}
