//! How pages change anything: forms that prove that they are ours.
//!
//! A form is taken where the browser says that it comes from our own site, and where it shows what only a page that was
//! made for this login can know. What cannot be undone is asked once more: by the script on the page, or by a page.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form as Fields;
use maud::{Markup, html};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;
use url::{Url, form_urlencoded};

use super::flash::Flash;
use super::page::{Nav, Page, page};
use super::visitor::Visitor;
use crate::http::{Problem, Site};
use crate::model::failure::{Failure, Kind};
use crate::model::token::Scope;

const PROOF: &str = "csrf";
const CONFIRMED: &str = "confirmed";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A form of ours that somebody sent who may look; what else it takes, its handler asks for.
#[derive(Debug)]
pub struct Form<T> {
    /// Who sent it.
    pub visitor: Visitor,
    /// What was filled in.
    pub fields: T,
    /// Whether it was asked once more, and said yes to.
    pub is_confirmed: bool,
    path: String,
    pairs: Vec<(String, String)>,
}

/// The same of somebody who may do everything.
#[derive(Debug)]
pub struct AdminForm<T>(pub Form<T>);

/// What a form holds that is a button and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Proves that a form is ours: to be put into each.
#[must_use]
pub fn csrf_field(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name=(PROOF) value=(visitor.proof); }
}

/// To another page, which says how it went.
#[must_use]
pub fn back(to: &str, flash: &Flash) -> Response {
    ([(SET_COOKIE, flash.cookie())], Redirect::to(to)).into_response()
}

impl<T> Form<T> {
    /// The page that asks once more before it sends the same form again.
    #[must_use]
    pub fn confirm(&self, current: Nav, title: &str, question: &str, button: &str, cancel: &str) -> Page {
        let content = html! {
            section.card.confirm {
                p { (question) }
                form method="post" action=(self.path) {
                    (csrf_field(&self.visitor))
                    input type="hidden" name=(CONFIRMED) value="yes";
                    @for (name, value) in &self.pairs { input type="hidden" name=(name) value=(value); }
                    div.actions {
                        button.danger type="submit" { (button) }
                        a.button href=(cancel) { "Leave it as it is" }
                    }
                }
            }
        };
        page(title, current, &self.visitor, &content)
    }
}

impl Form<()> {
    /// What is ours, whatever it holds.
    async fn open(request: Request, site: &Site) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = <Visitor as axum::extract::FromRequestParts<Site>>::from_request_parts(&mut parts, site).await?;
        if !is_from_here(&parts.headers, &site.config.http.public_url) {
            return Err(foreign("it was sent from another site").into_response());
        }
        let path = parts.uri.path().to_owned();
        let body = Bytes::from_request(Request::from_parts(parts, body), site)
            .await
            .map_err(|error| Problem::with(error.status(), unreadable(error.body_text())).into_response())?;
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let shown = take(&mut pairs, PROOF).unwrap_or_default();
        if !bool::from(shown.as_bytes().ct_eq(visitor.proof.as_bytes())) {
            return Err(foreign("it does not belong to this login, or the page is too old").into_response());
        }
        let is_confirmed = take(&mut pairs, CONFIRMED).is_some();
        if pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Problem::from(unreadable("it holds the character NUL")).into_response());
        }
        Ok(Self { visitor, fields: (), is_confirmed, path, pairs })
    }

    /// With what it holds.
    async fn filled<T: DeserializeOwned>(self) -> Result<Form<T>, Response> {
        let Self { visitor, is_confirmed, path, pairs, .. } = self;
        let fields = read(&pairs).await.map_err(IntoResponse::into_response)?;
        Ok(Form { visitor, fields, is_confirmed, path, pairs })
    }
}

impl<T: DeserializeOwned> FromRequest<Site> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        Form::open(request, site).await?.filled().await
    }
}

impl<T: DeserializeOwned> FromRequest<Site> for AdminForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        let form = Form::open(request, site).await?;
        form.visitor.caller.require(Scope::Admin).map_err(IntoResponse::into_response)?;
        Ok(Self(form.filled().await?))
    }
}

/// The fields as their type has them.
async fn read<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Problem> {
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut request = Request::post("/").body(Body::from(encoded)).unwrap_or_default();
    let of_form = axum::http::HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, of_form);
    match Fields::<T>::from_request(request, &()).await {
        Ok(Fields(fields)) => Ok(fields),
        Err(error) => Err(unreadable(error.to_string()).into()),
    }
}

fn take(pairs: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let at = pairs.iter().position(|(own, _)| own == name)?;
    Some(pairs.remove(at).1)
}

fn unreadable(why: impl Into<String>) -> Failure {
    Failure::new(Kind::Invalid, format!("the form cannot be read: {}", why.into()))
        .hint("go back, and look at what was filled in")
}

pub(super) fn foreign(why: &str) -> Problem {
    let failure = Failure::new(Kind::Refused, format!("the form was not taken: {why}"))
        .hint("go back, load the page again, and send it from there");
    Problem::with(StatusCode::FORBIDDEN, failure)
}

/// Whether a browser sent it from a page of ours. Where it says nothing of that, the proof alone counts.
pub(super) fn is_from_here(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text(&FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(&ORIGIN) else { return true };
    let Ok(origin) = Url::parse(origin) else { return false };
    let is_public = Url::parse(public_url).is_ok_and(|public| public.origin() == origin.origin());
    let own = text(&HOST).and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    is_public || own.is_some_and(|own| own.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_form_is_taken_from_our_own_site_only() {
        let told = |pairs: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("cats.example:8000"));
            headers.extend(pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))));
            is_from_here(&headers, "https://public.example")
        };
        assert!(told(&[]));
        assert!(told(&[(FETCH_SITE, "same-origin"), (ORIGIN, "null")]), "the browser knows best");
        assert!(told(&[(ORIGIN, "http://cats.example:8000")]));
        assert!(told(&[(ORIGIN, "https://public.example")]), "a proxy may name another host to us");
        for foreign in ["cross-site", "same-site", ""] {
            assert!(!told(&[(FETCH_SITE, foreign), (ORIGIN, "http://cats.example:8000")]), "{foreign}");
        }
        for foreign in ["null", "http://cats.example", "http://evil.example:8000", "http://cats.example:8000.evil"] {
            assert!(!told(&[(ORIGIN, foreign)]), "{foreign}");
        }
    }

    #[tokio::test]
    async fn fields_are_read_as_their_type_has_them() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Bulk {
            #[serde(default)]
            id: Vec<u32>,
            priority: Option<i16>,
        }
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let bulk: Bulk = read(&pairs(&[("id", "1"), ("id", "2"), ("priority", "-3")])).await.unwrap();
        assert_eq!(bulk, Bulk { id: vec![1, 2], priority: Some(-3) });
        assert!(read::<Bulk>(&pairs(&[("colour", "red")])).await.is_err());
    }
}
