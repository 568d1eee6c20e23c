//! Unique keys: what keeps a second job from being enqueued, for how long, and what becomes of the one that asks.

use std::time::Duration;

use crate::model::failure::{Failure, Kind};

/// A unique key of a job. Keys of different kinds of jobs do not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// The key: 1 to 255 characters.
    pub key: String,
    /// When its job gives it back.
    pub scope: Scope,
    /// After so long it may be taken by another job, whatever became of this one.
    pub window: Option<Duration>,
    /// What becomes of a job that asks for it while another holds it.
    pub on_conflict: OnConflict,
    /// Digest of the request that the job stands for: another request with the same key is refused, of kind `conflict`.
    pub fingerprint: Option<String>,
}

impl Unique {
    /// A key with what most keys have: kept on success, for ever, and the job that holds it is kept as it is.
    pub fn key(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            scope: Scope::default(),
            window: None,
            on_conflict: OnConflict::default(),
            fingerprint: None,
        }
    }
}

/// When a job gives its key back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// When it is discarded or cancelled. Where it completed, the key stays taken: the work is done once and for all.
    #[default]
    Success,
    /// When it ends, however it does: of jobs that are not finished there is one at most.
    Open,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Success, Self::Open];

    /// The name in SQL, on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Open => "open",
        }
    }

    /// The scope with that name.
    pub fn from_name(name: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("`{name}` is no scope of a key")).hint("it is success or open")
        })
    }
}

/// What becomes of a job whose key another job holds. Its id is that one's in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// Nothing: the other job stays as it is.
    #[default]
    Keep,
    /// While the other job waits, its payload, priority and options become this one's; it keeps its time.
    Replace,
    /// As [`Self::Replace`], and its time becomes this one's, too: a debounce.
    Reschedule,
}

impl OnConflict {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Keep, Self::Replace, Self::Reschedule];

    /// The name in SQL, on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Replace => "replace",
            Self::Reschedule => "reschedule",
        }
    }

    /// The way with that name.
    pub fn from_name(name: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|way| way.name() == name).ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("`{name}` is no way to meet a key that is taken"))
                .hint("it is keep, replace or reschedule")
        })
    }
}
