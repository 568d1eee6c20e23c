//! Schedules: what jobs they make, when, and what becomes of slots that were missed.

pub mod cron;
pub mod due;
mod patch;
pub mod timing;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use self::patch::Patch;
use self::timing::Timing;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::JobKind;

/// Longest jitter: a day.
const LONGEST_JITTER: u32 = 86_400;

/// Longest prefix of a unique key; the slot's time comes after it.
const LONGEST_PREFIX: usize = 200;

/// What a schedule does, as it is declared in configuration and kept in the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a table such as [schedules.nightly]")]
#[schema(as = ScheduleSpec)]
pub struct Spec {
    /// Five fields of cron, `@daily` and the like, or `@every 90s`.
    pub cron: String,
    /// IANA name of the time zone that the expression is read in.
    #[serde(default = "utc")]
    pub zone: String,
    /// What sort of jobs it makes.
    #[serde(default = "generation")]
    pub kind: String,
    /// What they are to do, by kind.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: Map<String, Value>,
    /// From -100 to 100; the higher goes first.
    #[serde(default)]
    #[schema(minimum = -100, maximum = 100)]
    pub priority: i16,
    /// Attempts before a job is discarded; the worker's setting where it is absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<u16>,
    /// What the unique key of a slot's job begins with; the slot's time follows. Absent: the jobs have no key.
    #[serde(default)]
    pub key_prefix: Option<String>,
    /// What becomes of slots that came while no scheduler ran.
    #[serde(default)]
    pub missed: Missed,
    /// How many of them run with [`Missed::All`], the latest.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 100)]
    pub missed_limit: u16,
    /// What becomes of a slot that comes while the job of an earlier one is not finished.
    #[serde(default)]
    pub overlap: Overlap,
    /// A slot fires up to so many seconds late, always the same for one slot, and before the next one.
    #[serde(default)]
    #[schema(maximum = 86400)]
    pub jitter_seconds: u32,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn generation() -> String {
    "generation".to_owned()
}

const fn ten() -> u16 {
    10
}

/// A word of the database, of JSON and of the command line for each variant.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident as $schema:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = $schema)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every variant.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What the word stands for.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|this| this.name() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

words! {
    /// What becomes of slots that came while no scheduler ran.
    Missed as MissedSlots {
        /// None of them runs.
        Skip = "skip",
        /// One job runs for all of them.
        #[default]
        Once = "once",
        /// Each runs, up to a limit.
        All = "all",
    }
}

words! {
    /// What becomes of a slot that comes while the job of an earlier one is not finished.
    Overlap as OverlapPolicy {
        /// It is skipped.
        #[default]
        Skip = "skip",
        /// Its job waits like any other.
        Queue = "queue",
    }
}

words! {
    /// Whether a schedule fires.
    State as ScheduleState {
        /// It does.
        #[default]
        Active = "active",
        /// A person stopped it.
        Paused = "paused",
        /// Its declaration was taken out of the configuration.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What became of a slot.
    SlotOutcome as SlotOutcome {
        /// Its job was enqueued.
        #[default]
        Enqueued = "enqueued",
        /// The job of an earlier slot was not finished.
        Skipped = "skipped",
        /// No scheduler ran when it was due.
        Missed = "missed",
        /// Its job could not be enqueued.
        Failed = "failed",
    }
}

impl Spec {
    /// Reads what stands in the configuration. Fails (`Invalid`) on unknown keys and values of wrong types; what the
    /// values say is [`Spec::check`]'s.
    pub fn from_value(value: &Value) -> Result<Self> {
        serde_json::from_value(value.clone()).map_err(|cause| {
            Failure::new(Kind::Invalid, cause.to_string()).hint(
                "a schedule has at least `cron = \"30 2 * * *\"` and `payload = { github_url = \"https://...\" }`",
            )
        })
    }

    /// When it is due. Fails (`Invalid`) on whatever is not allowed, with an example of what is. Whether the job can be
    /// made is not looked at here.
    pub fn check(&self) -> Result<Timing> {
        let refused = |what: String, hint: &str| Err(Failure::new(Kind::Invalid, what).hint(hint));
        let timing = Timing::parse(&self.cron, &self.zone)?;
        self.job_kind()?;
        if !(-100..=100).contains(&self.priority) {
            return refused(format!("priority {} is out of range", self.priority), "priorities go from -100 to 100");
        }
        if let Some(attempts) = self.max_attempts.filter(|attempts| !(1..=100).contains(attempts)) {
            return refused(format!("max_attempts {attempts} is out of range"), "it goes from 1 to 100");
        }
        if !(1..=100).contains(&self.missed_limit) {
            return refused(format!("missed_limit {} is out of range", self.missed_limit), "it goes from 1 to 100");
        }
        if self.missed == Missed::All && self.overlap == Overlap::Skip {
            return refused(
                "missed = \"all\" does not go with overlap = \"skip\": all but the first would be skipped".to_owned(),
                "set overlap to queue, or missed to once",
            );
        }
        if self.jitter_seconds > LONGEST_JITTER {
            return refused(
                format!("jitter_seconds {} is out of range", self.jitter_seconds),
                "it goes from 0 to 86400",
            );
        }
        if let Some(prefix) = &self.key_prefix
            && (!(1..=LONGEST_PREFIX).contains(&prefix.chars().count()) || prefix.chars().any(char::is_control))
        {
            return refused(
                "the key_prefix has no allowed form".to_owned(),
                "1 to 200 characters, no control characters",
            );
        }
        Ok(timing)
    }

    /// What its jobs are about, in a few words: the kind, and what the payload says.
    #[must_use]
    pub fn subject(&self) -> String {
        let words = self.payload.values().filter_map(Value::as_str);
        std::iter::once(self.kind.as_str()).chain(words).collect::<Vec<_>>().join(" ")
    }

    /// What sort of jobs it makes. Fails (`Invalid`) where this program knows none of that name.
    pub fn job_kind(&self) -> Result<JobKind> {
        JobKind::called(&self.kind)
    }
}

/// Refuses a name that could not be typed and read everywhere.
pub fn check_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&name.len()) && name.chars().all(is_plain) && !name.starts_with(['-', '.']) {
        return Ok(());
    }
    Err(Failure::new(Kind::Invalid, format!("`{name}` is no name for a schedule"))
        .hint("1 to 64 of a-z, 0-9, `-`, `_` and `.`, not beginning with `-` or `.`, as in nightly-cat"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(value: &Value) -> String {
        let failure = Spec::from_value(value).and_then(|spec| spec.check()).unwrap_err();
        format!("{failure}\n  {}", failure.hint_text().unwrap())
    }

    #[test]
    fn an_expression_is_enough() {
        let spec = Spec::from_value(&json!({"cron": "@daily"})).unwrap();
        spec.check().unwrap();
        assert_eq!((spec.zone.as_str(), spec.kind.as_str()), ("UTC", "generation"));
        assert_eq!((spec.missed, spec.overlap, spec.jitter_seconds), (Missed::Once, Overlap::Skip, 0));
        assert_eq!(Spec::from_value(&serde_json::to_value(&spec).unwrap()).unwrap(), spec);
    }

    #[test]
    fn what_is_not_allowed_is_refused() {
        let refused: Vec<_> = [
            json!(4),
            json!({}),
            json!({"cron": "@daily", "crn": 1}),
            json!({"cron": "@daily", "missed": "never"}),
            json!({"cron": "@daily", "payload": "https://github.com/owner/name"}),
            json!({"cron": "0 25 * * *"}),
            json!({"cron": "@daily", "zone": "Europe/Berlinn"}),
            json!({"cron": "@daily", "kind": "nap"}),
            json!({"cron": "@daily", "priority": 101}),
            json!({"cron": "@daily", "max_attempts": 0}),
            json!({"cron": "@daily", "missed": "all"}),
            json!({"cron": "@daily", "missed": "all", "overlap": "queue", "missed_limit": 101}),
            json!({"cron": "@daily", "jitter_seconds": 86_401}),
            json!({"cron": "@daily", "key_prefix": ""}),
        ]
        .iter()
        .map(|value| format!("{value}\n-> {}", refusal(value)))
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
        for name in ["", "-x", ".x", "Nightly", "a b", "ü", &"x".repeat(65)] {
            assert_eq!(check_name(name).unwrap_err().kind(), Kind::Invalid, "{name}");
        }
        check_name("nightly-cat_2.0").unwrap();
    }

    #[test]
    fn every_word_is_read_back() {
        assert!(Missed::ALL.iter().all(|word| Missed::from_name(word.name()) == Some(*word)));
        assert!(State::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.name()));
        assert!(SlotOutcome::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.name()));
    }
}
