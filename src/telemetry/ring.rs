//! The newest lines of a log, within bounds.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most lines that are kept.
pub const MOST_LINES: usize = 200;

/// Most bytes that are kept: of targets and messages together.
pub const MOST_BYTES: usize = 64 * 1024;

/// Longest message, in characters.
pub const LONGEST_MESSAGE: usize = 1000;

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// When it was written, by the clock of the worker's host.
    pub at: DateTime<Utc>,
    /// `ERROR`, `WARN`, `INFO`, ...
    pub level: String,
    /// The module that wrote it.
    pub target: String,
    /// What it says, with its fields; secrets masked.
    pub message: String,
}

impl LogLine {
    fn bytes(&self) -> usize {
        self.target.len() + self.message.len()
    }
}

/// The newest lines, and how many older ones were dropped.
#[derive(Debug, Default)]
pub(super) struct Ring {
    lines: VecDeque<LogLine>,
    bytes: usize,
    dropped: u32,
}

impl Ring {
    /// Adds a line; what no longer fits goes, the oldest first. A line on its own always fits.
    pub fn push(&mut self, mut line: LogLine) {
        shorten(&mut line.message);
        shorten(&mut line.target);
        self.bytes += line.bytes();
        self.lines.push_back(line);
        while self.lines.len() > MOST_LINES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// The lines in order, and how many are missing before them.
    pub fn into_parts(self) -> (Vec<LogLine>, u32) {
        (self.lines.into(), self.dropped)
    }
}

/// Cuts what is too long; an ellipsis takes the place of the last character.
fn shorten(text: &mut String) {
    if text.len() > LONGEST_MESSAGE
        && let Some((end, _)) = text.char_indices().nth(LONGEST_MESSAGE - 1)
        && text[end..].chars().nth(1).is_some()
    {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(message: &str) -> LogLine {
        LogLine { at: DateTime::UNIX_EPOCH, level: "INFO".into(), target: "cat".into(), message: message.into() }
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let cut = |count: usize| {
            let mut text = "猫".repeat(count);
            shorten(&mut text);
            text
        };
        assert_eq!(cut(LONGEST_MESSAGE), "猫".repeat(LONGEST_MESSAGE));
        let shortened = cut(LONGEST_MESSAGE + 1);
        assert_eq!(shortened.chars().count(), LONGEST_MESSAGE);
        assert!(shortened.ends_with("猫…"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_newest_that_fit_are_kept(sizes in prop::collection::vec(prop_oneof![0_usize..40, 0_usize..1500], 0..500)) {
            let mut ring = Ring::default();
            let mut all = Vec::new();
            for (number, size) in sizes.iter().enumerate() {
                let mut line = line(&format!("{number:03}{}", "x".repeat(*size)));
                ring.push(line.clone());
                shorten(&mut line.message);
                all.push(line);
            }
            let (kept, dropped) = ring.into_parts();
            let dropped = dropped as usize;
            prop_assert_eq!(&kept[..], &all[dropped..]);
            let bytes: usize = kept.iter().map(LogLine::bytes).sum();
            prop_assert!(kept.len() <= MOST_LINES && bytes <= MOST_BYTES);
            // No more was dropped than had to be.
            if let Some(last_dropped) = dropped.checked_sub(1).map(|index| &all[index]) {
                prop_assert!(kept.len() == MOST_LINES || bytes + last_dropped.bytes() > MOST_BYTES);
            }
        }
    }
}
