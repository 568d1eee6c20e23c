//! All users, and one with the tokens.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::{own, tokens as token_parts};
use crate::dashboard::deed::button;
use crate::dashboard::forms::csrf_field;
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::badge::{Tone, badge};
use crate::dashboard::parts::card::{card, facts};
use crate::dashboard::parts::empty::empty;
use crate::dashboard::parts::link::href;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::{field, pager, time};
use crate::dashboard::visitor::Visitor;
use crate::db::tokens;
use crate::db::users::{self, UserRow};
use crate::http::page::next;
use crate::http::{Problem, Site};
use crate::model::figures::grouped;
use crate::model::token::Scope;

/// Users of one page.
const PAGE: i64 = 50;
/// Tokens of a user that are told.
const TOKENS: i64 = 100;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    after: Option<Uuid>,
}

pub(super) async fn list(
    State(site): State<Site>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    visitor.caller.require(Scope::Admin)?;
    let rows = users::list(&site.db, asked.after, PAGE).await?;
    let older = next(&rows, PAGE, |last| href("/users", &[("after", &last.id.to_string())]));
    let content = html! {
        (add(&visitor))
        section.card {
            @if rows.is_empty() { (empty("Nobody is here yet.", &html! { "Add a user above; then make them a token." })) }
            @else { (users(&rows, &visitor)) }
            (pager::pager(asked.after.map(|_| "/users"), older.as_deref()))
        }
    };
    Ok(page("Users", Nav::Users, &visitor, &content))
}

fn add(visitor: &Visitor) -> Markup {
    html! {
        form.card method="post" action="/users" {
            (csrf_field(visitor))
            div.filters {
                (field::text("name", "Name", "", "alice, or nightly-build"))
                (field::text("email", "E-mail address, if there is one", "", ""))
                div.actions { button.primary type="submit" { "Add a user" } }
            }
        }
    }
}

fn users(rows: &[UserRow], visitor: &Visitor) -> Markup {
    let columns = [
        Column::text("User"),
        Column::text("State"),
        Column::number("Working tokens"),
        Column::text("Last use"),
        Column::text("Added"),
    ];
    let row = |user: &UserRow| {
        vec![
            html! {
                a href=(own(user.id)) { strong { (user.called()) } }
                @if let (Some(_), Some(email)) = (&user.username, &user.email) { " " span.muted.small { (email) } }
            },
            state(user),
            html! { (user.tokens) },
            html! { @if let Some(at) = user.last_used_at { (time::ago(at, visitor.now)) } @else { "never" } },
            time::ago(user.created_at, visitor.now),
        ]
    };
    table("Users, the newest first", &columns, rows.iter().map(row))
}

fn state(user: &UserRow) -> Markup {
    if user.disabled_at.is_some() { badge(Tone::Warn, "disabled") } else { badge(Tone::Good, "enabled") }
}

pub(super) async fn one(State(site): State<Site>, visitor: Visitor, Path(who): Path<String>) -> Result<Page, Problem> {
    visitor.caller.require(Scope::Admin)?;
    let user = users::find(&site.db, &who).await?;
    let all = tokens::list(&site.db, Some(user.id), None, TOKENS).await?;
    let cats = users::generations(&site.db, user.id).await?;
    let pairs = [
        ("State", html! { (state(&user)) @if let Some(at) = user.disabled_at { " " (time::ago(at, visitor.now)) } }),
        ("E-mail address", html! { (user.email.as_deref().unwrap_or("none")) }),
        (
            "Cats",
            html! { a href=(href("/gallery", &[("user", &user.id.to_string())])) { (grouped(cats.unsigned_abs())) } },
        ),
        ("Password", html! { @if user.has_password { "has one" } @else { "none" } }),
        (
            "Last use of a token",
            html! { @if let Some(at) = user.last_used_at { (time::ago(at, visitor.now)) } @else { "never" } },
        ),
        ("Added", time::ago(user.created_at, visitor.now)),
        ("Id", html! { code { (user.id) } }),
    ];
    let content = html! {
        div.actions {
            @if user.disabled_at.is_some() { (button(&visitor, &format!("{}/enable", own(user.id)), "Enable", "primary")) }
            @else { (button(&visitor, &format!("{}/disable", own(user.id)), "Disable", "danger")) }
            a.button.quiet href=(href("/audit", &[("who", &user.called())])) { "What was done by them" }
        }
        (card("Who", &facts(pairs)))
        (card("Tokens", &token_parts::list(&all, &user, &visitor)))
        (card("New token", &token_parts::form(&user, &visitor)))
    };
    Ok(page(&user.called(), Nav::Users, &visitor, &content))
}
