//! Parts of lists: so many at a time, and where the next part is.

use std::fmt::Display;

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::Problem;
use crate::model::failure::{Failure, Kind};

/// What is listed where nobody says how much.
const USUAL: u16 = 50;
/// The most that is listed.
const MOST: u16 = 1000;

/// How many are wanted.
pub(super) fn limit(given: Option<u16>) -> Result<u16, Problem> {
    let limit = given.unwrap_or(USUAL);
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    let failure = Failure::new(Kind::Invalid, format!("limit is {limit}")).hint(format!("allowed: 1 to {MOST}"));
    Err(Problem::from(failure).of_field("limit"))
}

/// After which of the listed the next part begins: the last of a full one.
pub(super) fn next<T, C>(rows: &[T], limit: u16, cursor: impl FnOnce(&T) -> C) -> Option<C> {
    rows.last().filter(|_| rows.len() == usize::from(limit)).map(cursor)
}

/// A part of a list, with a link to the next one.
pub(super) fn page(uri: &Uri, next: Option<&impl Display>, body: impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    let link = next.and_then(|next| HeaderValue::from_str(&link(uri, &next.to_string())).ok());
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// The same request, for what comes after `next`, which needs no escaping.
fn link(uri: &Uri, next: &str) -> String {
    let kept =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let query: Vec<_> = kept.map(str::to_owned).chain([format!("after={next}")]).collect();
    format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_is_asked_for_as_this_one_was() {
        let of = |uri: &'static str| link(&Uri::from_static(uri), "7");
        assert_eq!(of("/v1/jobs"), "</v1/jobs?after=7>; rel=\"next\"");
        assert_eq!(
            of("/v1/jobs?after=3&state=parked&limit=2"),
            "</v1/jobs?state=parked&limit=2&after=7>; rel=\"next\""
        );
        assert_eq!(next(&[1, 2], 2, |last| *last), Some(2));
        assert_eq!(next(&[1, 2], 3, |last| *last), None);
        assert!(limit(Some(0)).is_err() && limit(Some(1001)).is_err() && limit(None).is_ok());
    }
}
