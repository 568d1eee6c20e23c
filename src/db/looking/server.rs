//! The server, and our connection to it.

use chrono::{DateTime, Utc};

use crate::config;
pub use crate::db::around::Speaks;
use crate::db::around::speaks;
use crate::db::connect::{describe, options};
use crate::db::{Db, Session};
use crate::model::failure::Result;

/// What listens at an address, or why nobody does.
#[derive(Debug)]
pub struct Answer {
    /// Host, port and database.
    pub place: String,
    /// The folder of its socket, where it is one.
    pub is_socket: bool,
    /// What was found.
    pub found: Result<Speaks, String>,
}

/// What listens at each host of `database.url`, asked without a login.
pub async fn answers(settings: &config::Database) -> Result<Vec<Answer>> {
    let mut answers = Vec::new();
    for url in settings.hosts() {
        let options = options(&url)?;
        let found = speaks(&options, options.get_port()).await.map_err(|error| error.to_string());
        answers.push(Answer { place: describe(&options), is_socket: options.get_socket().is_some(), found });
    }
    Ok(answers)
}

/// What the server says of itself and of our session.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(clippy::struct_excessive_bools)] // Facts, not states.
pub struct Facts {
    /// The version for people.
    pub version_text: String,
    /// Since when it runs.
    pub started_at: DateTime<Utc>,
    /// Its clock.
    pub now: DateTime<Utc>,
    /// The database that we are in.
    pub database: String,
    /// The database's size in bytes.
    pub database_bytes: i64,
    /// Whose session this is.
    pub user: String,
    /// Whether it may do all.
    pub is_superuser: bool,
    /// Whether it sees what other users' sessions do.
    pub sees_others: bool,
    /// The server's own address; none for a socket.
    pub address: Option<String>,
    /// Whether client and server are on one machine.
    pub is_near: bool,
    /// Protocol and cipher of the connection; none where it is not encrypted.
    pub tls: Option<String>,
    /// Whether it is a standby.
    pub is_standby: bool,
    /// Whether transactions are read-only, for whatever reason.
    pub is_read_only: bool,
    /// Where its files are, if we may know.
    pub data_folder: Option<String>,
    /// Sessions that it takes from those who are no superusers.
    pub most_connections: i32,
    /// Sessions of clients that there are.
    pub connections: i64,
    /// Sessions that the role may have; none where it may have any number.
    pub role_connections: Option<i32>,
    /// Whether dead rows are removed by themselves: `autovacuum` and `track_counts`.
    pub has_autovacuum: bool,
    /// Age of the oldest transaction id in the database, in transactions.
    pub xid_age: i64,
    /// From which age on the server freezes rows by itself.
    pub freeze_max_age: i64,
}

/// Asks the server.
pub async fn facts(session: &mut Session<'_>) -> Result<Facts> {
    let facts = sqlx::query_as(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS version_text,
                pg_postmaster_start_time() AS started_at, clock_timestamp() AS now,
                current_database()::text AS database, pg_database_size(current_database()) AS database_bytes,
                current_user::text AS \"user\", r.rolsuper AS is_superuser,
                pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_others,
                host(inet_server_addr()) || ':' || inet_server_port() AS address,
                coalesce(inet_client_addr() = inet_server_addr() OR inet_client_addr() <<= '127.0.0.0/8'
                         OR inet_client_addr() = '::1', true) AS is_near,
                (SELECT s.version || ', ' || s.cipher FROM pg_stat_ssl AS s WHERE s.pid = pg_backend_pid() AND s.ssl) AS tls,
                pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only') = 'on' AS is_read_only,
                CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
                     THEN current_setting('data_directory') END AS data_folder,
                current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                  - coalesce(current_setting('reserved_connections', true), '0')::int AS most_connections,
                (SELECT sum(numbackends) FROM pg_stat_database WHERE datid > 0)::bigint AS connections,
                nullif(r.rolconnlimit, -1) AS role_connections,
                current_setting('autovacuum')::bool AND current_setting('track_counts')::bool AS has_autovacuum,
                (SELECT age(datfrozenxid)::bigint FROM pg_database WHERE datname = current_database()) AS xid_age,
                current_setting('autovacuum_freeze_max_age')::bigint AS freeze_max_age
         FROM pg_roles AS r WHERE r.rolname = current_user",
    )
    .fetch_one(session)
    .await?;
    Ok(facts)
}

/// An extension that is installed in the database.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The extensions of the database.
pub async fn extensions(db: &Db) -> Result<Vec<Extension>> {
    let found = sqlx::query_as("SELECT extname::text AS name, extversion AS version FROM pg_extension ORDER BY 1");
    Ok(found.fetch_all(db.pool()).await?)
}

/// The server's `server_version_num`.
pub async fn version(session: &mut Session<'_>) -> Result<u32> {
    let version: i32 =
        sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(session).await?;
    Ok(version.unsigned_abs())
}
