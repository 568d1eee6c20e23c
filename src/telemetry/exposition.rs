//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};

/// The media type of a page.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Grows, until the process is started anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size.
    Histogram,
}

/// A page of metrics, family by family.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    /// The family that samples go to.
    name: &'static str,
}

// Writing to a string cannot fail.
impl Page {
    /// Begins a family; its samples follow. A name may be begun once only.
    pub fn family(&mut self, name: &'static str, kind: Type, help: &str) {
        let kind = match kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
        };
        self.name = name;
        _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample of a counter or gauge.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, value);
    }

    /// One bucket of a histogram: how many values are at most `bound`.
    pub(super) fn bucket(&mut self, labels: &[(&str, &str)], bound: &str, count: u64) {
        self.line("_bucket", &[labels, &[("le", bound)]].concat(), count);
    }

    /// The end of a histogram.
    pub(super) fn total(&mut self, labels: &[(&str, &str)], sum: f64, count: u64) {
        self.line("_sum", labels, sum);
        self.line("_count", labels, count);
    }

    /// The whole page.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let mut before = '{';
        for (name, value) in labels {
            _ = write!(self.text, "{before}{name}=\"{}\"", escaped(value));
            before = ',';
        }
        let end = if labels.is_empty() { "" } else { "}" };
        _ = writeln!(self.text, "{end} {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.family("cats", Type::Gauge, "Cats by name.");
        page.sample(&[("name", "a\"b\\c\nd"), ("size", "large")], 1.5);
        page.sample(&[], 2);
        let expected = "# HELP cats Cats by name.\n# TYPE cats gauge\n\
                        cats{name=\"a\\\"b\\\\c\\nd\",size=\"large\"} 1.5\ncats 2\n";
        assert_eq!(page.finish(), expected);
    }
}
