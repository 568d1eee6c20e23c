//! What a host's answer, or its silence, means.

use std::error::Error;
use std::io;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::address::Forbidden;
use crate::model::failure::{Failure, Kind};
use crate::model::repository::RepositoryUrl;

/// Longest wait that we let a host impose on us.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The failure that an unsuccessful status stands for.
pub(super) fn of_status(
    status: StatusCode,
    headers: &HeaderMap,
    url: &RepositoryUrl,
    with_token: bool,
    now: DateTime<Utc>,
) -> Failure {
    let (name, host) = (url.canonical(), &url.host);
    let new = |kind, what: String| Failure::new(kind, format!("{what} (HTTP {})", status.as_u16()));
    let wait = asked_to_wait(headers, now);
    match status.as_u16() {
        429 => throttled(new(Kind::Throttled, format!("{host} asks us to come back later")), wait),
        403 if wait.is_some() => throttled(new(Kind::Throttled, format!("{host} asks us to come back later")), wait),
        503 if wait.is_some() => throttled(new(Kind::Unavailable, format!("{host} is not available")), wait),
        401 | 403 if with_token => new(Kind::Unauthorized, format!("{host} does not accept our token for {name}"))
            .hint("check that the token in fetch.token_file is valid and may read this repository"),
        401 | 404 => new(Kind::NotFound, format!("{name} does not exist or is private"))
            .hint("check the spelling; for a private repository name a token in fetch.token_file"),
        403 => new(Kind::Unauthorized, format!("{host} forbids reading {name}"))
            .hint("a token in fetch.token_file may help"),
        410 | 451 => new(Kind::Withheld, format!("{host} withholds {name}, permanently or for legal reasons")),
        408 | 500.. => new(Kind::Unavailable, format!("{host} is not available")),
        _ => new(Kind::Unusable, format!("{host} answers unexpectedly about {name}"))
            .hint("is it a Git repository, served over smart HTTP?"),
    }
}

fn throttled(failure: Failure, wait: Option<Duration>) -> Failure {
    match wait {
        Some(wait) => failure.after(wait),
        None => failure,
    }
}

/// How long the host asks us to wait: `Retry-After` (seconds or a date), else `x-ratelimit-reset` (Unix seconds).
fn asked_to_wait(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
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

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], with_token: bool) -> (Kind, Option<u64>) {
        let url = RepositoryUrl {
            host: "github.com".to_owned(),
            port: None,
            owner: "o".to_owned(),
            name: "r".to_owned(),
            reference: None,
        };
        let headers =
            headers.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)));
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let status = StatusCode::from_u16(status).expect("a status");
        let failure = of_status(status, &headers.collect(), &url, with_token, now);
        (failure.kind(), failure.retry_after().map(|wait| wait.as_secs()))
    }

    #[test]
    fn statuses_mean_what_they_say() {
        for (status, headers, with_token, expected) in [
            (401, &[][..], false, (Kind::NotFound, None)),
            (404, &[], false, (Kind::NotFound, None)),
            (404, &[], true, (Kind::NotFound, None)),
            (401, &[], true, (Kind::Unauthorized, None)),
            (403, &[], true, (Kind::Unauthorized, None)),
            (403, &[], false, (Kind::Unauthorized, None)),
            (403, &[("retry-after", "7")], false, (Kind::Throttled, Some(7))),
            (403, &[("x-ratelimit-reset", "1700000060")], false, (Kind::Throttled, Some(60))),
            (429, &[("retry-after", "7"), ("x-ratelimit-reset", "1700000060")], false, (Kind::Throttled, Some(7))),
            (429, &[("retry-after", "Tue, 14 Nov 2023 22:14:20 GMT")], false, (Kind::Throttled, Some(60))),
            (429, &[("retry-after", "99999999999")], false, (Kind::Throttled, Some(86400))),
            (429, &[("x-ratelimit-reset", "1")], false, (Kind::Throttled, Some(0))),
            (429, &[("retry-after", "soon")], false, (Kind::Throttled, None)),
            (429, &[], false, (Kind::Throttled, None)),
            (451, &[], false, (Kind::Withheld, None)),
            (410, &[], false, (Kind::Withheld, None)),
            (500, &[], false, (Kind::Unavailable, None)),
            (503, &[("retry-after", "7")], false, (Kind::Unavailable, Some(7))),
            (418, &[], false, (Kind::Unusable, None)),
        ] {
            assert_eq!(answer(status, headers, with_token), expected, "{status} {headers:?} {with_token}");
        }
    }
}
