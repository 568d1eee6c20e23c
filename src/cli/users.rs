//! `users ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use chrono::{DateTime, NaiveDate, Utc};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::Page;
use crate::model::failure::Failure;
use crate::model::token::Scope;
use crate::model::when::When;

/// `users ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Users {
    /// Add a user
    #[command(
        after_help = "Examples:\n  repo-to-cat users add ci\n  repo-to-cat users add alice --email alice@example.org"
    )]
    Add {
        /// Name of the user, 1 to 255 characters
        name: String,
        /// E-mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// List users, the newest first
    #[command(after_help = "Examples:\n  repo-to-cat users list\n  repo-to-cat users list --limit 5 --json")]
    List(Page),
    /// Show one user with the tokens
    #[command(
        after_help = "Examples:\n  repo-to-cat users show alice\n  repo-to-cat users show alice@example.org\n\nThe user's jobs: repo-to-cat jobs list --user alice"
    )]
    Show(User),
    /// Let no token of a user work any more
    #[command(
        after_help = "Examples:\n  repo-to-cat users disable alice\n\nJobs that the user has enqueued run all the same: repo-to-cat jobs cancel --user alice"
    )]
    Disable(User),
    /// Let the tokens of a disabled user work again
    #[command(after_help = "Examples:\n  repo-to-cat users enable alice")]
    Enable(User),
    /// Make, list, revoke and check tokens
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: UserTokens,
    },
    /// Set and check passwords
    Password {
        /// What to do with them.
        #[command(subcommand)]
        command: UserPasswords,
    },
}

/// A user.
#[derive(Debug, Clone, Args)]
pub struct User {
    /// Name, e-mail address or id of the user
    #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub user: String,
}

/// `users token ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum UserTokens {
    /// Make a token; it is shown this once
    #[command(
        after_help = "Examples:\n  TOKEN=$(repo-to-cat users token new ci)\n  repo-to-cat users token new ci --name 'nightly build' --scope enqueue --expires 90d\n\nThe token alone goes to standard output, the rest to standard error. What is kept is its hash: a lost token is revoked, and another made."
    )]
    New(NewUserToken),
    /// List tokens, the newest first
    #[command(after_help = "Examples:\n  repo-to-cat users token list\n  repo-to-cat users token list alice --json")]
    List {
        /// Name, e-mail address or id of the user; all users if left out
        #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
        user: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        page: Page,
    },
    /// Let a token work no more, for ever
    #[command(after_help = "Examples:\n  repo-to-cat users token revoke rtc_0a1B2c3D")]
    Revoke {
        /// Prefix of the token, as the list shows it, or its id; never the token itself
        #[arg(value_name = "TOKEN", value_parser = NonEmptyStringValueParser::new())]
        token: String,
    },
    /// Tell whose a token is, and whether it works; it is read from standard input
    #[command(
        after_help = "Examples:\n  printf %s \"$TOKEN\" | repo-to-cat users token check\n\nExits with 8 if it does not work. Checking is no use of it."
    )]
    Check {
        /// Taken only to be refused without being shown again
        #[arg(hide = true)]
        arguments: Vec<String>,
    },
}

/// `users token new`.
#[derive(Debug, Clone, Args)]
pub struct NewUserToken {
    /// Whose it is
    #[command(flatten)]
    pub user: User,
    /// What it is for
    #[arg(long, default_value = "token", value_name = "LABEL")]
    pub name: String,
    /// What it allows: enqueue, read or admin, which is all; may be given more than once [default: enqueue and read]
    #[arg(long = "scope", value_parser = scope, value_name = "SCOPE")]
    pub scopes: Vec<Scope>,
    /// When it stops to work: a time as 90d, a day or RFC 3339 to come, or never
    #[arg(long, default_value = "never", value_parser = expiry, value_name = "WHEN")]
    pub expires: Expiry,
}

/// `users password ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum UserPasswords {
    /// Give a user another password, which is read from standard input or asked for
    #[command(
        after_help = "Examples:\n  repo-to-cat users password set alice\n  repo-to-cat users password set alice < password.txt\n\nIt is kept hashed by bcrypt. Nothing of this program asks for passwords: they are for applications that share the users."
    )]
    Set(PasswordOf),
    /// Tell whether a password is right; it is read from standard input or asked for
    #[command(
        after_help = "Examples:\n  repo-to-cat users password check alice\n  repo-to-cat users password check alice < password.txt\n\nExits with 8 if it is wrong, or if there is none."
    )]
    Check(PasswordOf),
}

/// A user whose password is read.
#[derive(Debug, Clone, Args)]
pub struct PasswordOf {
    /// Whose it is
    #[command(flatten)]
    pub user: User,
    /// Taken only to be refused without being shown again
    #[arg(hide = true)]
    pub arguments: Vec<String>,
}

/// When a token stops to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// When it is revoked.
    Never,
    /// Then.
    On(When),
}

impl Expiry {
    /// The moment, where there is one.
    #[must_use]
    pub const fn when(self) -> Option<When> {
        match self {
            Self::Never => None,
            Self::On(when) => Some(when),
        }
    }
}

fn scope(name: &str) -> Result<Scope, String> {
    name.parse().map_err(|failure: Failure| failure.hint_text().unwrap_or_default().to_owned())
}

/// A day means to its end.
fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.succ_opt());
    let end: Option<DateTime<Utc>> = day.and_then(|next| next.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc());
    match end.map(When::At).map_or_else(|| text.parse(), Ok) {
        Ok(when) => Ok(Expiry::On(when)),
        Err(_) => Err("write never, a time as 12h, 90d or 52w, a day as 2030-01-31 (to its end, UTC), or RFC 3339; \
                       the longest time is 3660 days"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_said_in_several_ways() {
        let at = |text: &str| Expiry::On(When::At(text.parse().unwrap()));
        assert_eq!(expiry("never"), Ok(Expiry::Never));
        assert_eq!(expiry("90d"), Ok(Expiry::On(When::In(chrono::TimeDelta::days(90)))));
        assert_eq!(expiry("2030-01-31"), Ok(at("2030-02-01T00:00:00Z")));
        assert_eq!(expiry("2030-01-31T12:00:00+01:00"), Ok(at("2030-01-31T11:00:00Z")));
        for text in ["", "soon", "2030-02-30", "90", "-1d", "9999w"] {
            assert!(expiry(text).is_err(), "{text}");
        }
    }
}
