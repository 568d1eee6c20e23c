//! What the answer of somebody else's server, or its silence, means.

use std::error::Error;
use std::io;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::address::Forbidden;
use crate::model::failure::{Failure, Kind};

/// Longest wait that we let a host impose on us.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// How long the host asks us to wait: `Retry-After` (seconds or a date), else `x-ratelimit-reset` (Unix seconds).
pub(super) fn asked_to_wait(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until = |at: DateTime<Utc>| (at - now).to_std().unwrap_or_default();
    let wait = if let Some(after) = text(RETRY_AFTER.as_str()) {
        let seconds = after.parse().map(Duration::from_secs).ok();
        seconds.or_else(|| DateTime::parse_from_rfc2822(after).ok().map(|at| until(at.to_utc())))
    } else {
        text("x-ratelimit-reset").and_then(|at| DateTime::from_timestamp(at.parse().ok()?, 0)).map(until)
    };
    wait.map(|wait| wait.min(LONGEST_WAIT))
}

/// The failure that an unanswered request stands for.
pub(super) fn of_error(error: reqwest::Error, host: &str) -> Failure {
    // The URL adds nothing to the message, and what is not there cannot leak.
    let error = error.without_url();
    let causes = causes(&error);
    if let Some(forbidden) = causes.iter().find_map(|cause| cause.downcast_ref::<Forbidden>()) {
        return Failure::new(Kind::Refused, forbidden.to_string())
            .hint("the operator may name host:port in fetch.private_hosts");
    }
    if let Some(rustls::Error::InvalidCertificate(reason)) = causes.iter().find_map(|cause| cause.downcast_ref()) {
        return Failure::new(Kind::Refused, format!("the certificate of {host} is not accepted: {reason}"))
            .hint("an authority of your own is named with fetch.ca_file");
    }
    if error.is_timeout() {
        return Failure::new(Kind::Unavailable, format!("{host} did not answer in time")).source(error);
    }
    if error.is_connect() {
        return Failure::new(Kind::Unavailable, format!("{host} cannot be reached"))
            .hint("is this machine online, and the host's name right?")
            .source(error);
    }
    Failure::new(Kind::Unavailable, format!("{host} cut the connection")).source(error)
}

/// An error and all its causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error)).collect()
}

/// The direct cause; an [`io::Error`] hides the one that it wraps from `source()`.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
