//! The steps of jobs and how far they are.

use serde::{Deserialize, Serialize};

use crate::model::job::JobKind;

/// A step of a job, in the order in which they run. A new step of a generation is one variant here and one file in
/// `generation/steps/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Get the repository's objects at one commit.
    Fetch,
    /// Measure and score the code.
    Analyse,
    /// Decide what the cat is like.
    Attributes,
    /// Write the story and the meme lines.
    Texts,
    /// Write the prompt for an image service.
    Prompt,
    /// Paint the cat.
    Paint,
    /// Draw the meme lines on it.
    Caption,
    /// Put both pictures into the store.
    Store,
    /// See whether a backup can be made.
    Preflight,
    /// Bring a database into the store.
    Dump,
    /// Restore a backup elsewhere and compare.
    Restore,
    /// Write down what was made or found.
    Record,
    /// Remove backups that are kept no longer.
    Prune,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 13] = [
        Self::Fetch,
        Self::Analyse,
        Self::Attributes,
        Self::Texts,
        Self::Prompt,
        Self::Paint,
        Self::Caption,
        Self::Store,
        Self::Preflight,
        Self::Dump,
        Self::Restore,
        Self::Record,
        Self::Prune,
    ];

    /// The steps of a job of that kind, in order.
    #[must_use]
    pub fn of(kind: JobKind) -> &'static [Self] {
        match kind {
            JobKind::Generation => &Self::ALL[..8],
            JobKind::Backup => &[Self::Preflight, Self::Dump, Self::Record],
            JobKind::Drill => &[Self::Restore, Self::Record, Self::Prune],
            JobKind::Webhook | JobKind::Probe => &[],
        }
    }

    /// The name in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Analyse => "analyse",
            Self::Attributes => "attributes",
            Self::Texts => "texts",
            Self::Prompt => "prompt",
            Self::Paint => "paint",
            Self::Caption => "caption",
            Self::Store => "store",
            Self::Preflight => "preflight",
            Self::Dump => "dump",
            Self::Restore => "restore",
            Self::Record => "record",
            Self::Prune => "prune",
        }
    }

    /// The share of a job of that kind that is done, 0 to 1: `begun` are its steps that have begun, whether each is done,
    /// and else which share of it.
    #[must_use]
    pub fn share_done(kind: JobKind, begun: impl IntoIterator<Item = (bool, Option<f64>)>) -> f64 {
        let share =
            |(done, fraction): (bool, Option<f64>)| if done { 1.0 } else { fraction.unwrap_or(0.0).clamp(0.0, 1.0) };
        let done: f64 = begun.into_iter().map(share).sum();
        (done / Self::of(kind).len().max(1) as f64).min(1.0)
    }

    /// The step with that name, if this program knows it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// How far a running step is; kept beside the job, read by `--wait`, `demo` and the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The step that runs.
    pub step: Step,
    /// Share of that step that is done, 0 to 1; null where it cannot be known.
    pub fraction: Option<f64>,
    /// A few words for people: `1,204 of 8,000 files`.
    pub detail: Option<String>,
}

/// Receives how far a step is. Called often and from several threads: it must be cheap.
pub trait Report: Send + Sync {
    /// `done` of `total` units (0: unknown) and a few words such as `1,204 of 8,000 files`.
    fn report(&self, done: u64, total: u64, detail: &str);

    /// Whether the step should stop now (cancelled, lease lost, shutting down). Slow code asks at least 5 times a
    /// second and returns a failure of kind `Cancelled`.
    fn should_stop(&self) -> bool;
}

/// A report that nobody reads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Report for Silent {
    fn report(&self, _: u64, _: u64, _: &str) {}

    fn should_stop(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_one_of_a_kind_and_they_stand_in_order() {
        for kind in JobKind::ALL {
            assert!(Step::of(kind).is_sorted(), "{kind:?}");
        }
        for step in Step::ALL {
            assert!(JobKind::ALL.into_iter().any(|kind| Step::of(kind).contains(&step)), "{step:?}");
            assert_eq!(Step::from_name(step.name()), Some(step));
        }
        assert_eq!(Step::of(JobKind::Generation).last(), Some(&Step::Store));
    }
}
