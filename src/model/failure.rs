//! The one error type: what was wrong, where, what to do about it, and of which kind it is.
//!
//! The kind decides everything that follows: the exit code of the command line, whether a job is tried again,
//! and the `error_class` that its attempt keeps. A failure can be serialised, for a child process to
//! send.

use std::time::Duration;
use std::{error, fmt};

use serde::{Deserialize, Serialize};

mod class;
mod sent;

pub use class::ErrorClass;

/// The result of anything that can fail in a way people should read about.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What sort of failure it was. Stable names: they stand in the database, in JSON and in the CLI reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The input is malformed: a URL, an option, a configuration key.
    Invalid,
    /// The input is well-formed but not allowed here: a forbidden host, a private address, a path outside the root.
    Refused,
    /// It does not exist, or is not ours to see.
    NotFound,
    /// The repository is reachable but cannot be worked on: empty, no default branch, damaged.
    Unusable,
    /// A configured limit was exceeded (bytes, objects, entries, depth, time).
    TooLarge,
    /// Credentials are missing or were not accepted.
    Unauthorized,
    /// Legally or permanently withheld by the host (HTTP 451, 410).
    Withheld,
    /// The other side asked us to come back later.
    Throttled,
    /// The other side is down, slow or cut the connection.
    Unavailable,
    /// The database cannot be reached or does not accept us.
    Database,
    /// The database's schema is older or newer than this program.
    Schema,
    /// This machine lacks something: a program, disk space, a free port, a permission.
    Environment,
    /// It collides with something that is there already.
    Conflict,
    /// A person or a shutdown stopped it.
    Cancelled,
    /// A fault in this program.
    Internal,
}

impl Kind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 15] = [
        Self::Invalid,
        Self::Refused,
        Self::NotFound,
        Self::Unusable,
        Self::TooLarge,
        Self::Unauthorized,
        Self::Withheld,
        Self::Throttled,
        Self::Unavailable,
        Self::Database,
        Self::Schema,
        Self::Environment,
        Self::Conflict,
        Self::Cancelled,
        Self::Internal,
    ];

    /// The stable name, as stored in `error_class` and printed in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::Unusable => "unusable",
            Self::TooLarge => "too_large",
            Self::Unauthorized => "unauthorized",
            Self::Withheld => "withheld",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Environment => "environment",
            Self::Conflict => "conflict",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// The kind with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it means, in a phrase for the table of exit codes.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Invalid => "the input is malformed: a URL, an option, a setting",
            Self::Refused => "not allowed here: a host, a private address, a path",
            Self::NotFound => "it does not exist, or is not ours to see",
            Self::Unusable => "the repository cannot be worked on: empty, damaged",
            Self::TooLarge => "a configured limit was exceeded",
            Self::Unauthorized => "credentials are missing or were not accepted",
            Self::Withheld => "the host withholds it for good",
            Self::Throttled => "the other side asks to come back later",
            Self::Unavailable => "the other side is down, slow or cut the connection",
            Self::Database => "the database cannot be reached or does not accept us",
            Self::Schema => "the database's schema is older or newer than this program",
            Self::Environment => "this machine lacks something: a program, space, a port",
            Self::Conflict => "it collides with something that is there already",
            Self::Cancelled => "a person or a shutdown stopped it",
            Self::Internal => "a fault in this program: please report it",
        }
    }

    /// Whether the same work may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Database | Self::Environment | Self::Internal)
    }

    /// The process exit code that a command ends with.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Invalid => 2,
            Self::Refused | Self::Unusable | Self::TooLarge | Self::Withheld => 3,
            Self::NotFound => 4,
            Self::Database => 5,
            Self::Schema => 6,
            Self::Environment | Self::Conflict => 7,
            Self::Unauthorized | Self::Throttled | Self::Unavailable => 8,
            Self::Cancelled => 130,
            Self::Internal => 70,
        }
    }
}

/// What was wrong, what to do about it, and what caused it.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    what: String,
    hint: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl Failure {
    /// A failure of `kind`; `what` is one sentence without a full stop that names the thing and the value.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: harmless(what.into()), hint: None, retry_after: None, source: None }
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(harmless(hint.into()));
        self
    }

    /// Adds the error that caused it.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds how long the other side asked us to wait before the next try.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Puts what was being done in front of the message: `reading the file: ...`.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.what = harmless(format!("{doing}: {}", self.what));
        self
    }

    /// Of which kind it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The message alone, without hint or causes.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// How long the other side asked us to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The messages of its causes, outermost first, without repetitions.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = error::Error::source(self);
        while let Some(cause) = next {
            let text = harmless(cause.to_string());
            if !self.what.contains(&text) && causes.last() != Some(&text) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

/// `text` without what would steer a terminal, turn letters around or, as NUL does, break every attempt to store it: a
/// message may quote what a stranger's host or repository said.
fn harmless(text: String) -> String {
    let is_harmful = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(is_harmful) { text.replace(is_harmful, "\u{fffd}") } else { text }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl error::Error for Failure {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn whatever_is_quoted_can_be_printed_and_stored() {
        let failure = Failure::new(Kind::Unusable, "says \0\u{1b}[2J\u{9b}1m")
            .hint("not\r\u{202e}this")
            .source("because\n\tof \u{7}")
            .context("while\u{8}");
        assert_eq!(failure.what(), "while\u{fffd}: says \u{fffd}\u{fffd}[2J\u{fffd}1m");
        assert_eq!(failure.hint_text(), Some("not\u{fffd}\u{fffd}this"));
        assert_eq!(failure.causes(), ["because\n\tof \u{fffd}"]);
    }
}
