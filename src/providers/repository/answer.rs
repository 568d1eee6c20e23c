//! What a host's answer about a repository means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::model::failure::{Failure, Kind};
use crate::model::repository::RepositoryUrl;
use crate::providers::answer::asked_to_wait;

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
