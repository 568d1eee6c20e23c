//! Tokens: made, shown once, revoked.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::own;
use crate::dashboard::deed::{act, perform, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{AdminForm, Nothing, csrf_field};
use crate::dashboard::page::{Nav, page};
use crate::dashboard::parts::card::{card, copyable};
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::{badge, field, time};
use crate::dashboard::visitor::Visitor;
use crate::db::tokens::{self, TokenRow};
use crate::db::users::{self, UserRow};
use crate::http::{Problem, Site};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::token::{Scope, Scopes, TokenState};
use crate::model::when::When;

/// A user's tokens.
pub(super) fn list(rows: &[TokenRow], user: &UserRow, visitor: &Visitor) -> Markup {
    if rows.is_empty() {
        return html! { p.note { "None yet: they cannot ask for anything." } };
    }
    let columns = [
        Column::text("Token"),
        Column::text("State"),
        Column::text("Allows"),
        Column::text("Last use"),
        Column::text("Expires"),
        Column::text("Made"),
        Column::of_actions("Change"),
    ];
    let moment = |at: Option<_>, none: &'static str| html! { @if let Some(at) = at { (time::ago(at, visitor.now)) } @else { (none) } };
    let row = |token: &TokenRow| {
        vec![
            html! { strong { (token.name) } " " code.muted { (token.prefix) "…" } },
            badge::state(token.state.name()),
            html! { (token.scopes) },
            moment(token.last_used_at, "never"),
            moment(token.expires_at, "never"),
            time::ago(token.created_at, visitor.now),
            html! {
                @if token.state != TokenState::Revoked {
                    form.inline method="post" action={ (own(user.id)) "/tokens/" (token.id) "/revoke" } {
                        (csrf_field(visitor))
                        button.quiet.danger type="submit" { "Revoke" }
                    }
                }
            },
        ]
    };
    table("Tokens, the newest first", &columns, rows.iter().map(row))
}

/// The form for a new one.
pub(super) fn form(user: &UserRow, visitor: &Visitor) -> Markup {
    html! {
        form method="post" action={ (own(user.id)) "/tokens" } {
            (csrf_field(visitor))
            div.filters {
                (field::text("name", "What it is for", "", "nightly build"))
                (field::text("expires", "Works for", "90d", "90d, 2030-01-31T00:00:00Z, or never"))
            }
            fieldset.choices {
                legend { "Allows" }
                @for (scope, what) in [(Scope::Enqueue, "ask for cats"), (Scope::Read, "look at cats and jobs"), (Scope::Admin, "everything")] {
                    label { input type="checkbox" name="scope" value=(scope.name()) checked[scope != Scope::Admin]; " " (scope.name()) " " span.muted { "– " (what) } }
                }
            }
            div.actions { button.primary type="submit" { "Make a token" } }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct New {
    name: String,
    scope: Vec<String>,
    expires: String,
}

impl New {
    fn scopes(&self) -> Result<Scopes> {
        if self.scope.is_empty() {
            return Err(Failure::new(Kind::Invalid, "the token would allow nothing").hint("tick what it is to allow"));
        }
        Scopes::from_names(&self.scope)
    }

    fn expires(&self) -> Result<Option<When>> {
        let text = self.expires.trim();
        if text.is_empty() || text == "never" {
            return Ok(None);
        }
        let wrong = |_| {
            Failure::new(Kind::Invalid, format!("`{text}` is no time"))
                .hint("write 90d, 2030-01-31T00:00:00Z, or never")
        };
        text.parse().map(Some).map_err(wrong)
    }
}

/// Makes one and shows it: on this page only, which no browser keeps.
pub(super) async fn new(
    State(site): State<Site>,
    Path(who): Path<String>,
    AdminForm(form): AdminForm<New>,
) -> std::result::Result<Response, Problem> {
    let (fields, visitor) = (&form.fields, &form.visitor);
    let user = users::find(&site.db, &who).await?;
    let called = user.called();
    let name = if fields.name.trim().is_empty() { "token" } else { fields.name.trim() };
    let detail = json!({"user": called, "name": name, "scopes": fields.scope, "expires": fields.expires});
    let target = user.id.to_string();
    let act = act(visitor, "tokens.new", Some(&target), Some(detail));
    let making = async { tokens::create(&site.db, user.id, name, &fields.scopes()?, fields.expires()?).await };
    let (token, row) = match site.perform(act, making).await {
        Ok(made) => made,
        Err(failure) => return refused(failure, &own(user.id)),
    };
    let content = html! {
        div.flash.warn role="status" { span.mark aria-hidden="true" { "!" } p { "This is the only time that it is shown: keep it where secrets are kept." } }
        (card(&format!("{} of {called}", row.name), &html! {
            (copyable("token", token.reveal()))
            p.muted { "It allows: " (row.scopes) ". It works "
                @if let Some(at) = row.expires_at { "until " (time::at(at)) } @else { "until it is revoked" } "." }
            @if user.disabled_at.is_some() { p { "The user is disabled: it works once they are enabled again." } }
            div.actions { a.button.primary href=(own(user.id)) { "I have kept it" } }
        }))
    };
    Ok(page("New token", Nav::Users, visitor, &content).into_response())
}

pub(super) async fn revoke(
    State(site): State<Site>,
    Path((who, token)): Path<(String, String)>,
    AdminForm(form): AdminForm<Nothing>,
) -> std::result::Result<Response, Problem> {
    let user = users::find(&site.db, &who).await?;
    let row = tokens::find(&site.db, &token).await?;
    let own = own(user.id);
    if row.user_id != user.id {
        let what = format!("{} has no token {}", user.called(), row.prefix);
        return refused(Failure::new(Kind::NotFound, what), &own);
    }
    if !form.is_confirmed {
        let question = format!("The token {} ({}) would never work again.", row.name, row.prefix);
        return Ok(form.confirm(Nav::Users, "Revoke the token?", &question, "Revoke", &own).into_response());
    }
    let (target, detail) = (row.id.to_string(), json!({"prefix": row.prefix, "user": row.user}));
    let act = act(&form.visitor, "tokens.revoke", Some(&target), Some(detail));
    let said = |changed| {
        if changed {
            Flash::done(format!("{} is revoked.", row.prefix))
        } else {
            Flash::note(format!("{} was revoked already.", row.prefix))
        }
    };
    perform(&site, act, &own, site.revoke_token(row.id), said).await
}
