//! Lists come in pages: each says where the next one begins, in its body and in the header `Link`.

use std::fmt::Display;

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::error::{Problem, wrong};

/// Entries of a page where nobody says how many.
const USUAL: u16 = 50;
/// Entries of a page, at most.
const MOST: u16 = 1000;

/// Which page of a list whose entries have ids.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// What comes after this one.
    pub after: Option<Uuid>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    pub limit: Option<u16>,
}

/// How many entries the page is to have.
pub(super) fn limit(wanted: Option<u16>) -> Result<i64, Problem> {
    match wanted.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit.into()),
        limit => Err(wrong("limit", format!("limit is {limit}"), format!("allowed: 1 to {MOST}"))),
    }
}

/// After which entry the next page begins; none where this one is not full.
pub fn next<T, C>(page: &[T], limit: i64, cursor: impl FnOnce(&T) -> C) -> Option<C> {
    page.last().filter(|_| i64::try_from(page.len()) == Ok(limit)).map(cursor)
}

/// A page as the answer to a request for `uri`, with a link to the next one where there is one.
pub(super) fn answer(uri: &Uri, next: Option<&impl Display>, page: impl Serialize) -> Response {
    let mut response = Json(page).into_response();
    if let Some(link) = next.and_then(|next| HeaderValue::from_str(&link(uri, next)).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// The same request for what comes after `next`, an id or a name that needs no escaping.
fn link(uri: &Uri, next: &impl Display) -> String {
    let others =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let query: String = others.map(|pair| format!("{pair}&")).collect();
    format!("<{}?{query}after={next}>; rel=\"next\"", uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        for (uri, expected) in [
            ("/v1/cats", "</v1/cats?after=7>; rel=\"next\""),
            ("/v1/cats?limit=2&after=x&name=a%20b", "</v1/cats?limit=2&name=a%20b&after=7>; rel=\"next\""),
        ] {
            assert_eq!(link(&Uri::from_static(uri), &7), expected);
        }
        assert_eq!((next(&[1, 2], 2, |last| *last), next(&[1, 2], 3, |last| *last)), (Some(2), None));
        assert_eq!(next(&[], 1, |last: &i32| *last), None);
    }

    #[test]
    fn pages_have_bounds() {
        assert_eq!((limit(None).unwrap(), limit(Some(1000)).unwrap()), (50, 1000));
        assert!(limit(Some(0)).is_err() && limit(Some(1001)).is_err());
    }
}
