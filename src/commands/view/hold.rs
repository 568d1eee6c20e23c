//! The line that says that the queue waits for a person.

use super::amount::counted;
use super::look::Look;
use super::text::safe;
use crate::db::hold::Hold;

/// A line above what else is told, and an empty one; nothing where nothing is held.
#[must_use]
pub fn banner(held: Option<&Hold>, look: &Look) -> String {
    held.map(|held| format!("{}\n\n", look.fair(&safe(&sentence(held))))).unwrap_or_default()
}

/// What is held, why, and what to type.
#[must_use]
pub fn sentence(held: &Hold) -> String {
    format!(
        "Held since {}: {}. {} parked, no schedule fires, nothing is swept. Say go with: repo-to-cat backup release",
        held.since.format("%Y-%m-%d %H:%M:%S UTC"),
        held.because,
        counted(held.jobs.unsigned_abs(), "job is", "jobs are"),
    )
}
