//! Jobs: their kinds, states and the transitions between them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::failure::{Failure, Kind};
use crate::model::unique::Unique;

/// What sort of work a job is. A new kind is one variant here and one handler in `worker.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// A repository in, a cat out.
    Generation,
    /// A database in, a backup in the store out.
    Backup,
    /// A backup in, whether it restores out.
    Drill,
    /// An event in, a receiver told out.
    Webhook,
    /// Nothing but a wait: tells whether a queue works and how fast.
    Probe,
}

impl JobKind {
    /// Every kind that this program can run.
    pub const ALL: [Self; 5] = [Self::Generation, Self::Backup, Self::Drill, Self::Webhook, Self::Probe];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::Backup => "backup",
            Self::Drill => "drill",
            Self::Webhook => "webhook",
            Self::Probe => "probe",
        }
    }

    /// The kind with that name, if this program knows it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind that people mean by a name. Fails (`Invalid`) where this program knows none.
    pub fn called(name: &str) -> Result<Self, Failure> {
        Self::from_name(name).ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("there are no jobs of kind `{name}`"))
                .hint(format!("the kinds are {}", Self::ALL.map(Self::name).join(", ")))
        })
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its time.
    Scheduled,
    /// Waits for a worker.
    Available,
    /// Held by a worker.
    Running,
    /// Waits on purpose, for a person or a condition.
    Parked,
    /// Done, its result persisted.
    Completed,
    /// Given up: the dead letter.
    Discarded,
    /// Stopped by a person.
    Cancelled,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Available,
        Self::Running,
        Self::Parked,
        Self::Completed,
        Self::Discarded,
        Self::Cancelled,
    ];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Available => "available",
            Self::Running => "running",
            Self::Parked => "parked",
            Self::Completed => "completed",
            Self::Discarded => "discarded",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with that name.
    pub fn from_name(name: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|state| state.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|state| state.name()).collect();
            Failure::new(Kind::Invalid, format!("`{name}` is no job state"))
                .hint(format!("the states are {}", names.join(", ")))
        })
    }

    /// Whether the job has come to its end.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Discarded | Self::Cancelled)
    }

    /// Whether a job may go from this state to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use JobState::{Available, Cancelled, Completed, Discarded, Parked, Running, Scheduled};
        match self {
            Scheduled => matches!(next, Available | Cancelled | Discarded | Parked),
            Available => matches!(next, Running | Cancelled | Discarded | Parked),
            Running => matches!(next, Completed | Discarded | Cancelled | Scheduled | Available | Parked),
            Parked => matches!(next, Available | Scheduled | Cancelled | Discarded),
            // Reopened by a person, under the same id.
            Discarded | Cancelled => matches!(next, Available),
            Completed => false,
        }
    }
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What a generation job is to do; the payload of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationRequest {
    /// Canonical URL of the repository, `https://...` or `file://...`.
    pub github_url: String,
    /// Branch, tag or commit; the default branch where it is absent.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Who is told how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
}

/// A job to be enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What sort of work.
    pub kind: JobKind,
    /// What to do.
    pub payload: serde_json::Value,
    /// From -100 to 100; a point is worth 6 seconds of waiting.
    pub priority: i16,
    /// When it may start.
    pub start: Start,
    /// Keeps a second job of its kind from being enqueued; the first one's id is returned instead.
    pub unique: Option<Unique>,
    /// Attempts before it is discarded.
    pub max_attempts: u16,
    /// How long one attempt may take, in seconds; as the worker is set where it is absent.
    pub timeout_seconds: Option<i32>,
    /// Not to be started after this time: it is discarded then.
    pub deadline: Option<DateTime<Utc>>,
    /// What limits go by within its kind, such as the host that it asks.
    pub limit_key: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Who asks for it.
    pub user_id: Option<Uuid>,
    /// The trace of who asks, as W3C Trace Context writes it.
    pub traceparent: Option<String>,
    /// The finished job that it does again.
    pub rerun_of: Option<Uuid>,
}

/// When a job may start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Start {
    /// At once.
    #[default]
    Now,
    /// Not before this time.
    At(DateTime<Utc>),
    /// After a wait, counted by the database's clock.
    After(Duration),
}

impl NewJob {
    /// A job with the options that most jobs have.
    #[must_use]
    pub fn new(kind: JobKind, payload: serde_json::Value) -> Self {
        Self {
            kind,
            payload,
            priority: 0,
            start: Start::Now,
            unique: None,
            max_attempts: 5,
            timeout_seconds: None,
            deadline: None,
            limit_key: None,
            tags: Vec::new(),
            user_id: None,
            traceparent: None,
            rerun_of: None,
        }
    }
}

/// The answer to an enqueue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Enqueued {
    /// Id of the job, and of the generation that it will become.
    pub id: Uuid,
    /// False where a job with the same unique key was there already: the id is that one's.
    pub is_new: bool,
}

/// A job as its worker holds it. `worker_id` and `claim` are the fence that every write for it is checked against.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// Identity.
    pub id: Uuid,
    /// What sort of work; as in the database, since a newer program may have enqueued it.
    pub kind: String,
    /// What to do.
    pub payload: serde_json::Value,
    /// Who asked for it.
    pub user_id: Option<Uuid>,
    /// The lease under which it is held.
    pub worker_id: Uuid,
    /// How often it was claimed, this time included.
    pub claim: i32,
    /// Attempts that ran and failed before this one.
    pub attempts: i16,
    /// Attempts before it is discarded.
    pub max_attempts: i16,
    /// How long one attempt may take, in seconds; as the worker is set where it is absent.
    pub timeout_seconds: Option<i32>,
    /// The trace of who enqueued it.
    pub traceparent: Option<String>,
    /// When it was due: its wait counts from here.
    pub run_at: DateTime<Utc>,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
}

impl ClaimedJob {
    /// Whether no attempt follows one that ends with this failure.
    #[must_use]
    pub const fn ends_with(&self, failure: &Failure) -> bool {
        self.attempts + 1 >= self.max_attempts || !failure.kind().is_retryable()
    }
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Outcome {
    /// Done; the row to persist in the completing transaction, where its kind has one.
    Completed(Option<Box<crate::model::generation::GenerationResult>>),
    /// Failed; the failure's kind decides whether to try again, and it may say when.
    Failed(Failure),
    /// Given up for good, whatever attempts are left.
    Discarded(Failure),
    /// To be run again after the wait, no attempt spent; the text says why.
    Snoozed(Duration, String),
    /// Put aside until a person or a condition takes it up again; the text says why.
    Parked(String),
    /// No longer wanted; the text says why.
    Cancelled(String),
    /// Given back untouched, no attempt spent: the worker is stopping, or could not vouch for its lease.
    HandedBack,
}

/// How long to wait before attempts after failed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Upper bound of the wait after the first failure.
    pub base: Duration,
    /// Upper bound of any wait.
    pub max: Duration,
}

impl Backoff {
    /// The wait after `failures` failed attempts (from 1): exponential with full jitter, `chance` in `[0, 1)`.
    /// A wait that the other side asked for is a lower bound, to which the jitter is added.
    #[must_use]
    pub fn wait(self, failures: u32, asked_for: Option<Duration>, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let bound = self.base.saturating_mul(1 << doublings).min(self.max);
        let jitter = bound.mul_f64(chance.clamp(0.0, 1.0));
        asked_for.map_or(jitter, |floor| floor.saturating_add(jitter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn completed_is_for_ever_and_the_other_ends_can_be_reopened() {
        for next in JobState::ALL {
            assert!(!JobState::Completed.may_become(next));
            for end in [JobState::Discarded, JobState::Cancelled] {
                assert_eq!(end.may_become(next), next == JobState::Available);
            }
        }
    }

    #[test]
    fn every_state_can_be_reached_and_read_back() {
        for state in JobState::ALL {
            assert_eq!(JobState::from_name(state.name()).unwrap(), state);
            let reachable = state == JobState::Available || JobState::ALL.iter().any(|from| from.may_become(state));
            assert!(reachable, "{state} cannot be reached");
        }
    }

    proptest! {
        #[test]
        fn a_wait_stays_within_its_bounds(failures in 0_u32..1000, base in 1_u64..100, max in 100_u64..10_000, chance in 0.0..1.0_f64, asked in proptest::option::of(0_u64..100_000)) {
            let backoff = Backoff { base: Duration::from_secs(base), max: Duration::from_secs(max) };
            let asked = asked.map(Duration::from_secs);
            let wait = backoff.wait(failures, asked, chance);
            let floor = asked.unwrap_or_default();
            prop_assert!(wait >= floor);
            prop_assert!(wait <= floor + backoff.max);
        }
    }
}
