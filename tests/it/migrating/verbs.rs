//! The verbs, as people who know Alembic type them.

use std::fs;

use repo_to_cat::db::Db;
use repo_to_cat::db::migrate::{self, Revisions};
use repo_to_cat::model::failure::Kind;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};

use super::{ask, schema_of, sql};
use crate::support::cli::Shell;
use crate::support::gate::settings;
use crate::support::postgres::fresh_database;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What is left beside the record of migrations, once all are taken back.
const LEFT: &str = "
SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM (
  SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'
  UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspname IN ('queue', 'backup')
  UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
) AS things";

fn head() -> i64 {
    Revisions::ours().head()
}

fn versions(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|revision| revision["version"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn migrations_go_up_down_to_nothing_and_up_again() {
    let url = fresh_database("up_and_down");
    let shell = Shell::migrated(&url);
    let first = schema_of(&url);
    assert!(first.contains("CREATE TABLE queue.jobs"), "{first}");

    let down = shell.json(&["migrate", "downgrade", "base", "--yes"]);
    assert_eq!(down["current"], 0);
    assert_eq!(versions(&down["taken_back"]), (1..=head()).rev().collect::<Vec<_>>());
    assert_eq!(ask::<String>(&url, LEFT).await, "_sqlx_migrations");

    shell.succeeds(&["migrate", "upgrade", "head"]);
    assert_eq!(schema_of(&url), first);
}

#[tokio::test]
async fn sqlx_itself_goes_on_where_we_stopped_and_the_other_way_round() {
    let url = fresh_database("of_sqlx");
    let shell = Shell::migrated(&url);
    let first = schema_of(&url);
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    MIGRATIONS.run(&pool).await.unwrap();
    // Its table is the same, so that it knows what we did, and we what it does.
    MIGRATIONS.undo(&pool, 1).await.unwrap();
    assert_eq!(shell.json(&["migrate", "current"])["current"], 1);
    shell.succeeds(&["migrate", "up"]);
    assert_eq!(schema_of(&url), first);
    let strange = "SELECT count(*) FROM _sqlx_migrations WHERE NOT success OR execution_time <= 0";
    assert_eq!(ask::<i64>(&url, strange).await, 0);
}

#[test]
fn migrating_says_what_it_did() {
    let shell = Shell::on(&fresh_database("migrate"));
    let ours = Revisions::ours();
    let each = |verb: &str| ours.iter().map(|revision| format!("{verb} {revision}\n")).collect::<String>();
    let newest = ours.iter().next_back().unwrap();
    assert_eq!(shell.succeeds(&["migrate", "up", "--dry-run"]), each("would apply"));
    assert_eq!(shell.succeeds(&["migrate", "current"]), "base\n");
    assert_eq!(shell.succeeds(&["migrate", "up"]), each("applied"));
    assert_eq!(shell.succeeds(&["migrate", "up"]), format!("nothing to do: the schema is at {newest}\n"));
    assert_eq!(shell.json(&["migrate", "up"]), json!({"current": head(), "applied": []}));
    assert_eq!(shell.succeeds(&["migrate", "current"]), format!("{newest} (head)\n"));
    assert_eq!(shell.succeeds(&["migrate", "down", "-1", "--dry-run"]), format!("would take back {newest}\n"));
}

#[test]
fn the_schema_goes_step_by_step() {
    let shell = Shell::on(&fresh_database("steps"));
    for (arguments, current) in [
        (["up", "+1"].as_slice(), 1),
        (&["upgrade", "0003"], 3),
        (&["up", "2"], 3),
        (&["upgrade", "schedules"], 4),
        (&["up", "+2"], 6),
        (&["down", "-1", "--yes"], 5),
        (&["downgrade", "--yes", "-2"], 3),
        (&["down", "0002_queue", "-y"], 2),
        (&["down", "queue", "--yes"], 2),
        (&["downgrade", "base", "--yes"], 0),
        (&["up", "0002_q"], 2),
    ] {
        assert_eq!(shell.json(&[&["migrate"], arguments].concat())["current"], current, "{arguments:?}");
        assert_eq!(shell.json(&["migrate", "current"])["current"], current, "{arguments:?}");
    }
    for (code, arguments, word) in [
        (4, ["up", "xyz"].as_slice(), "there is no revision \"xyz\""),
        (4, &["down", "9999", "--yes"], "there is no revision \"9999\""),
        (4, &["show", "xyz"], "there is no revision"),
        (4, &["stamp", "xyz"], "there is no revision"),
        (2, &["up", "+99"], "99 revisions are too many"),
        (2, &["down", "-3", "--yes"], "3 revisions are too many: 2"),
        (2, &["down", "5", "--yes"], "at 0002_queue, below 0005_job_logs"),
        (2, &["down", "-1"], "0002_queue would be taken back with all data"),
        (2, &["up", "base"], "that way is down"),
        (2, &["down", "+1"], "that way is up"),
        (2, &["stamp", "+1"], "cannot be stamped"),
    ] {
        let told = shell.fails(code, &[&["migrate"], arguments].concat());
        assert!(told.contains(word) && told.contains("hint:"), "{arguments:?}: {told}");
    }
    assert_eq!(shell.json(&["migrate", "current"])["current"], 2, "whatever was refused did nothing");
}

#[test]
fn what_is_pending_is_told() {
    let shell = Shell::on(&fresh_database("pending"));
    assert!(shell.fails(6, &["migrate", "check"]).contains("no schema yet"));
    shell.succeeds(&["migrate", "up", "8"]);
    let told = shell.fails(6, &["migrate", "check"]);
    assert!(told.contains("at migration 8, older") && told.contains("hint: bring it up to date"), "{told}");
    let current = shell.json(&["migrate", "current"]);
    assert_eq!((&current["current"], &current["revision"]), (&json!(8), &json!("0008_hold")));
    assert_eq!(versions(&current["pending"]), (9..=head()).collect::<Vec<_>>());
    shell.succeeds(&["migrate", "up"]);
    assert!(shell.succeeds(&["migrate", "check"]).contains("nothing is pending"));
}

#[test]
fn history_lists_the_newest_first() {
    let shell = Shell::on(&fresh_database("history"));
    shell.succeeds(&["migrate", "up", "8"]);
    let rows = shell.json(&["migrate", "history"]);
    assert_eq!(versions(&rows), (1..=head()).rev().collect::<Vec<_>>());
    let of = |version: i64| rows.as_array().unwrap().iter().find(|row| row["version"] == version).unwrap();
    assert_eq!((&of(9)["state"], &of(9)["applied_at"]), (&json!("pending"), &Value::Null));
    assert_eq!((&of(8)["state"], &of(8)["revision"]), (&json!("applied"), &json!("0008_hold")));
    assert!(of(8)["seconds"].as_f64().unwrap() > 0.0 && of(8)["applied_at"].is_string());
    let text = shell.succeeds(&["migrate", "history"]);
    assert!(text.starts_with("Revision") && text.contains("0008_hold") && !text.contains("The queue."), "{text}");
    assert!(shell.succeeds(&["migrate", "history", "--verbose"]).contains("The queue. Live jobs are few"));
}

#[test]
fn revisions_can_be_looked_at_without_a_database() {
    let shell = Shell::on("postgres://nobody@127.0.0.1:1/nowhere");
    let newest = Revisions::ours().iter().next_back().unwrap().to_string();
    assert_eq!(shell.succeeds(&["migrate", "heads"]), format!("{newest} (head)\n"));
    let shown = shell.succeeds(&["migrate", "show", "5"]);
    assert!(shown.starts_with("0005_job_logs, in one transaction\n"), "{shown}");
    assert!(shown.contains("CREATE TABLE queue.job_logs") && shown.contains("DROP TABLE queue.job_logs;"), "{shown}");
    assert_eq!(shell.json(&["migrate", "show"])["revision"], json!(newest));
}

#[tokio::test]
async fn stamping_records_and_changes_nothing() {
    let url = fresh_database("stamp");
    let shell = Shell::migrated(&url);
    let before = schema_of(&url);
    sql(
        &url,
        "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 2;
         DELETE FROM _sqlx_migrations WHERE version = 3;
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'elsewhere', true, '\\x00', 1)",
    )
    .await;
    shell.fails(6, &["jobs", "list"]);
    // The guide's way out of "can't locate revision".
    let stamped = shell.json(&["migrate", "stamp", "head"]);
    assert_eq!(stamped, json!({"current": head(), "added": [2, 3], "forgotten": [9999]}));
    shell.succeeds(&["jobs", "list"]);
    let text = shell.succeeds(&["migrate", "stamp", "0001"]);
    assert!(text.starts_with("the schema is recorded as being at 0001_users_and_generations\n"), "{text}");
    assert!(text.contains("forgotten 0002_queue\n"), "{text}");
    shell.succeeds(&["migrate", "stamp", "base"]);
    assert_eq!(shell.json(&["migrate", "current"])["current"], 0);
    shell.succeeds(&["migrate", "stamp", "head"]);
    assert_eq!(schema_of(&url), before);
    shell.succeeds(&["migrate", "check"]);
}

#[tokio::test]
async fn one_migration_can_be_recorded_before_the_rest_is_applied() {
    let (url, other) = (fresh_database("stamp_one"), fresh_database("stamp_none"));
    Shell::on(&other).succeeds(&["migrate", "up", "1"]);
    sql(&url, Revisions::ours().get(1).unwrap().up_script()).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    migrate::stamp(&mut connection, 1).await.unwrap();
    migrate::stamp(&mut connection, 1).await.unwrap();
    assert_eq!(migrate::stamp(&mut connection, 9999).await.unwrap_err().kind(), Kind::Internal);
    assert_eq!(schema_of(&url), schema_of(&other));
    let db = Db::connect(&settings(&url)).await.unwrap();
    assert_eq!(migrate::up(&db).await.unwrap().first().unwrap().0, 2);
    migrate::state(&db).await.unwrap().require_current().unwrap();
}

#[test]
fn the_next_migration_is_begun_in_a_checkout_only() {
    let shell = Shell::on("postgres://nobody@127.0.0.1:1/nowhere");
    let told = shell.fails(7, &["migrate", "new", "add_mood"]);
    assert!(told.contains("no checkout") && told.contains("hint:"), "{told}");
    let folder = shell.path("migrations");
    fs::create_dir(&folder).unwrap();
    for name in ["0001_users_and_generations.up.sql", "0041_last.up.sql", "README"] {
        fs::write(folder.join(name), "").unwrap();
    }
    assert!(shell.fails(2, &["migrate", "new", "no/good"]).contains("add_user_email"));
    let text = shell.succeeds(&["migrate", "new", "Add mood"]);
    assert!(text.contains("wrote migrations/0042_add_mood.up.sql\n"), "{text}");
    for way in ["up", "down"] {
        let file = fs::read_to_string(folder.join(format!("0042_add_mood.{way}.sql"))).unwrap();
        assert!(file.starts_with("-- ") && file.contains("0042_add_mood"), "{file}");
    }
    assert_eq!(shell.json(&["migrate", "new", "more"])["revision"], "0043_more");
}
