//! Checks of the database that is to be backed up: whether it can be reached, and read to the last row.

use crate::db::Session;
use crate::db::server::Server;
use crate::db::source::privileges::{Role, Sort, Unreadable, role, unreadable};
use crate::db::source::{blocked, catalog, pooler};
use crate::model::backup::BackupRequest;
use crate::model::backup::manifest::Source;
use crate::model::check::{Check, State};
use crate::model::failure::Result;

pub(super) const CONNECTION: &str = "connection";
pub(super) const POOLER: &str = "pooler";
pub(super) const PRIVILEGES: &str = "privileges";
pub(super) const ROW_SECURITY: &str = "row-level security";
pub(super) const GLOBALS: &str = "globals";

/// What was found out about a database.
#[derive(Debug)]
pub struct Seen {
    /// Line by line.
    pub checks: Vec<Check>,
    /// What it is; none where it cannot be reached.
    pub source: Option<Source>,
}

/// Looks at a database. `globals`: whether the server's roles are to be dumped, too.
pub async fn look(server: &Server, database: &str, request: &BackupRequest, globals: bool) -> Seen {
    let mut checks = Vec::new();
    let source = match inspect(server, database, request, globals, &mut checks).await {
        Ok(source) => source,
        Err(failure) => {
            checks.push(Check::failed(CONNECTION, &failure));
            None
        }
    };
    Seen { checks, source }
}

async fn inspect(
    server: &Server,
    database: &str,
    request: &BackupRequest,
    globals: bool,
    checks: &mut Vec<Check>,
) -> Result<Option<Source>> {
    if server.is_pooled() || pooler::shares_connections(server, database).await? {
        let found = "there is a pooler in transaction mode between, through which no snapshot can be held";
        checks.push(Check::fail(POOLER, found, "name the server itself in database.direct_url"));
        return Ok(None);
    }
    let session = &mut server.connect(database, "repo-to-cat/preflight").await?;
    let source = catalog::describe(session).await?;
    let role = role(session).await?;
    let version = format!("{}.{}", source.server_version / 10_000, source.server_version % 10_000);
    checks.push(Check::ok(CONNECTION, format!("PostgreSQL {version}, {database}, as role {}", role.name)));
    checks.push(Check::ok(POOLER, "none between"));
    let unreadable = unreadable(session).await?;
    // What is not asked for need not be read; only pg_dump knows what its patterns stand for.
    let is_whole = request.selection.is_everything();
    checks.push(soften(privileges(&role, source.server_version, &unreadable), is_whole));
    checks.push(soften(row_security(&role, &unreadable), is_whole));
    checks.extend(subscriptions(&unreadable));
    checks.extend(globals.then(|| roles(&role)));
    checks.push(locks(session).await?);
    Ok(Some(source))
}

/// What a part of a database may be saved with all the same.
fn soften(check: Check, is_whole: bool) -> Check {
    if check.state == State::Fail && !is_whole { Check { state: State::Warn, ..check } } else { check }
}

fn privileges(role: &Role, version: u32, unreadable: &[Unreadable]) -> Check {
    let sorts = [
        (Sort::Schema, "schema", "USAGE"),
        (Sort::Table, "table", "SELECT"),
        (Sort::Sequence, "sequence", "SELECT"),
        (Sort::LargeObject, "large object", "SELECT"),
    ];
    let lacks: Vec<String> = sorts
        .iter()
        .filter_map(|(sort, noun, privilege)| {
            let lack = unreadable.iter().find(|lack| lack.sort == *sort)?;
            Some(format!("{privilege} on {}", list(lack, noun)))
        })
        .collect();
    if lacks.is_empty() {
        return Check::ok(
            PRIVILEGES,
            format!("role {} may read every schema, table, sequence and large object", role.name),
        );
    }
    let only_objects =
        unreadable.iter().all(|lack| matches!(lack.sort, Sort::LargeObject | Sort::FilteredTable | Sort::Subscription));
    let todo = if only_objects {
        format!("GRANT SELECT ON LARGE OBJECT number TO {0}, or let {0} be a member of their owner's role", role.name)
    } else if version >= 140_000 {
        format!("GRANT pg_read_all_data TO {}", role.name)
    } else {
        format!("GRANT USAGE ON SCHEMA and SELECT ON ALL TABLES and SEQUENCES IN SCHEMA to {}", role.name)
    };
    Check::fail(PRIVILEGES, format!("role {} lacks {}", role.name, lacks.join(", ")), todo)
}

fn row_security(role: &Role, unreadable: &[Unreadable]) -> Check {
    match unreadable.iter().find(|lack| lack.sort == Sort::FilteredTable) {
        None => Check::ok(ROW_SECURITY, "hides no row"),
        Some(lack) => Check::fail(
            ROW_SECURITY,
            format!("hides rows from role {}: {}", role.name, list(lack, "table")),
            format!("ALTER ROLE {} BYPASSRLS", role.name),
        ),
    }
}

fn subscriptions(unreadable: &[Unreadable]) -> Option<Check> {
    let lack = unreadable.iter().find(|lack| lack.sort == Sort::Subscription)?;
    let found = format!("{} will not be in the backup: only superusers may read them", lack.count);
    Some(Check::warn("subscriptions", found, "back up as a superuser, or note elsewhere how to make them again"))
}

fn roles(role: &Role) -> Check {
    if role.is_superuser {
        Check::ok(GLOBALS, "roles and tablespaces can be read")
    } else {
        let found = format!("role {} may not read the passwords of roles", role.name);
        Check::fail(GLOBALS, found, "back up as a superuser, or leave backup.globals off")
    }
}

async fn locks(session: &mut Session<'_>) -> Result<Check> {
    const NAME: &str = "locks";
    let locked = blocked::locked_away(session).await?;
    Ok(match locked.first() {
        None => Check::ok(NAME, "no table is locked against reading"),
        Some(first) => {
            let found = format!(
                "{} table(s) locked against reading, such as {} by session {} (`{}`)",
                locked.len(),
                first.table,
                first.pid,
                first.application
            );
            Check::warn(NAME, found, "the dump waits for backup.lock_wait_seconds; is somebody at work there?")
        }
    })
}

/// `3 tables (a.b, a.c, ...)`.
fn list(lack: &Unreadable, noun: &str) -> String {
    let plural = if lack.count == 1 { "" } else { "s" };
    let more = if lack.names.len() as u64 == lack.count { "" } else { ", ..." };
    format!("{} {noun}{plural} ({}{more})", lack.count, lack.names.join(", "))
}
