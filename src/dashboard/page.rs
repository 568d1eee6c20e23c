//! The frame around each page.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets::{ICON, SCRIPT, STYLE};
use super::flash::Flash;
use super::forms::csrf_field;
use super::parts::cat;
use super::visitor::Visitor;

/// Pages load what we serve and nothing else, and run no script or style that stands in them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Where a page belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nav {
    /// How all does.
    Overview,
    /// The cats.
    Gallery,
    /// The jobs.
    Jobs,
    /// Kinds of jobs, and workers.
    Queues,
    /// What is done by the clock.
    Schedules,
    /// Backups and their drills.
    Backups,
    /// Who was told how cats came out.
    Webhooks,
    /// Users and their tokens.
    Users,
    /// Who did what.
    Audit,
    /// The program itself.
    System,
}

impl Nav {
    const ALL: [Self; 10] = [
        Self::Overview,
        Self::Gallery,
        Self::Jobs,
        Self::Queues,
        Self::Schedules,
        Self::Backups,
        Self::Webhooks,
        Self::Users,
        Self::Audit,
        Self::System,
    ];

    /// Whether others are refused there.
    const fn is_for_admins(self) -> bool {
        matches!(self, Self::Users | Self::Audit | Self::System)
    }

    const fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("/", "Overview"),
            Self::Gallery => ("/gallery", "Gallery"),
            Self::Jobs => ("/jobs", "Jobs"),
            Self::Queues => ("/queues", "Queues"),
            Self::Schedules => ("/schedules", "Schedules"),
            Self::Backups => ("/backups", "Backups"),
            Self::Webhooks => ("/webhooks", "Webhooks"),
            Self::Users => ("/users", "Users"),
            Self::Audit => ("/audit", "Audit"),
            Self::System => ("/system", "System"),
        }
    }
}

/// A whole page.
#[derive(Debug)]
pub struct Page {
    status: StatusCode,
    markup: Markup,
    /// What was said once is not said again.
    has_flash: bool,
}

impl Page {
    /// The same page with another status.
    #[must_use]
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.markup).into_response();
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
        set(CONTENT_SECURITY_POLICY, POLICY);
        set(CACHE_CONTROL, "no-store");
        // Not `no-referrer`: browsers would not say then from which site a form was sent.
        set(REFERRER_POLICY, "same-origin");
        set(X_CONTENT_TYPE_OPTIONS, "nosniff");
        if self.has_flash {
            headers.append(SET_COOKIE, Flash::over());
        }
        response
    }
}

/// A page for somebody who is logged in; `title` is its heading, too.
#[must_use]
pub fn page(title: &str, current: Nav, visitor: &Visitor, content: &Markup) -> Page {
    let body = html! {
        div.frame {
            header.side {
                a.brand href="/" { (cat::head()) span { "repo-to-cat" } }
                nav aria-label="Pages" {
                    ul {
                        @for nav in Nav::ALL.into_iter().filter(|nav| visitor.is_admin() || !nav.is_for_admins()) {
                            @let (path, name) = nav.link();
                            li { a href=(path) aria-current=[(nav == current).then_some("page")] { (name) } }
                        }
                    }
                }
                div.who {
                    span.small.muted { "Signed in as " strong { (visitor.caller.name) } }
                    @if visitor.has_login {
                        form method="post" action="/logout" {
                            (csrf_field(visitor))
                            button.quiet type="submit" { "Log out" }
                        }
                    }
                }
            }
            main #content tabindex="-1" {
                @if let Some(flash) = &visitor.flash { (flash.show()) }
                h1 { (title) }
                (content)
            }
        }
    };
    Page { status: StatusCode::OK, markup: document(title, &body), has_flash: visitor.flash.is_some() }
}

/// A page for anybody, with nothing around it.
#[must_use]
pub fn bare(title: &str, content: &Markup) -> Page {
    let body = html! {
        div.bare {
            header { a.brand href="/" { (cat::head()) span { "repo-to-cat" } } }
            main #content tabindex="-1" { (content) }
        }
    };
    Page { status: StatusCode::OK, markup: document(title, &body), has_flash: false }
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · repo-to-cat" }
                link rel="icon" type="image/svg+xml" href=(ICON.path);
                link rel="stylesheet" href=(STYLE.path);
                script src=(SCRIPT.path) defer {}
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                (body)
            }
        }
    }
}
