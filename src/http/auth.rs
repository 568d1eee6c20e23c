//! Who asks, and what they may do.
//!
//! Services show a token (`Authorization: Bearer ...`). Browsers of people who logged in at the dashboard show a cookie, which
//! counts for reading only: what a page of ours changes goes through its forms, which carry a proof that they are ours.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum_extra::extract::CookieJar;
use tokio::time::Instant;
use uuid::Uuid;

use super::error::Problem;
use super::{Site, request_id};
use crate::config::Auth;
use crate::db::{Db, admins, logins, tokens};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::token::{Scope, Scopes, hash};

/// The cookie of a login at the dashboard.
pub const COOKIE_NAME: &str = "repo-to-cat";
/// How long a token that worked is taken for one that works: so long it may go on after it was revoked.
const TRUSTED: Duration = Duration::from_secs(2);
/// Tokens that are remembered at most.
const REMEMBERED: usize = 10_000;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user; none where nobody is asked who they are.
    pub user_id: Option<Uuid>,
    /// The token.
    pub token_id: Option<Uuid>,
    /// The user's name.
    pub name: String,
    /// What may be done.
    pub scopes: Scopes,
}

impl Caller {
    /// Whoever reaches a listener that asks nobody who they are.
    fn anybody() -> Self {
        Self { user_id: None, token_id: None, name: "anybody".to_owned(), scopes: Scopes::from_iter([Scope::Admin]) }
    }

    /// Fails with 403 unless the caller may do it.
    pub fn require(&self, scope: Scope) -> std::result::Result<(), Problem> {
        self.scopes.require(scope).map_err(Problem::forbidden)
    }
}

impl From<tokens::Authenticated> for Caller {
    fn from(who: tokens::Authenticated) -> Self {
        Self {
            user_id: Some(who.user_id),
            token_id: Some(who.token_id),
            name: who.username.unwrap_or_else(|| who.user_id.to_string()),
            scopes: who.scopes,
        }
    }
}

/// Tokens that have worked: for a moment, so that not every request asks the database; then to tell who may well be right
/// from who tries.
#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<[u8; 32], (Caller, Instant)>>);

impl Known {
    /// Who shows this token.
    async fn ask(&self, db: &Db, presented: &str) -> Result<Caller> {
        let (key, now) = (hash(presented), Instant::now());
        if let Some((caller, until)) = self.lock().get(&key)
            && *until > now
        {
            return Ok(caller.clone());
        }
        let asked = tokens::authenticate(db, presented).await;
        let mut known = self.lock();
        if asked.as_ref().is_err_and(|failure| failure.kind() == Kind::Unauthorized) {
            known.remove(&key);
        }
        let caller = Caller::from(asked?);
        if known.len() >= REMEMBERED {
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() < REMEMBERED || known.contains_key(&key) {
            known.insert(key, (caller.clone(), now + TRUSTED));
        }
        Ok(caller)
    }

    /// Whether the token with this hash has worked when it was shown last.
    pub(super) fn has_worked(&self, hash: &[u8; 32]) -> bool {
        self.lock().contains_key(hash)
    }

    /// Asks the database again of each.
    fn forget(&self) {
        let now = Instant::now();
        self.lock().values_mut().for_each(|(_, until)| *until = now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], (Caller, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    /// Revokes a token, which is not taken for one that works any more; whether it was not revoked yet.
    pub async fn revoke_token(&self, id: Uuid) -> Result<bool> {
        let is_new = admins::revoke_token(&self.db, id).await?;
        self.known.forget();
        Ok(is_new)
    }

    /// Disables a user, whose tokens are not taken for ones that work any more; whether it was not disabled yet.
    pub async fn disable_user(&self, id: Uuid) -> Result<bool> {
        let is_new = admins::disable_user(&self.db, id).await?;
        self.known.forget();
        Ok(is_new)
    }
}

/// Who asks.
pub async fn identify(site: &Site, headers: &HeaderMap, method: &Method) -> Result<Caller> {
    let caller = ask(site, headers, method).await?;
    request_id::is_asked_by(&caller.name);
    Ok(caller)
}

async fn ask(site: &Site, headers: &HeaderMap, method: &Method) -> Result<Caller> {
    if site.config.http.auth == Auth::None {
        return Ok(Caller::anybody());
    }
    if let Some(token) = bearer(headers)? {
        return site.known.ask(&site.db, token).await;
    }
    let cookies = headers.contains_key(COOKIE).then(|| CookieJar::from_headers(headers));
    match cookies.as_ref().and_then(|cookies| cookies.get(COOKIE_NAME)) {
        Some(cookie) if method.is_safe() => logins::find(&site.db, cookie.value()).await.map(Caller::from),
        _ => Err(Failure::new(Kind::Unauthorized, "no token was shown").hint(
            "send the header `Authorization: Bearer rtc_...`; make a token with: repo-to-cat users token new NAME",
        )),
    }
}

/// The token in the header, where there is one.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match token {
        Some(token) if !token.is_empty() && values.next().is_none() => Ok(Some(token)),
        _ => Err(Failure::new(Kind::Unauthorized, "the header Authorization holds no bearer token")
            .hint("send it once, as in `Authorization: Bearer rtc_...`")),
    }
}

/// A caller who may look at jobs and cats.
#[derive(Debug, Clone)]
pub struct Reader(pub Caller);

/// A caller who may ask for cats.
#[derive(Debug, Clone)]
pub struct Enqueuer(pub Caller);

/// A caller who may do everything.
#[derive(Debug, Clone)]
pub struct Admin(pub Caller);

macro_rules! extract {
    ($($who:ident: $scope:expr;)+) => {$(
        impl FromRequestParts<Site> for $who {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, site: &Site) -> std::result::Result<Self, Problem> {
                let caller = site.caller(parts).await?;
                caller.require($scope)?;
                Ok(Self(caller))
            }
        }
    )+};
}

extract! {
    Reader: Scope::Read;
    Enqueuer: Scope::Enqueue;
    Admin: Scope::Admin;
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_bearer_token_is_read_from_one_header_of_its_form() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(bearer(&headers(&[])).unwrap(), None);
        assert_eq!(bearer(&headers(&["Bearer rtc_x"])).unwrap(), Some("rtc_x"));
        assert_eq!(bearer(&headers(&["bearer  rtc_x "])).unwrap(), Some("rtc_x"));
        for wrong in [&["Basic x"][..], &["Bearer"], &["Bearer "], &["rtc_x"], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer(&headers(wrong)).unwrap_err().kind(), Kind::Unauthorized, "{wrong:?}");
        }
    }
}
