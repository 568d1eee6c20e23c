//! A histogram of atomic counters.

use std::sync::atomic::{AtomicU64, Ordering};

use super::exposition::Page;

/// How many values were at most each bound, and more than the last.
#[derive(Debug)]
pub(super) struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    within: [AtomicU64; N],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    /// An empty one; `bounds` ascend.
    pub const fn new(bounds: &'static [u64; N]) -> Self {
        Self { bounds, within: [const { AtomicU64::new(0) }; N], beyond: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    /// Counts a value.
    pub fn record(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.within.get(bucket).unwrap_or(&self.beyond).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Writes the samples. A value counts `unit` to the one that is shown: 1e9 for nanoseconds that are told as seconds.
    pub fn write_to(&self, page: &mut Page, labels: &[(&str, &str)], unit: f64) {
        let mut total = 0;
        for (bound, count) in self.bounds.iter().zip(&self.within) {
            total += count.load(Ordering::Relaxed);
            page.bucket(labels, &(*bound as f64 / unit).to_string(), total);
        }
        total += self.beyond.load(Ordering::Relaxed);
        page.bucket(labels, "+Inf", total);
        page.total(labels, self.sum.load(Ordering::Relaxed) as f64 / unit, total);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telemetry::exposition::Type;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn each_bucket_counts_what_is_no_more_than_its_bound(values in prop::collection::vec(0_u64..50, 0..60)) {
            const BOUNDS: &[u64; 4] = &[0, 5, 10, 40];
            let histogram = Histogram::new(BOUNDS);
            for value in &values {
                histogram.record(*value);
            }
            let mut page = Page::default();
            page.family("x", Type::Histogram, "X.");
            histogram.write_to(&mut page, &[("a", "b")], 10.0);
            let count = |most: u64| values.iter().filter(|value| **value <= most).count();
            let sum = values.iter().sum::<u64>() as f64 / 10.0;
            let expected = format!(
                "# HELP x X.\n# TYPE x histogram\n\
                 x_bucket{{a=\"b\",le=\"0\"}} {}\nx_bucket{{a=\"b\",le=\"0.5\"}} {}\nx_bucket{{a=\"b\",le=\"1\"}} {}\n\
                 x_bucket{{a=\"b\",le=\"4\"}} {}\nx_bucket{{a=\"b\",le=\"+Inf\"}} {}\nx_sum{{a=\"b\"}} {sum}\nx_count{{a=\"b\"}} {}\n",
                count(0), count(5), count(10), count(40), values.len(), values.len()
            );
            prop_assert_eq!(page.finish(), expected);
        }
    }
}
