//! What the database said, in our words.

use sqlx::postgres::PgDatabaseError;

use crate::model::failure::{Failure, Kind};

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let (kind, what, hint) = explain(&error);
        let failure = because_of(Self::new(kind, what), error);
        hint.into_iter().fold(failure, Self::hint)
    }
}

/// Whether the same may succeed in a moment, without anybody changing a setting: the server is away, starts, stops, is
/// full, or takes no writes just now.
pub(super) fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(answer) => {
            let code = answer.code().unwrap_or_default();
            code == "25006" || passes_by_class(&code)
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// Whether the statement gave up waiting for a lock that others hold.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    // lock_not_available, deadlock_detected
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| matches!(&*code, "55P03" | "40P01"))
}

/// Adds what the error has to say beyond [`explain`]: of the server's answers the detail, not the message again.
pub(super) fn because_of(failure: Failure, error: sqlx::Error) -> Failure {
    match &error {
        sqlx::Error::Database(answer) => {
            let detail = answer.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::detail);
            detail.map(str::to_owned).into_iter().fold(failure, Failure::source)
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => failure,
        _ => failure.source(error),
    }
}

/// Whether the server gave a statement up that took longer than it may.
pub(super) fn is_timeout(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(answer) if answer.code().as_deref() == Some("57014"))
}

/// Of which kind an error is, what it says, and what to do about it.
pub(super) fn explain(error: &sqlx::Error) -> (Kind, String, Option<&'static str>) {
    match error {
        sqlx::Error::Database(answer) => {
            let code = answer.code().unwrap_or_default();
            let (kind, hint) = by_code(&code);
            // What our own functions raise says all itself.
            let what = match answer.message() {
                own if code.starts_with("RC") => own.to_owned(),
                message => format!("{message} (SQLSTATE {code})"),
            };
            (kind, what, hint)
        }
        sqlx::Error::Io(io) => (Kind::Database, format!("the connection failed: {io}"), None),
        sqlx::Error::Tls(tls) => (
            Kind::Database,
            format!("TLS failed: {tls}"),
            Some("set sslmode in database.url: disable, prefer, require or verify-full"),
        ),
        sqlx::Error::PoolTimedOut => (
            Kind::Database,
            "no connection became free in time".into(),
            Some("the server is down or slow, or database.max_connections is too low"),
        ),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            (Kind::Database, "the connections were closed".into(), None)
        }
        sqlx::Error::Protocol(text) => {
            (Kind::Database, format!("the server's answer was not understood: {text}"), None)
        }
        sqlx::Error::RowNotFound => (Kind::NotFound, "no such row".into(), None),
        other => (Kind::Internal, other.to_string(), None),
    }
}

/// Source: `PostgreSQL`'s documentation, appendix A.
fn by_code(code: &str) -> (Kind, Option<&'static str>) {
    match code {
        "28P01" => (Kind::Database, Some("the password in database.url (DATABASE_URL) is wrong or missing")),
        "28000" => {
            (Kind::Database, Some("does the user in database.url exist, and does the server's pg_hba.conf let it in?"))
        }
        "3D000" => (Kind::Database, Some("create it with: createdb NAME, or name another in database.url")),
        "53300" => (Kind::Database, Some("lower database.max_connections or raise the server's max_connections")),
        "57P03" => (Kind::Database, Some("it starts or stops: try again in a moment")),
        "53100" => (Kind::Database, Some("the server's disk is full")),
        "25006" => (
            Kind::Database,
            Some("is it a standby, or default_transaction_read_only set? Name a server that can write in database.url"),
        ),
        "26000" | "42P05" => (
            Kind::Internal,
            Some("is there a pooler in transaction mode between? Then set database.pooler = \"transaction\""),
        ),
        "42501" => (Kind::Database, Some("grant the user of database.url what it lacks")),
        "3F000" | "42P01" | "42703" | "42883" => {
            (Kind::Schema, Some("bring the database up to date with: repo-to-cat migrate up"))
        }
        "RC004" => (Kind::Conflict, Some("give each request a key of its own")),
        // Our own functions, on what they were asked to enqueue.
        _ if code.starts_with("RC") => (Kind::Invalid, None),
        _ if passes_by_class(code) => (Kind::Database, None),
        _ => (Kind::Internal, None),
    }
}

/// Connection, resources, operator intervention, the system, serialisation: they pass.
fn passes_by_class(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "53" | "57" | "58" | "40"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_passes_is_the_databases() {
        for code in ["08006", "53100", "53300", "57P01", "57P03", "40001", "40P01", "25006", "28P01"] {
            assert_eq!(by_code(code).0, Kind::Database, "{code}");
        }
        assert_eq!(by_code("42P01").0, Kind::Schema);
        assert_eq!(by_code("23505").0, Kind::Internal);
    }
}
