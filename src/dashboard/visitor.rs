//! Who looks at a page.

use std::sync::LazyLock;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::Cookie;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::flash::Flash;
use crate::config::Auth;
use crate::http::auth::{COOKIE_NAME, Caller, identify};
use crate::http::{Problem, Site};
use crate::model::failure::{Kind, Result};
use crate::model::token::Scope;

/// Stands for the secret of a login where nobody logs in: another one in each process.
static UNASKED: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let ids = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    Sha256::digest(ids.map(uuid::Uuid::into_bytes).concat()).into()
});

/// Whoever looks at a page, logged in as it must be, and allowed to look.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who.
    pub caller: Caller,
    /// What a form of ours shows to prove that it is ours.
    pub(super) proof: String,
    /// What the page before wanted said.
    pub(super) flash: Option<Flash>,
    /// Whether there is a login that can be ended.
    pub(super) has_login: bool,
    /// When the page is made.
    pub now: DateTime<Utc>,
}

impl Visitor {
    /// Whether it may be done: whoever may not is shown no button for it.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.caller.scopes.allows(scope)
    }

    /// Whether everything may be done.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.may(Scope::Admin)
    }

    /// Who looks, if anybody is known, whatever they may do.
    pub(super) async fn find(parts: &Parts, site: &Site) -> Result<Self> {
        // A form's request is no reading, but it brings a proof beside the cookie.
        let caller = identify(site, &parts.headers, &Method::GET).await?;
        let cookies = CookieJar::from_headers(&parts.headers);
        let asks = site.config.http.auth == Auth::Token;
        let cookie = cookies.get(COOKIE_NAME).map(Cookie::value).filter(|_| asks);
        Ok(Self {
            caller,
            proof: proof(cookie.map_or(&UNASKED[..], str::as_bytes)),
            flash: Flash::of(&cookies),
            has_login: cookie.is_some(),
            now: Utc::now(),
        })
    }
}

/// What only a page that was made for this login can know, and what does not tell the login's secret.
fn proof(secret: &[u8]) -> String {
    let digest = Sha256::new().chain_update("csrf").chain_update(secret).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// To the login, and from there back to what was asked for.
fn to_login(parts: &Parts) -> Response {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if path == "/" || !parts.method.is_safe() {
        return Redirect::to("/login").into_response();
    }
    let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    Redirect::to(&format!("/login?next={next}")).into_response()
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> std::result::Result<Self, Response> {
        match Self::find(parts, site).await {
            Ok(visitor) => match visitor.caller.require(Scope::Read) {
                Ok(()) => Ok(visitor),
                Err(problem) => Err(problem.into_response()),
            },
            Err(failure) if failure.kind() == Kind::Unauthorized => Err(to_login(parts)),
            Err(failure) => Err(Problem::from(failure).into_response()),
        }
    }
}

impl OptionalFromRequestParts<Site> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> std::result::Result<Option<Self>, Problem> {
        match Self::find(parts, site).await {
            Ok(visitor) => Ok(Some(visitor)),
            Err(failure) if failure.kind() == Kind::Unauthorized => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_belongs_to_its_login() {
        assert_eq!(proof(b"a"), proof(b"a"));
        assert_ne!(proof(b"a"), proof(b"b"));
        assert_eq!(proof(b"a").len(), 64);
    }
}
