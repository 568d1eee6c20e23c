//! Moments and durations.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};

use crate::model::amount::{duration, relative};

/// How long ago, or in how long; the very time beneath the pointer.
#[must_use]
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    html! { time datetime=(machine(at)) title=(exact(at)) { (relative(at, now)) } }
}

/// The very time.
#[must_use]
pub fn at(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(machine(at)) { (exact(at)) } }
}

/// `340 ms`, `2.4 s`; nothing where nobody knows.
#[must_use]
pub fn lasting(seconds: Option<f64>) -> String {
    let known = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    known.map_or_else(|| "–".to_owned(), duration)
}

fn machine(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn exact(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
