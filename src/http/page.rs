//! Lists come in pages: each says where the next one begins, in its body and in the header `Link`.

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::error::Problem;
use crate::model::failure::{Failure, Kind};
use crate::model::when::When;

/// Entries of a page where nobody says how many.
const USUAL: u16 = 50;
/// Entries of a page, at most.
const MOST: u16 = 1000;

/// How many entries the page is to have.
pub fn limit(wanted: Option<u16>) -> Result<i64, Problem> {
    match wanted.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit.into()),
        limit => Err(wrong("limit", format!("limit is {limit}"), format!("allowed: 1 to {MOST}"))),
    }
}

/// After which entry the next page begins; none where this one is not full.
pub fn next<T>(page: &[T], limit: i64, id: impl Fn(&T) -> Uuid) -> Option<Uuid> {
    page.last().filter(|_| i64::try_from(page.len()) == Ok(limit)).map(id)
}

/// A page as the answer to a request for `uri`, with a link to the next one where there is one.
pub fn answer(uri: &Uri, next: Option<Uuid>, page: impl Serialize) -> Response {
    let mut response = Json(page).into_response();
    if let Some(link) = next.and_then(|next| HeaderValue::from_str(&link(uri, next)).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn link(uri: &Uri, next: Uuid) -> String {
    let others =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let query: String = others.map(|pair| format!("{pair}&")).collect();
    format!("<{}?{query}after={next}>; rel=\"next\"", uri.path())
}

/// A text that can be looked for: the database has none with a NUL.
pub fn text(field: &'static str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.contains('\0') => {
            Err(wrong(field, format!("{field} holds a NUL"), "no text in the database does".to_owned()))
        }
        text => Ok(text),
    }
}

/// A moment, or an age counted back from now.
pub fn moment(field: &'static str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let hint = "write RFC 3339 as in 2027-01-31T09:00:00Z, or an age as in 90s, 10m, 2h, 1d12h";
    let moment = text.parse::<When>().ok().and_then(|when| match when {
        When::At(time) => Some(time),
        When::In(age) => Utc::now().checked_sub_signed(age),
    });
    let moment = moment.filter(|time| (1..=9999).contains(&time.year()));
    moment.map(Some).ok_or_else(|| wrong(field, format!("{field} is no time"), hint.to_owned()))
}

/// Something is wrong with a part of a request.
pub fn wrong(field: &'static str, what: String, hint: String) -> Problem {
    Problem::from(Failure::new(Kind::Invalid, what).hint(hint)).of_field(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        let id = Uuid::nil();
        for (uri, expected) in [
            ("/v1/cats", "</v1/cats?after=ID>; rel=\"next\""),
            ("/v1/cats?limit=2&after=x&name=a%20b", "</v1/cats?limit=2&name=a%20b&after=ID>; rel=\"next\""),
        ] {
            assert_eq!(link(&uri.parse().unwrap(), id), expected.replace("ID", &id.to_string()));
        }
        assert_eq!(next(&[id], 1, |id| *id), Some(id));
        assert_eq!((next(&[id], 2, |id| *id), next(&[], 1, |id: &Uuid| *id)), (None, None));
    }

    #[test]
    fn times_that_no_calendar_has_are_refused() {
        assert!(moment("since", Some("2027-01-31T09:00:00Z")).unwrap().is_some());
        assert!(moment("since", Some("10m")).unwrap().is_some_and(|time| time < Utc::now()));
        for wrong in ["", "infinity", "-4000-01-01T00:00:00Z", "+200000-01-01T00:00:00Z", "99999d"] {
            assert!(moment("since", Some(wrong)).is_err(), "{wrong}");
        }
    }
}
