//! The server and our way into it.

use chrono::{DateTime, Utc};

use crate::db::OLDEST_VERSION;
use crate::db::looking::privileges::Lack;
use crate::db::looking::server::{Answer, Extension, Facts, Speaks};
use crate::model::check::Check;

pub(super) const NAME: &str = "server";
pub(super) const LOGIN: &str = "login";

/// Seconds that the clocks may differ by.
const CLOCK_WARN: f64 = 2.0;
const CLOCK_FAIL: f64 = 60.0;

/// What listens at one of the hosts. Where one let us in, the others are a choice.
pub(super) fn answers(answer: &Answer, is_in: bool) -> Check {
    let place = &answer.place;
    let found = match &answer.found {
        Ok(Speaks::Postgres { tls }) => {
            let tls = if *tls { "speaks TLS" } else { "speaks no TLS" };
            return Check::ok(NAME, format!("PostgreSQL answers at {place}; it {tls}"));
        }
        Ok(Speaks::Another) => format!("what listens at {place} is not PostgreSQL"),
        Ok(Speaks::Closes) => format!("whoever listens at {place} closes the connection"),
        Ok(Speaks::Silent) => format!("whoever listens at {place} says nothing"),
        Err(error) => format!("nobody answers at {place}: {error}"),
    };
    let todo = "start it, or take it out of database.url (DATABASE_URL)";
    if is_in { Check::warn(NAME, found, todo) } else { Check::fail(NAME, found, todo) }
}

/// What the server says of itself; `ours` is our clock at the same moment.
pub(super) fn checks(facts: &Facts, ours: DateTime<Utc>) -> Vec<Check> {
    vec![
        Check::ok(LOGIN, format!("as {}{}", facts.user, if facts.is_superuser { ", a superuser" } else { "" })),
        Check::ok("database", facts.database.clone()),
        tls(facts),
        version(facts),
        writable(facts),
        clock(facts.now, ours),
    ]
}

fn tls(facts: &Facts) -> Check {
    const NAME: &str = "TLS";
    match &facts.tls {
        Some(tls) => Check::ok(NAME, tls.clone()),
        None if facts.is_near => Check::ok(NAME, "none, and none needed: the server is on this machine"),
        None => Check::warn(
            NAME,
            format!("none: whoever is between here and {} can read along", facts.address.as_deref().unwrap_or("it")),
            "turn ssl on at the server, and set sslmode=verify-full in database.url",
        ),
    }
}

fn version(facts: &Facts) -> Check {
    let since = facts.started_at.format("%Y-%m-%d %H:%M:%S UTC");
    let found = format!("PostgreSQL {}, running since {since}; {OLDEST_VERSION} and newer work", facts.version_text);
    Check::ok("version", found)
}

fn writable(facts: &Facts) -> Check {
    const NAME: &str = "writable";
    if facts.is_standby {
        return Check::fail(
            NAME,
            "no: it is a standby",
            "name the server that it follows in database.url, or promote it",
        );
    }
    if facts.is_read_only {
        return Check::fail(
            NAME,
            "no: default_transaction_read_only is set",
            format!(
                "type in psql: ALTER DATABASE {} SET default_transaction_read_only = off   (or ALTER ROLE {}, or the server's \
                 configuration: SHOW default_transaction_read_only tells)",
                facts.database, facts.user
            ),
        );
    }
    Check::ok(NAME, "yes")
}

fn clock(theirs: DateTime<Utc>, ours: DateTime<Utc>) -> Check {
    const NAME: &str = "server clock";
    const TODO: &str = "let both machines take their time from a time server; type on each: timedatectl";
    let ahead = (theirs - ours).num_milliseconds() as f64 / 1000.0;
    let which = if ahead < 0.0 { "behind" } else { "ahead of" };
    let found = format!("{:.1} s {which} ours; the queue goes by the server's", ahead.abs());
    if ahead.abs() > CLOCK_FAIL {
        Check::fail(NAME, found, TODO)
    } else if ahead.abs() > CLOCK_WARN {
        Check::warn(NAME, found, TODO)
    } else {
        Check::ok(NAME, "as ours")
    }
}

/// Whether the role may do a worker's work. One that only enqueues or looks needs less.
pub(super) fn privileges(lacks: &[Lack]) -> Check {
    const NAME: &str = "privileges";
    let Some(first) = lacks.first() else { return Check::ok(NAME, "the role may do all that a worker does") };
    let found = format!(
        "the role may not do what a worker does: {} on {}{}; enough for who only enqueues or looks",
        first.privileges.join(", "),
        first.table,
        if lacks.len() > 1 { format!(" and {} more", lacks.len() - 1) } else { String::new() }
    );
    Check::warn(NAME, found, "run workers as the owner of the tables, or grant its role to this one")
}

/// What the schema needs is in every database from the beginning, unless somebody took it out.
pub(super) fn extensions(found: &[Extension]) -> Check {
    const NAME: &str = "extensions";
    if !found.iter().any(|extension| extension.name == "plpgsql") {
        return Check::fail(NAME, "plpgsql is missing", "type in psql: CREATE EXTENSION plpgsql");
    }
    let list: Vec<_> = found.iter().map(|extension| format!("{} {}", extension.name, extension.version)).collect();
    Check::ok(NAME, format!("{}; no other than plpgsql is needed", list.join(", ")))
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::model::check::State;

    /// A server that is well.
    pub fn facts() -> Facts {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Facts {
            version_text: "15.10".to_owned(),
            started_at: now,
            now,
            database: "cats".to_owned(),
            database_bytes: 50_000_000,
            user: "cat".to_owned(),
            is_superuser: false,
            sees_others: true,
            address: Some("10.0.0.1:5432".to_owned()),
            is_near: false,
            tls: Some("TLSv1.3, TLS_AES_256_GCM_SHA384".to_owned()),
            is_standby: false,
            is_read_only: false,
            data_folder: None,
            most_connections: 97,
            connections: 10,
            role_connections: None,
            has_autovacuum: true,
            xid_age: 1000,
            freeze_max_age: 200_000_000,
        }
    }

    #[test]
    fn a_server_that_is_well_passes() {
        let facts = facts();
        assert!(checks(&facts, facts.now).iter().all(|check| check.state == State::Ok));
    }

    #[test]
    fn each_fault_is_told() {
        let plain = Facts { tls: None, ..facts() };
        assert_eq!(tls(&plain).state, State::Warn);
        assert_eq!(tls(&Facts { is_near: true, ..plain }).state, State::Ok);
        assert!(writable(&Facts { is_standby: true, is_read_only: true, ..facts() }).found.contains("standby"));
        assert_eq!(writable(&Facts { is_read_only: true, ..facts() }).state, State::Fail);
        assert_eq!(extensions(&[]).state, State::Fail);
        let lack = Lack { table: "queue.jobs".to_owned(), privileges: vec!["UPDATE".to_owned(), "DELETE".to_owned()] };
        assert!(privileges(&[lack]).found.contains("UPDATE, DELETE on queue.jobs;"));
        let now = facts().now;
        let state = |millis| clock(now, now + TimeDelta::milliseconds(millis)).state;
        assert_eq!([-1900, 2100, -2100, 61_000].map(state), [State::Ok, State::Warn, State::Warn, State::Fail]);
    }

    #[test]
    fn a_host_that_is_away_only_matters_where_none_lets_us_in() {
        let away = Answer { place: "db:5432/cats".to_owned(), is_socket: false, found: Err("refused".to_owned()) };
        assert_eq!([true, false].map(|is_in| answers(&away, is_in).state), [State::Warn, State::Fail]);
    }
}
