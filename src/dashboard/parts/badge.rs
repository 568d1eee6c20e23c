//! States and verdicts, in words and with a mark: colour alone tells nothing to many.

use maud::{Markup, html};

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// To be looked at.
    Warn,
    /// As it should not be.
    Bad,
    /// Under way.
    Busy,
    /// Neither good nor bad.
    Plain,
}

impl Tone {
    /// The class that colours it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Busy => "busy",
            Self::Plain => "plain",
        }
    }

    /// The mark that tells it without colour.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Warn => "!",
            Self::Bad => "✕",
            Self::Busy => "●",
            Self::Plain => "○",
        }
    }

    /// How a job's state stands, an attempt's outcome, a step's or a backup's verdict.
    #[must_use]
    pub fn of_state(state: &str) -> Self {
        match state {
            "completed" | "done" | "verified" | "ok" | "works" | "delivered" | "active" => Self::Good,
            "running" => Self::Busy,
            "discarded" | "failed" | "worker_lost" | "lapsed" | "revoked" => Self::Bad,
            "parked" | "cancelled" | "degraded" | "unverifiable" | "paused" | "held" | "expired" | "disabled" => {
                Self::Warn
            }
            _ => Self::Plain,
        }
    }
}

/// Some words with a mark.
#[must_use]
pub fn badge(tone: Tone, words: &str) -> Markup {
    html! { span.badge.(tone.class()) { span aria-hidden="true" { (tone.mark()) } " " (words) } }
}

/// A state by its stable name.
#[must_use]
pub fn state(name: &str) -> Markup {
    badge(Tone::of_state(name), &name.replace('_', " "))
}
