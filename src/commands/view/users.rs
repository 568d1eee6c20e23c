//! Users and tokens.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::amount::{grouped, relative};
use super::look::Look;
use super::section::section;
use super::table::Table;
use super::text::safe;
use crate::db::tokens::TokenRow;
use crate::db::users::{COUNTED, UserRow};
use crate::model::token::TokenState;

const NONE: &str = "-";

/// Users as a table.
#[must_use]
pub fn users(rows: &[UserRow], now: DateTime<Utc>, look: &Look) -> String {
    if rows.is_empty() {
        return "No users. Add one: repo-to-cat users add NAME\n".to_owned();
    }
    let mut table = Table::new(["Id", "Name", "E-mail", "State", "Tokens", "Last used", "Added"]).whole(0).numbers(4);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.username.clone().unwrap_or_else(|| NONE.to_owned()),
            row.email.clone().unwrap_or_else(|| NONE.to_owned()),
            state(row).to_owned(),
            row.tokens.to_string(),
            time(row.last_used_at, "never", now),
            relative(row.created_at, now),
        ]);
    }
    table.render(look)
}

fn state(row: &UserRow) -> &'static str {
    if row.disabled_at.is_some() { "disabled" } else { "enabled" }
}

fn time(time: Option<DateTime<Utc>>, none: &str, now: DateTime<Utc>) -> String {
    time.map_or_else(|| none.to_owned(), |time| relative(time, now))
}

/// One user with the tokens.
#[must_use]
pub fn user(row: &UserRow, tokens: &[TokenRow], generations: i64, now: DateTime<Utc>, look: &Look) -> String {
    let mut lines = vec![look.heading(&format!("User {}", safe(&row.called())))];
    let mut line = |name: &str, value: &str| lines.push(format!("  {name:<10}{value}"));
    line("id", &row.id.to_string());
    line("state", &row.disabled_at.map_or("enabled".to_owned(), |at| format!("disabled {}", relative(at, now))));
    line("e-mail", &safe(row.email.as_deref().unwrap_or(NONE)));
    line("password", if row.has_password { "set" } else { "none" });
    line("added", &relative(row.created_at, now));
    line("changed", &relative(row.updated_at, now));
    let more = if generations >= COUNTED { " or more" } else { "" };
    line("cats", &format!("{}{more}", grouped(generations.unsigned_abs())));
    line("jobs", &format!("see: repo-to-cat jobs list --user {}", row.id));
    let content = if tokens.is_empty() {
        vec![format!("none; make one: repo-to-cat users token new {}", row.id)]
    } else {
        table_of(tokens, now, look).lines().map(str::to_owned).collect()
    };
    section(&mut lines, "Tokens", content, look);
    lines.join("\n") + "\n"
}

/// Tokens as a table.
#[must_use]
pub fn tokens(rows: &[TokenRow], now: DateTime<Utc>, look: &Look) -> String {
    if rows.is_empty() {
        return "No tokens. Make one: repo-to-cat users token new USER\n".to_owned();
    }
    table_of(rows, now, look)
}

fn table_of(rows: &[TokenRow], now: DateTime<Utc>, look: &Look) -> String {
    let mut table = Table::new(["Token", "User", "Name", "Scopes", "State", "Last used", "Expires", "Made", "Id"])
        .whole(0)
        .whole(8);
    for row in rows {
        table.row([
            row.prefix.clone(),
            user_of(row),
            row.name.clone(),
            row.scopes.to_string(),
            row.state.name().to_owned(),
            time(row.last_used_at, "never", now),
            time(row.expires_at, "never", now),
            relative(row.created_at, now),
            row.id.to_string(),
        ]);
    }
    table.render(look)
}

fn user_of(row: &TokenRow) -> String {
    row.user.clone().unwrap_or_else(|| row.user_id.to_string())
}

/// A token that somebody has presented.
#[must_use]
pub fn token(row: &TokenRow, now: DateTime<Utc>, look: &Look) -> String {
    let state = match row.state {
        TokenState::Works => look.good(row.state.name()),
        other => look.bad(other.name()),
    };
    let mut text = format!("{}\n", look.heading(&format!("Token {}", safe(&row.prefix))));
    for (name, value) in [
        ("state", state),
        ("user", safe(&user_of(row))),
        ("name", safe(&row.name)),
        ("scopes", row.scopes.to_string()),
        ("last used", time(row.last_used_at, "never", now)),
        ("expires", time(row.expires_at, "never", now)),
        ("revoked", time(row.revoked_at, "no", now)),
    ] {
        _ = writeln!(text, "  {name:<11}{value}");
    }
    text
}

/// What is said beside a new token, which stands alone on standard output.
#[must_use]
pub fn new_token(user: &UserRow, row: &TokenRow) -> String {
    let until = row
        .expires_at
        .map_or_else(|| "until it is revoked".to_owned(), |at| format!("until {}", at.format("%Y-%m-%d %H:%M:%S UTC")));
    let mut text = format!("A token of {} for: {}. It works {until}.\n", safe(&user.called()), row.scopes);
    if user.disabled_at.is_some() {
        text.push_str("The user is disabled: it works once the user is enabled again.\n");
    }
    text + "This is the only time that it is shown: keep it where secrets are kept.\n"
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::token::{Scope, Scopes};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn users_and_tokens_read_like_this() {
        let (now, look) = (at("2027-03-27T12:00:00Z"), Look::plain());
        let cat = UserRow {
            id: Uuid::from_u128(1),
            username: Some("cat".into()),
            email: Some("cat@example.org".into()),
            has_password: false,
            disabled_at: None,
            created_at: at("2027-03-26T12:00:00Z"),
            updated_at: at("2027-03-27T11:00:00Z"),
            tokens: 1,
            last_used_at: Some(at("2027-03-27T11:58:00Z")),
        };
        let nobody = UserRow {
            id: Uuid::from_u128(2),
            username: None,
            email: None,
            has_password: true,
            disabled_at: Some(at("2027-03-27T11:00:00Z")),
            tokens: 0,
            last_used_at: None,
            ..cat.clone()
        };
        let working = TokenRow {
            id: Uuid::from_u128(3),
            user_id: cat.id,
            user: Some("cat".into()),
            name: "nightly build".into(),
            prefix: "rtc_0a1B2c3D".into(),
            scopes: Scopes::default(),
            state: TokenState::Works,
            created_at: at("2027-03-26T12:00:00Z"),
            expires_at: Some(at("2027-04-01T00:00:00Z")),
            last_used_at: cat.last_used_at,
            revoked_at: None,
        };
        let revoked = TokenRow {
            user: None,
            scopes: [Scope::Admin].into_iter().collect(),
            state: TokenState::Revoked,
            expires_at: None,
            last_used_at: None,
            revoked_at: Some(now),
            ..working.clone()
        };
        let rows = [working.clone(), revoked.clone()];
        insta::assert_snapshot!(
            [
                users(&[], now, &look),
                users(&[cat.clone(), nobody.clone()], now, &look),
                user(&cat, &rows, 12_345, now, &look),
                user(&nobody, &[], 0, now, &look),
                tokens(&[], now, &look),
                token(&revoked, now, &look),
                new_token(&cat, &working),
                new_token(&nobody, &revoked),
            ]
            .join("\n")
        );
    }
}
