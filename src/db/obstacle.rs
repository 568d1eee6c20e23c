//! Why there is no connection: each reason told apart, with a sentence of its own and what to do about it.
//!
//! What the error alone does not tell is found out by asking around, for two seconds at most: whether the other usual port
//! is the right one, whether a `PostgreSQL` server listens there at all, and which databases there are.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::time::timeout;

use crate::db::around::{Speaks, other_port, speaks};
use crate::db::connect::describe;
use crate::db::error::{because_of, explain};
use crate::model::failure::{Failure, Kind};

/// How long to ask around.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database that every server has from the beginning.
const FIRST_DATABASE: &str = "postgres";

/// How many databases are listed.
const LISTED: usize = 8;

/// What keeps us out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    NobodyListens,
    NoSocket,
    ClosedSocket,
    UnknownHost,
    Unreachable,
    /// The connection ended, or what came was not understood.
    Misunderstood,
    NoTls,
    Tls,
    Password,
    NoRole,
    /// The rules of `pg_hba.conf`.
    Rules,
    /// Another way in than by password: `peer`, `cert` and the like.
    OtherWay,
    MayNotLogIn,
    NoDatabase,
    MayNotConnect,
    Full,
    Starting,
    Stopping,
    Recovering,
    /// A pooler that is not set up for this, or has no server behind it.
    Pooler,
    Other,
}

/// What was found by asking around.
#[derive(Debug, Default)]
struct Around {
    here: Option<Speaks>,
    other_port: Option<u16>,
    databases: Vec<String>,
}

/// A failure to connect, as `options` say.
pub(super) async fn failure(error: sqlx::Error, options: &PgConnectOptions) -> Failure {
    let obstacle = Obstacle::of(&error);
    let around = timeout(PATIENCE, look(obstacle, options)).await.unwrap_or_default();
    tell(error, obstacle, &around, options)
}

/// The same where there is no time to ask around.
pub(super) fn failure_as_told(error: sqlx::Error, options: &PgConnectOptions) -> Failure {
    let obstacle = Obstacle::of(&error);
    tell(error, obstacle, &Around::default(), options)
}

/// The failure of a server that did not let us in within `wait`.
pub(super) async fn too_slow(wait: Duration, options: &PgConnectOptions) -> Failure {
    let place = describe(options);
    let here = timeout(PATIENCE, speaks(options, options.get_port())).await;
    let what = format!("PostgreSQL at {place} did not answer within {} s", wait.as_secs());
    let (what, hint) = match here {
        Ok(Ok(Speaks::Another)) => (format!("what listens at {place} is not PostgreSQL"), ANOTHER),
        Ok(Ok(Speaks::Silent)) => (
            what,
            "something listens there and says nothing: is it PostgreSQL, and is the address in database.url \
             (DATABASE_URL) right? A server that is stuck shows why in its log",
        ),
        Ok(Ok(_)) => (what, "a server is there, but slow: give it more database.connect_seconds"),
        _ => (
            what,
            "is the address in database.url (DATABASE_URL) right, and does no firewall stand between? A slow server \
             needs more database.connect_seconds",
        ),
    };
    Failure::new(Kind::Database, what).hint(hint)
}

const ANOTHER: &str = "another program, such as an HTTP server, has that port: are host and port in database.url \
                       (DATABASE_URL) right? The founding guide's server is on port 5434";

impl Obstacle {
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(error) => Self::of_network(error),
            // The driver's own words, which have no code.
            sqlx::Error::Tls(error) if error.to_string().contains("does not support TLS") => Self::NoTls,
            sqlx::Error::Tls(_) => Self::Tls,
            sqlx::Error::Protocol(_) => Self::Misunderstood,
            sqlx::Error::Database(answer) => Self::of_answer(&answer.code().unwrap_or_default(), answer.message()),
            _ => Self::Other,
        }
    }

    fn of_network(error: &io::Error) -> Self {
        use io::ErrorKind as Is;
        match error.kind() {
            Is::ConnectionRefused => Self::NobodyListens,
            Is::NotFound => Self::NoSocket,
            Is::PermissionDenied => Self::ClosedSocket,
            Is::HostUnreachable | Is::NetworkUnreachable | Is::NetworkDown | Is::TimedOut => Self::Unreachable,
            Is::UnexpectedEof | Is::ConnectionReset | Is::ConnectionAborted | Is::BrokenPipe => Self::Misunderstood,
            // rustls tells so what is wrong with a certificate.
            Is::InvalidData => Self::Tls,
            _ if error.to_string().contains("lookup address") => Self::UnknownHost,
            _ => Self::Other,
        }
    }

    /// By `PostgreSQL`'s code and, where it has one code for several reasons, by those of its words that are in no
    /// language; by a pooler's words, which has no codes of its own.
    fn of_answer(code: &str, message: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        match code {
            "28P01" => Self::Password,
            "28000" if says(&["pg_hba.conf"]) => Self::Rules,
            "28000" if says(&["authentication failed", "certificate"]) => Self::OtherWay,
            "28000" if says(&["not permitted to log in"]) => Self::MayNotLogIn,
            "28000" => Self::NoRole,
            "3D000" => Self::NoDatabase,
            "42501" => Self::MayNotConnect,
            "53300" => Self::Full,
            "57P03" if says(&["shutting down"]) => Self::Stopping,
            "57P03" if says(&["recovery", "not accepting"]) => Self::Recovering,
            "57P03" => Self::Starting,
            "57P01" | "57P02" => Self::Stopping,
            _ if says(&["max_client_conn", "no more connections allowed", "too many"]) => Self::Full,
            _ if says(&["auth failed", "no such user", "password authentication failed"]) => Self::Password,
            _ if says(&["no such database"]) => Self::NoDatabase,
            _ if says(&["pgbouncer", "server login", "query_wait_timeout", "unsupported startup parameter"])
                || says(&["login rejected", "server conn crashed", "bouncer config", "database removed"]) =>
            {
                Self::Pooler
            }
            _ => Self::Other,
        }
    }

    /// Whether a server may be meant that listens on the other usual port.
    const fn may_be_another_server(self) -> bool {
        matches!(
            self,
            Self::NobodyListens
                | Self::NoSocket
                | Self::Password
                | Self::NoRole
                | Self::Rules
                | Self::NoDatabase
                | Self::Misunderstood
        )
    }

    /// What was wrong, where that says more than the error does.
    fn sentence(self, around: &Around, said: &str, options: &PgConnectOptions) -> Option<String> {
        Some(match (self, around.here) {
            (Self::NobodyListens, _) => format!("connection refused: no server listens there ({said})"),
            (Self::NoSocket, _) => format!("there is no socket of a server ({said})"),
            (Self::ClosedSocket, _) => format!("we may not use the socket ({said})"),
            (Self::UnknownHost, _) => format!("the host {} is not known ({said})", options.get_host()),
            (Self::Unreachable, _) => format!("the host cannot be reached ({said})"),
            (Self::Misunderstood, Some(Speaks::Another)) => "what listens there is not PostgreSQL".to_owned(),
            (Self::Misunderstood, Some(Speaks::Closes)) => {
                format!("the connection was closed before the server said a word ({said})")
            }
            (Self::Tls, _) => format!("TLS failed: {said}"),
            (Self::NoTls, _) => "database.url asks for TLS, which the server does not speak".to_owned(),
            _ => return None,
        })
    }

    /// What to do about it; none where the code's own hint says it.
    fn hint(self, around: &Around, options: &PgConnectOptions) -> Option<String> {
        let port = options.get_port();
        Some(match (self, around.here) {
            (Self::NobodyListens, _) => format!(
                "is it running (docker compose ps; docker compose logs postgres), and is {port} the port in database.url \
                 (DATABASE_URL)?"
            ),
            (Self::NoSocket, _) => {
                "is the server running, and are the socket's folder and port in database.url (DATABASE_URL) right? The \
                 server tells: SHOW unix_socket_directories"
                    .into()
            }
            (Self::ClosedSocket, _) => "run this as a user that may enter the socket's folder".into(),
            (Self::UnknownHost, _) => {
                "is its name in database.url (DATABASE_URL) right? Names of compose services are known in their network \
                 only: from outside it is localhost:5434"
                    .into()
            }
            (Self::Unreachable, _) => "is the address right, and does no firewall stand between?".into(),
            (Self::Misunderstood, Some(Speaks::Another)) => ANOTHER.into(),
            (Self::Misunderstood, Some(Speaks::Closes)) => {
                "Docker and proxies do so while no server runs behind them: docker compose ps; docker compose logs \
                 postgres"
                    .into()
            }
            (Self::Misunderstood, _) => "look into the server's log: docker compose logs postgres".into(),
            (Self::NoTls, _) => "turn ssl on at the server, or set sslmode=prefer in database.url".into(),
            (Self::Password, _) => {
                "the password in database.url (DATABASE_URL, .env) is wrong or missing, or there is no such role: a server \
                 that asks for passwords does not tell which"
                    .into()
            }
            (Self::NoRole, _) => format!("create it with: createuser {}, or name another in database.url", options.get_username()),
            (Self::Rules, Some(Speaks::Postgres { tls: true })) if is_plain(options) => {
                "the server speaks TLS and may let nobody in without it: set sslmode=require in database.url".into()
            }
            (Self::Rules, _) => format!(
                "let the server's pg_hba.conf have a line for this user and database before others that match: {} {} {}{} \
                 scram-sha-256; then: SELECT pg_reload_conf()",
                if options.get_socket().is_some() { "local" } else { "host" },
                options.get_database().unwrap_or("all"),
                options.get_username(),
                if options.get_socket().is_some() { "" } else { " ADDRESS" }
            ),
            (Self::OtherWay, _) => format!(
                "the server's pg_hba.conf asks this user for something else than a password: run this as the system's user \
                 {}, or have the line say scram-sha-256",
                options.get_username()
            ),
            (Self::MayNotLogIn, _) => format!("type in psql: ALTER ROLE {} LOGIN", options.get_username()),
            (Self::NoDatabase, _) if !around.databases.is_empty() => format!(
                "there are: {}. Name one of them in database.url, or create it with: createdb {}",
                around.databases.join(", "),
                options.get_database().unwrap_or_default()
            ),
            (Self::NoDatabase, _) => format!(
                "create it with: createdb {}, or name another in database.url",
                options.get_database().unwrap_or_default()
            ),
            (Self::MayNotConnect, _) => format!(
                "type in psql: GRANT CONNECT ON DATABASE {} TO {}",
                options.get_database().unwrap_or_default(),
                options.get_username()
            ),
            (Self::Full, _) => {
                "end some sessions (repo-to-cat db sessions; superusers have places of their own), lower \
                 database.max_connections or raise the server's max_connections"
                    .into()
            }
            (Self::Starting, _) => "it starts: try again in a moment".into(),
            (Self::Stopping, _) => "it is being stopped: start it again, or wait until it is back".into(),
            (Self::Recovering, _) => {
                "it recovers, or is a standby that takes no connections: see its log, or name another in database.url"
                    .into()
            }
            (Self::Pooler, _) => {
                "that is the pooler speaking: look into its log, and whether its server runs; database.direct_url goes past \
                 it"
                    .into()
            }
            (Self::Tls, _) => {
                "name the authority that made the server's certificate with sslrootcert=FILE in database.url, or set \
                 sslmode=require, which encrypts without a proof of whose the server is"
                    .into()
            }
            (Self::Other, _) => return None,
        })
    }
}

/// Whether no TLS is asked for.
fn is_plain(options: &PgConnectOptions) -> bool {
    matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow)
}

async fn look(obstacle: Obstacle, options: &PgConnectOptions) -> Around {
    let mut around = Around::default();
    let asks_here = obstacle == Obstacle::Misunderstood || obstacle == Obstacle::Rules && is_plain(options);
    if asks_here {
        around.here = speaks(options, options.get_port()).await.ok();
    }
    if obstacle.may_be_another_server() {
        around.other_port = other_port(options).await;
    }
    if obstacle == Obstacle::NoDatabase {
        around.databases = databases(options).await.unwrap_or_default();
    }
    around
}

/// The databases that we could connect to, where we may ask.
async fn databases(options: &PgConnectOptions) -> Result<Vec<String>, sqlx::Error> {
    let mut connection = options.clone().database(FIRST_DATABASE).connect().await?;
    let mut names: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database
         WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT')
         ORDER BY datname = 'postgres', datname LIMIT $1",
    )
    .persistent(false)
    .bind(i32::try_from(LISTED + 1).unwrap_or(i32::MAX))
    .fetch_all(&mut connection)
    .await?;
    drop(connection.close().await);
    if let Some(last) = names.get_mut(LISTED) {
        "...".clone_into(last);
    }
    Ok(names)
}

fn tell(error: sqlx::Error, obstacle: Obstacle, around: &Around, options: &PgConnectOptions) -> Failure {
    let (kind, said, code_hint) = explain(&error);
    let kind = if kind == Kind::Internal { Kind::Database } else { kind };
    let bare = match &error {
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => error.to_string(),
        _ => said.clone(),
    };
    let sentence = obstacle.sentence(around, &bare, options).unwrap_or(said);
    let hint = obstacle.hint(around, options).or(code_hint.map(str::to_owned));
    let mut hint = hint.unwrap_or_else(|| {
        "is the server running, and are host and port in database.url (DATABASE_URL) right?".to_owned()
    });
    if let Some(port) = around.other_port {
        _ = write!(hint, ". A PostgreSQL server answers on port {port} there: is that the one?");
    }
    let what = format!("cannot connect to PostgreSQL at {}: {sentence}", describe(options));
    because_of(Failure::new(kind, what).hint(hint), error)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn options(url: &str) -> PgConnectOptions {
        PgConnectOptions::from_str(url).unwrap()
    }

    fn of_network(kind: io::ErrorKind, around: &Around) -> Failure {
        let error = sqlx::Error::Io(kind.into());
        let obstacle = Obstacle::of(&error);
        tell(error, obstacle, around, &options("postgres://cat@db:5432/cats"))
    }

    #[test]
    fn a_cause_is_not_told_twice() {
        let failure = of_network(io::ErrorKind::ConnectionRefused, &Around::default());
        assert_eq!(
            failure.what(),
            "cannot connect to PostgreSQL at db:5432/cats: connection refused: no server listens there (connection refused)"
        );
        assert_eq!((failure.kind(), failure.causes().len()), (Kind::Database, 0));
    }

    #[test]
    fn a_server_on_the_other_port_is_told() {
        let around = Around { other_port: Some(5434), ..Around::default() };
        let failure = of_network(io::ErrorKind::ConnectionRefused, &around);
        assert!(failure.hint_text().unwrap().ends_with("answers on port 5434 there: is that the one?"));
    }

    #[test]
    fn what_is_no_server_is_told_from_one_that_hangs_up() {
        let told = |here| of_network(io::ErrorKind::UnexpectedEof, &Around { here, ..Around::default() });
        assert!(told(Some(Speaks::Another)).what().ends_with("what listens there is not PostgreSQL"));
        assert!(told(Some(Speaks::Closes)).what().contains("before the server said a word"));
        assert!(told(Some(Speaks::Postgres { tls: true })).what().contains("the connection failed"));
    }

    #[test]
    fn each_answer_is_known() {
        for (code, message, obstacle) in [
            ("28P01", "password authentication failed for user \"cat\"", Obstacle::Password),
            ("28000", "role \"cat\" does not exist", Obstacle::NoRole),
            ("28000", "Rolle »cat« existiert nicht", Obstacle::NoRole),
            ("28000", "role \"cat\" is not permitted to log in", Obstacle::MayNotLogIn),
            ("28000", "Peer authentication failed for user \"cat\"", Obstacle::OtherWay),
            (
                "28000",
                "no pg_hba.conf entry for host \"::1\", user \"cat\", database \"x\", no encryption",
                Obstacle::Rules,
            ),
            ("28000", "kein pg_hba.conf-Eintrag für Host »::1«", Obstacle::Rules),
            ("3D000", "database \"cats\" does not exist", Obstacle::NoDatabase),
            ("42501", "permission denied for database \"cats\"", Obstacle::MayNotConnect),
            ("53300", "sorry, too many clients already", Obstacle::Full),
            ("53300", "too many connections for role \"cat\"", Obstacle::Full),
            ("57P03", "the database system is starting up", Obstacle::Starting),
            ("57P03", "the database system is shutting down", Obstacle::Stopping),
            ("57P03", "the database system is in recovery mode", Obstacle::Recovering),
            ("57P03", "the database system is not accepting connections", Obstacle::Recovering),
            ("08P01", "no more connections allowed (max_client_conn)", Obstacle::Full),
            ("08P01", "no such database: cats", Obstacle::NoDatabase),
            ("3D000", "no such database: cats", Obstacle::NoDatabase),
            ("08P01", "no such user: cat", Obstacle::Password),
            ("08P01", "pgbouncer cannot connect to server", Obstacle::Pooler),
            ("08P01", "server login has been failing, try again later (server_login_retry)", Obstacle::Pooler),
            ("08P01", "query_wait_timeout", Obstacle::Pooler),
            ("08P01", "unsupported startup parameter: search_path", Obstacle::Pooler),
            ("XX000", "something else", Obstacle::Other),
        ] {
            assert_eq!(Obstacle::of_answer(code, message), obstacle, "{code} {message}");
        }
    }

    #[test]
    fn tls_is_proposed_only_where_none_was_used() {
        let around = Around { here: Some(Speaks::Postgres { tls: true }), ..Around::default() };
        let hint = |url| Obstacle::Rules.hint(&around, &options(url)).unwrap();
        assert!(hint("postgres://cat@db/cats?sslmode=disable").contains("sslmode=require"));
        assert!(hint("postgres://cat@db/cats?sslmode=prefer").contains("host cats cat ADDRESS scram-sha-256"));
    }
}
