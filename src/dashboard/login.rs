//! Coming and going: a token for a cookie.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_extra::extract::{CookieJar, Form as Fields};
use maud::html;
use serde::Deserialize;

use super::Routes;
use super::deed::act;
use super::forms::{Form, foreign, is_from_here};
use super::page::{Page, bare};
use super::parts::cat;
use super::visitor::Visitor;
use crate::config::Http;
use crate::db::{logins, tokens};
use crate::http::auth::{COOKIE_NAME, Caller};
use crate::http::deeds::{Act, Via};
use crate::http::reached::Reached;
use crate::http::{Problem, Site};
use crate::model::failure::{Failure, Kind};
use crate::model::token::{Scope, Token};

pub(super) fn routes() -> Routes {
    Router::new().route("/login", get(ask).post(begin)).route("/logout", post(end))
}

/// Where to go on after the login.
#[derive(Debug, Default, Deserialize)]
struct Next {
    next: Option<String>,
}

#[derive(Deserialize)]
struct Credentials {
    token: String,
    next: Option<String>,
}

async fn ask(visitor: Option<Visitor>, next: Result<Query<Next>, QueryRejection>) -> Response {
    let Query(next) = next.unwrap_or_default();
    let to = local(next.next.as_deref());
    match visitor {
        Some(_) => Redirect::to(to).into_response(),
        None => form(to, None).into_response(),
    }
}

/// A path on this site, whatever was asked for: who logs in is never sent elsewhere.
fn local(next: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with("/login")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(is_local).unwrap_or("/")
}

fn form(next: &str, failure: Option<&Failure>) -> Page {
    let content = html! {
        section.login.card {
            (cat::curled())
            h1 { "Log in" }
            p.muted { "Show a token of yours, and the cats will let you in." }
            @if let Some(failure) = failure {
                div.flash.bad role="alert" id="wrong" {
                    span.mark aria-hidden="true" { "✕" }
                    p { (failure.what()) @if let Some(hint) = failure.hint_text() { ": " (hint) } }
                }
            }
            form method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input #token type="password" name="token" required autofocus autocomplete="off" spellcheck="false"
                    autocapitalize="none" placeholder="rtc_…" aria-describedby=(if failure.is_some() { "wrong how" } else { "how" });
                button.primary type="submit" { "Log in" }
            }
            details #how {
                summary { "Where do I get one?" }
                p { "The first start of the service writes an admin's token into a file; its log says where. Others are made by:" }
                pre { code { "repo-to-cat users token new NAME --scope read" } }
            }
        }
    };
    bare("Log in", &content)
}

async fn begin(
    State(site): State<Site>,
    reached: Reached,
    headers: HeaderMap,
    Fields(given): Fields<Credentials>,
) -> Response {
    let settings = &site.config.http;
    if !is_from_here(&headers, &settings.public_url) {
        return foreign("it was sent from another site").into_response();
    }
    let to = local(given.next.as_deref());
    match enter(&site, given.token.trim()).await {
        Ok(secret) => {
            let cookie = cookie(secret.reveal(), settings, reached.is_secure(settings));
            ([(SET_COOKIE, cookie)], Redirect::to(to)).into_response()
        }
        Err(failure) => {
            let problem = Problem::from(failure);
            // What is wrong with the service, and not with the token, is a page of its own.
            match problem.status() {
                StatusCode::UNAUTHORIZED | StatusCode::UNPROCESSABLE_ENTITY => {
                    form(to, Some(problem.failure())).with_status(StatusCode::UNAUTHORIZED).into_response()
                }
                _ => problem.into_response(),
            }
        }
    }
}

async fn enter(site: &Site, token: &str) -> Result<Token, Failure> {
    if token.is_empty() {
        return Err(Failure::new(Kind::Unauthorized, "no token was given"));
    }
    let found = tokens::authenticate(&site.db, token).await?;
    found.scopes.require(Scope::Read)?;
    let (token, caller) = (found.token_id, Caller::from(found));
    let hours = i32::try_from(site.config.http.session_hours).unwrap_or(i32::MAX);
    let act = Act { caller: &caller, via: Via::Dashboard, action: "login", target: None, detail: None };
    site.perform(act, logins::begin(&site.db, token, hours)).await
}

async fn end(
    State(site): State<Site>,
    reached: Reached,
    cookies: CookieJar,
    form: Form<Next>,
) -> Result<Response, Problem> {
    let act = act(&form.visitor, "logout", None, None);
    if let Some(cookie) = cookies.get(COOKIE_NAME) {
        site.perform(act, logins::end(&site.db, cookie.value())).await?;
    }
    // That it is over is said by the login page itself.
    let mut response = Redirect::to("/login").into_response();
    let settings = Http { session_hours: 0, ..site.config.http.clone() };
    let over = cookie("", &settings, reached.is_secure(&settings));
    response.headers_mut().append(SET_COOKIE, over);
    Ok(response)
}

/// The cookie that holds a login's secret: out of reach of scripts, and never sent along by other sites.
fn cookie(secret: &str, settings: &Http, is_secure: bool) -> HeaderValue {
    let seconds = u64::from(settings.session_hours) * 3600;
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{COOKIE_NAME}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(local(None), "/");
        assert_eq!(local(Some("/jobs?state=running")), "/jobs?state=running");
        for foreign in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "",
            "/a\r\nb",
            "/login?next=/",
        ] {
            assert_eq!(local(Some(foreign)), "/", "{foreign}");
        }
    }
}
