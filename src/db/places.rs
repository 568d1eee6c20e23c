//! Databases as the server sees them: made, named, dropped, and who is connected. Run on another database of the server.
//!
//! Names come from people and from foreign servers, so every one of them is quoted.

use std::fmt;

use serde::Serialize;
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::db::restored::{create_roles, identifier, literal, unquoted};
use crate::db::{Session, error};
use crate::model::backup::manifest::Source;
use crate::model::failure::Result;

/// The longest name of a database that `PostgreSQL` keeps, in bytes.
pub const LONGEST_NAME: usize = 63;

/// Settings whose values are lists of names, each in quotes where it needs them.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Whether there is a database of that name.
pub async fn exists(session: &mut Session<'_>, name: &str) -> Result<bool> {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)");
    Ok(query.bind(name).fetch_one(session).await?)
}

/// The server's version, as `server_version_num`.
pub async fn server_version(session: &mut Session<'_>) -> Result<u32> {
    let query = sqlx::query_scalar("SELECT pg_catalog.current_setting('server_version_num')::bigint");
    let version: i64 = query.fetch_one(session).await?;
    Ok(u32::try_from(version).unwrap_or(0))
}

/// Those of these roles that the server has not.
pub async fn missing_roles(session: &mut Session<'_>, roles: &[String]) -> Result<Vec<String>> {
    let query = sqlx::query_scalar(
        "SELECT role FROM unnest($1::text[]) AS role
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role) ORDER BY role",
    );
    Ok(query.bind(roles).fetch_all(session).await?)
}

/// The folder of the server's data, where it is on this machine and we may know.
pub async fn local_folder(session: &mut Session<'_>) -> Option<String> {
    let query = sqlx::query_scalar(
        "SELECT CASE WHEN pg_catalog.inet_server_addr() IS NULL THEN pg_catalog.current_setting('data_directory') END",
    );
    // Who may not know is refused.
    query.fetch_one(session).await.ok()?
}

/// How a database is made: its encoding and its order of texts.
pub async fn look_of(session: &mut Session<'_>, name: &str) -> Result<Source> {
    // The columns of ICU have other names from version to version.
    let query = sqlx::query(
        "SELECT pg_catalog.pg_encoding_to_char(encoding)::text AS encoding, datcollate::text AS collate,
                datctype::text AS ctype,
                CASE to_jsonb(db) ->> 'datlocprovider'
                  WHEN 'i' THEN coalesce(to_jsonb(db) ->> 'datlocale', to_jsonb(db) ->> 'daticulocale') END AS icu
         FROM pg_catalog.pg_database AS db WHERE datname = $1",
    );
    let row = query.bind(name).fetch_one(session).await?;
    Ok(Source {
        encoding: row.try_get("encoding")?,
        collate: row.try_get("collate")?,
        ctype: row.try_get("ctype")?,
        icu_locale: row.try_get("icu")?,
        ..Source::default()
    })
}

/// Creates an empty database with the server's own encoding and order of texts.
pub async fn create_plain(session: &mut Session<'_>, name: &str) -> Result<()> {
    run(session, format!("CREATE DATABASE {} TEMPLATE template0", identifier(name)?)).await
}

/// Says what a database is.
pub async fn describe(session: &mut Session<'_>, name: &str, words: &str) -> Result<()> {
    run(session, format!("COMMENT ON DATABASE {} IS {}", identifier(name)?, literal(words)?)).await
}

/// Databases whose description begins with these words.
pub async fn described_as(session: &mut Session<'_>, words: &str) -> Result<Vec<String>> {
    let query = sqlx::query_scalar(
        "SELECT datname::text FROM pg_catalog.pg_database
         WHERE pg_catalog.starts_with(pg_catalog.shobj_description(oid, 'pg_database'), $1) ORDER BY datname",
    );
    Ok(query.bind(words).fetch_all(session).await?)
}

/// Drops a database, if there is one; with `force`, whoever is connected.
pub async fn drop(session: &mut Session<'_>, name: &str, force: bool) -> Result<()> {
    let force = if force { " WITH (FORCE)" } else { "" };
    run(session, format!("DROP DATABASE IF EXISTS {}{force}", identifier(name)?)).await
}

/// Gives a database the owner, the settings, the grants and the limit of connections of another.
pub async fn dress_like(session: &mut Session<'_>, name: &str, model: &str) -> Result<()> {
    let database = identifier(name)?;
    let found = sqlx::query(
        "SELECT pg_catalog.pg_get_userbyid(datdba)::text AS owner, datconnlimit AS most, datacl IS NOT NULL AS has_grants
         FROM pg_catalog.pg_database WHERE datname = $1",
    );
    let found = found.bind(model).fetch_one(&mut *session).await?;
    let (owner, most): (String, i32) = (found.try_get("owner")?, found.try_get("most")?);
    let mut statements = vec![
        format!("ALTER DATABASE {database} OWNER TO {}", identifier(&owner)?),
        format!("ALTER DATABASE {database} CONNECTION LIMIT {most}"),
    ];
    let settings: Vec<(Option<String>, String)> = sqlx::query_as(
        "SELECT (SELECT rolname::text FROM pg_catalog.pg_roles AS role WHERE role.oid = setting.setrole), one
         FROM pg_catalog.pg_db_role_setting AS setting, unnest(setconfig) AS one
         WHERE setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $1)",
    )
    .bind(model)
    .fetch_all(&mut *session)
    .await?;
    for (role, setting) in &settings {
        let Some((key, value)) = setting.split_once('=') else { continue };
        let value = written(key, value)?;
        let whose = match role {
            Some(role) => format!("ROLE {} IN DATABASE {database}", identifier(role)?),
            None => format!("DATABASE {database}"),
        };
        // A setting of an extension has a dot between two names.
        let key = key.split('.').map(identifier).collect::<Result<Vec<_>>>()?.join(".");
        statements.push(format!("ALTER {whose} SET {key} = {value}"));
    }
    if found.try_get("has_grants")? {
        statements.push(format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"));
        let grants: Vec<(Option<String>, String, bool)> = sqlx::query_as(
            "SELECT role.rolname::text, privilege_type, is_grantable
             FROM pg_catalog.pg_database, pg_catalog.aclexplode(datacl) AS grants
             LEFT JOIN pg_catalog.pg_roles AS role ON role.oid = grants.grantee WHERE datname = $1",
        )
        .bind(model)
        .fetch_all(&mut *session)
        .await?;
        for (role, privilege, is_grantable) in &grants {
            let to = role.as_deref().map_or(Ok("PUBLIC".to_owned()), identifier)?;
            let option = if *is_grantable { " WITH GRANT OPTION" } else { "" };
            statements.push(format!("GRANT {privilege} ON DATABASE {database} TO {to}{option}"));
        }
    }
    for statement in statements {
        run(session, statement).await?;
    }
    Ok(())
}

/// Somebody who is connected to a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guest {
    /// What the program calls itself.
    pub application: String,
    /// As whom.
    pub user: String,
    /// From where.
    pub address: String,
    /// How many connections.
    pub connections: i64,
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { application, user, address, connections } = self;
        let application = if application.is_empty() { "an unnamed program" } else { application };
        write!(f, "{application} ({connections} as {user} from {address})")
    }
}

/// Who is connected to a database.
pub async fn guests(session: &mut Session<'_>, name: &str) -> Result<Vec<Guest>> {
    let rows = sqlx::query(
        "SELECT coalesce(application_name, '') AS application, coalesce(usename::text, '?') AS \"user\",
                coalesce(pg_catalog.host(client_addr), 'this machine') AS address, count(*) AS connections
         FROM pg_catalog.pg_stat_activity
         WHERE datname = $1 AND backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()
         GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3",
    );
    let guest = |row: sqlx::postgres::PgRow| {
        Ok(Guest {
            application: row.try_get("application")?,
            user: row.try_get("user")?,
            address: row.try_get("address")?,
            connections: row.try_get("connections")?,
        })
    };
    rows.bind(name).fetch_all(session).await?.into_iter().map(guest).collect()
}

/// Ends all sessions of a database but our own; returns how many.
pub async fn terminate(session: &mut Session<'_>, name: &str) -> Result<i64> {
    let query = sqlx::query_scalar(
        "SELECT count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
         WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid()",
    );
    Ok(query.bind(name).fetch_one(session).await?)
}

/// The statement that drops a database, for people.
#[must_use]
pub fn dropping(name: &str) -> String {
    format!("DROP DATABASE \"{}\"", name.replace('"', "\"\""))
}

/// The statement that renames a database.
pub fn renaming(from: &str, to: &str) -> Result<String> {
    Ok(format!("ALTER DATABASE {} RENAME TO {}", identifier(from)?, identifier(to)?))
}

/// Renames databases, one after the other, all or none. False where somebody is connected to one of them. Whoever connects
/// meanwhile waits, and finds what is there then.
pub async fn rename(session: &mut Session<'_>, names: &[(&str, &str)]) -> Result<bool> {
    let mut transaction = session.begin().await?;
    // A lock that somebody else holds is waited for, but not for ever: who connects to these databases waits behind us.
    (*transaction).execute("SET LOCAL lock_timeout = '10s'").await?;
    for (from, to) in names {
        let renamed = (*transaction).execute(sqlx::query(AssertSqlSafe(renaming(from, to)?))).await;
        if let Err(error) = renamed {
            // object_in_use: the server itself waits some seconds for them to go.
            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
            let is_in_use = code.as_deref() == Some("55006") || error::is_busy(&error);
            transaction.rollback().await?;
            return if is_in_use { Ok(false) } else { Err(error.into()) };
        }
    }
    transaction.commit().await?;
    Ok(true)
}

/// What became of the queue in a restored database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// There is none.
    NoQueue,
    /// It is of before holds were known.
    TooOld,
    /// It is held; so many jobs were parked.
    Jobs(i64),
}

/// Holds the queue of a restored database, if it has one. Run in that database.
pub async fn hold(session: &mut Session<'_>, reason: &str) -> Result<Held> {
    let query =
        sqlx::query_as("SELECT to_regprocedure('queue.hold(text)') IS NOT NULL, to_regclass('queue.jobs') IS NOT NULL");
    match query.fetch_one(&mut *session).await? {
        (true, true) => {
            let jobs = sqlx::query_scalar("SELECT queue.hold($1)").bind(reason).fetch_one(session).await?;
            Ok(Held::Jobs(jobs))
        }
        (false, true) => Ok(Held::TooOld),
        (_, false) => Ok(Held::NoQueue),
    }
}

/// Makes roles by statements of `pg_dumpall`, and those of `roles` that these do not tell of without a login; all or none.
pub async fn make_roles(session: &mut Session<'_>, statements: &[String], roles: &[String]) -> Result<()> {
    let mut transaction = session.begin().await?;
    for statement in statements {
        run(&mut transaction, statement.clone()).await?;
    }
    let left = missing_roles(&mut transaction, roles).await?;
    create_roles(&mut transaction, &left, &[]).await?;
    Ok(transaction.commit().await?)
}

/// Statements about databases stand alone and take no parameters. They are prepared, which takes one only: whatever was
/// put into it, no other one follows.
async fn run(session: &mut Session<'_>, sql: String) -> Result<()> {
    session.execute(sqlx::query(AssertSqlSafe(sql)).persistent(false)).await?;
    Ok(())
}

/// The value of a setting as SQL: of a list each name in quotes, as `pg_dump` has it. Any role may have set it, to anything.
fn written(key: &str, value: &str) -> Result<String> {
    let is_list = LISTS.iter().any(|list| key.eq_ignore_ascii_case(list));
    match names_in(value).filter(|names| is_list && !names.is_empty()) {
        Some(names) => Ok(names.iter().map(|name| literal(name)).collect::<Result<Vec<_>>>()?.join(", ")),
        None => literal(value),
    }
}

/// The names in a list, unquoted; none where it is no list.
fn names_in(list: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = list.trim_start();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        let (name, after) = if let Some(quoted) = rest.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let end = rest.find(|c: char| c == ',' || c.is_ascii_whitespace()).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        names.push(name);
        match after.trim_start().strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return after.trim().is_empty().then_some(names),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn a_setting_is_a_text_or_texts_whatever_is_in_it() {
        for (key, value, sql) in [
            ("work_mem", "5MB", "E'5MB'"),
            ("search_path", "\"$user\", public", "E'$user', E'public'"),
            ("Search_Path", "\"a, \"\"b\"\"\" ,c", "E'a, \"b\"', E'c'"),
            ("search_path", "\"\"", "E''"),
            ("search_path", "", "E''"),
            ("search_path", "x;DROP/**/DATABASE/**/cats", "E'x;DROP/**/DATABASE/**/cats'"),
            ("temp_tablespaces", "a'; DROP DATABASE cats", "E'a''; DROP DATABASE cats'"),
            ("search_path", "\"a", "E'\"a'"),
            ("a.b", "x, y", "E'x, y'"),
        ] {
            assert_eq!(written(key, value).unwrap(), sql, "{key}");
        }
    }
}
