//! `db check` on real servers: what is well passes, what is not is named with what to type.

use std::collections::BTreeSet;

use repo_to_cat::db::looking::expected;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;
use crate::surviving::server::Server;

/// The checks, and the exit code.
fn checks(shell: &Shell) -> (Vec<Value>, Option<i32>) {
    let ran = shell.run(&["--json", "db", "check"]);
    (serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err)), ran.code)
}

fn one<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} is missing: {checks:?}"))
}

#[track_caller]
fn is(checks: &[Value], name: &str, state: &str, words: &str) {
    let check = one(checks, name);
    assert_eq!(check["state"], state, "{check}");
    assert!(format!("{} {}", check["found"], check["todo"]).contains(words), "{words}: {check}");
}

#[test]
fn a_database_that_is_well_passes() {
    let shell = Shell::migrated(&fresh_database("well"));
    let (all, code) = checks(&shell);
    assert_eq!(code, Some(0), "{all:?}");
    for name in [
        "server",
        "login",
        "database",
        "TLS",
        "version",
        "writable",
        "server clock",
        "schema",
        "privileges",
        "queue",
        "extensions",
        "connections",
        "standbys",
        "replication slots",
        "transactions",
        "locks",
        "autovacuum",
        "transaction ids",
        "dead rows",
        "statistics",
        "indexes",
        "full reads",
        "unused indexes",
    ] {
        assert_eq!(one(&all, name)["state"], "ok", "{all:?}");
    }
    let text = shell.succeeds(&["db", "check"]);
    assert!(text.contains("✓ indexes") && text.contains("all there and valid"), "{text}");
}

#[test]
fn the_private_cluster_is_checked_to_its_disk() {
    let shell = Shell::private();
    let (all, code) = checks(&shell);
    assert_eq!(code, Some(0), "{all:?}");
    assert!(one(&all, "server disk")["found"].as_str().unwrap().contains(" free in "), "{all:?}");
    shell.wait_for_silence();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_indexes_that_are_expected_are_those_that_migrations_make() {
    let url = fresh_database("expected");
    Shell::migrated(&url);
    let mut own = PgConnection::connect(&url).await.unwrap();
    let made: Vec<String> = sqlx::query_scalar(
        "SELECT n.nspname || '.' || c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('i', 'I') AND NOT c.relispartition AND n.nspname IN ('public', 'queue', 'backup', 'web')
           AND c.relname <> '_sqlx_migrations_pkey' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)",
    )
    .fetch_all(&mut own)
    .await
    .unwrap();
    assert_eq!(expected::indexes().into_iter().collect::<BTreeSet<_>>(), made.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_a_database_are_named() {
    let url = fresh_database("faults");
    let shell = Shell::on(&url);
    let (all, code) = checks(&shell);
    assert_eq!(code, Some(7));
    is(&all, "schema", "fail", "repo-to-cat migrate up");
    shell.succeeds(&["migrate", "up"]);
    let mut own = PgConnection::connect(&url).await.unwrap();
    own.execute(
        "DROP INDEX queue.jobs_due; CREATE TABLE bowl AS SELECT 1 AS a FROM generate_series(1, 50000);
         ALTER TABLE bowl SET (autovacuum_enabled = off)",
    )
    .await
    .unwrap();
    own.execute("CREATE UNIQUE INDEX CONCURRENTLY unlucky ON bowl (a)").await.unwrap_err();
    own.execute("SELECT pg_stat_force_next_flush(); SELECT 1").await.unwrap();
    let (all, code) = checks(&shell);
    assert_eq!(code, Some(7));
    is(&all, "indexes", "fail", "REINDEX INDEX CONCURRENTLY unlucky");
    is(&all, "statistics", "warn", "such as bowl");
    is(&all, "dead rows", "warn", "ALTER TABLE bowl RESET (autovacuum_enabled)");
    own.execute("DROP TABLE bowl").await.unwrap();
    let (all, code) = checks(&shell);
    assert_eq!(code, Some(0));
    is(&all, "indexes", "warn", "queue.jobs_due");

    let name: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(&mut own).await.unwrap();
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    own.execute(AssertSqlSafe(read_only)).await.unwrap();
    let (all, code) = checks(&shell);
    assert_eq!(code, Some(7));
    is(&all, "writable", "fail", "default_transaction_read_only = off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_little_is_told_what_it_lacks() {
    let url = fresh_database("little");
    Shell::migrated(&url);
    let mut own = PgConnection::connect(&url).await.unwrap();
    let role: String = sqlx::query_scalar("SELECT 'little_' || pg_backend_pid()").fetch_one(&mut own).await.unwrap();
    let grants = format!(
        "CREATE ROLE {role} LOGIN CONNECTION LIMIT 3; GRANT USAGE ON SCHEMA queue, public TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA queue, public TO {role};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA queue TO {role}"
    );
    own.execute(AssertSqlSafe(grants)).await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let socket = options.get_socket().unwrap().display();
    let database = options.get_database().unwrap();
    let shell = Shell::on(&format!("postgres:///{database}?host={socket}&port={}&user={role}", options.get_port()));
    let (all, code) = checks(&shell);
    assert_eq!(code, Some(0), "{all:?}");
    is(&all, "privileges", "warn", "INSERT, UPDATE, DELETE on backup.");
    is(&all, "connections", "warn", "CONNECTION LIMIT");
    is(&all, "transactions", "ok", "pg_monitor");
}

#[test]
fn standbys_and_slots_are_looked_at() {
    let server = Server::start(&["wal_level = replica"]);
    let standby = server.standby();
    Shell::migrated(&server.url());
    server.sql("SELECT pg_create_physical_replication_slot('forgotten', true)");
    let (all, code) = checks(&Shell::on(&server.url()));
    assert_eq!(code, Some(0), "{all:?}");
    is(&all, "standbys", "ok", "1 follows");
    is(&all, "replication slots", "warn", "SELECT pg_drop_replication_slot('forgotten')");
    let (all, code) = checks(&Shell::on(&standby.url()));
    assert_eq!(code, Some(7), "{all:?}");
    is(&all, "writable", "fail", "it is a standby");
}
