//! What goes wrong: it is named, and the last good revision stays.

use repo_to_cat::db::migrate::Goal;
use repo_to_cat::model::failure::{Failure, Kind};
use repo_to_cat::postgres::DATABASE;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{Bed, ask, schema_of, sql};
use crate::support::cli::Shell;
use crate::support::postgres::{PrivateCluster, fresh_database};

const CATS: (&str, &str) = ("CREATE TABLE cats (name text NOT NULL);", "DROP TABLE cats;");

fn has(failure: &Failure, kind: Kind, words: &[&str]) {
    let text = format!("{failure}; {}", failure.hint_text().unwrap_or_default());
    assert_eq!(failure.kind(), kind, "{text}");
    for word in words {
        assert!(text.contains(word), "no {word:?}: {text}");
    }
}

#[tokio::test]
async fn the_statement_that_fails_is_named_and_nothing_of_its_migration_stays() {
    let second = "-- Names.\nINSERT INTO cats VALUES ('Tom; -- it''s');\n\n/* ; */ ALTER TABLE cats\n    ADD COLUMN age int,\n    \
                  ADD COLUMN name text;\nSELECT 1;";
    let bed = Bed::make("failing", &[CATS, (second, "")]).await;
    let failure = bed.up().await.unwrap_err();
    has(
        &failure,
        Kind::Schema,
        &[
            "migration 0002_step_2 failed at line 4 (ALTER TABLE cats): column \"name\"",
            "already exists (SQLSTATE 42701)",
            "nothing of it was applied: the schema is still at 0001_step_1",
            "take away what is in its way, then type: repo-to-cat migrate up",
        ],
    );
    assert_eq!(bed.recorded().await, [(1, true)]);
    assert_eq!(ask::<i64>(&bed.url, "SELECT count(*) FROM cats").await, 0);
    sql(&bed.url, "ALTER TABLE cats RENAME COLUMN name TO old").await;
    assert_eq!(bed.up().await.unwrap(), [2]);
}

#[tokio::test]
async fn a_statement_of_many_lines_is_named_by_the_line_that_is_wrong() {
    let bed = Bed::make("line", &[CATS, ("SELECT name,\n       name,\n       nmae\nFROM cats;", "")]).await;
    has(&bed.up().await.unwrap_err(), Kind::Schema, &["failed at line 3 (SELECT name,)", "nmae"]);
}

#[tokio::test]
async fn a_migration_that_fails_half_way_leaves_the_last_good_version() {
    let private = PrivateCluster::start();
    let url = private.cluster.url_of(DATABASE);
    sql(
        &url,
        "CREATE FUNCTION public.obstruct() RETURNS event_trigger LANGUAGE plpgsql AS $$
         BEGIN
           IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'queue.attempts') THEN
             RAISE 'the obstacle';
           END IF;
         END $$;
         CREATE EVENT TRIGGER obstacle ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
           EXECUTE FUNCTION public.obstruct()",
    )
    .await;
    let shell = Shell::on(&url);
    let told = shell.fails(6, &["migrate", "up"]);
    assert!(told.contains("migration 0002_queue failed at line") && told.contains("the obstacle"), "{told}");
    assert!(told.contains("(CREATE TABLE queue.attempts (") && told.contains("hint:"), "{told}");
    assert_eq!(shell.json(&["migrate", "current"])["current"], 1);
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'queue'";
    assert_eq!(ask::<i64>(&url, schemas).await, 0, "nothing of the second is left");
    sql(&url, "DROP EVENT TRIGGER obstacle").await;
    shell.succeeds(&["migrate", "up"]);
}

#[tokio::test]
async fn a_way_back_that_fails_leaves_the_schema_as_it_was() {
    let bed = Bed::make("way_back", &[CATS, ("SELECT 1;", "DELETE FROM cats; DROP TABLE dogs;")]).await;
    bed.up().await.unwrap();
    sql(&bed.url, "INSERT INTO cats VALUES ('Tom')").await;
    let failure = bed.runner().down(Goal::Base).await.unwrap_err();
    has(
        &failure,
        Kind::Schema,
        &[
            "taking back migration 0002_step_2 failed",
            "dogs",
            "nothing of it was taken back: the schema is still at 0002_step_2",
        ],
    );
    assert_eq!(ask::<i64>(&bed.url, "SELECT count(*) FROM cats").await, 1);
}

#[tokio::test]
async fn an_unfinished_index_is_made_anew() {
    let index = (
        "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY cats_name ON cats (name);",
        "-- no-transaction\nDROP INDEX CONCURRENTLY cats_name;",
    );
    let bed = Bed::make("unfinished", &[CATS, index]).await;
    bed.runner().up(Goal::Up(1)).await.unwrap();
    sql(&bed.url, "INSERT INTO cats VALUES ('Tom'), ('Tom')").await;
    let failure = bed.up().await.unwrap_err();
    has(&failure, Kind::Schema, &["0002_step_2 failed at line 2 (CREATE UNIQUE", "begins it anew"]);
    assert_eq!(bed.recorded().await, [(1, true), (2, false)]);
    let valid = "SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid = 'cats_name'::regclass";
    assert!(!ask::<bool>(&bed.url, valid).await, "the server leaves it so");
    let current = bed.state().await;
    has(&current.require_current().unwrap_err(), Kind::Schema, &["0002_step_2 is being applied, or"]);

    sql(&bed.url, "DELETE FROM cats").await;
    assert_eq!(bed.up().await.unwrap(), [2]);
    assert!(ask::<bool>(&bed.url, valid).await);
    // One that was finished, but not recorded, is left alone; and so is its going.
    sql(&bed.url, "UPDATE _sqlx_migrations SET success = false WHERE version = 2").await;
    let oid: i64 = ask(&bed.url, "SELECT 'cats_name'::regclass::oid::bigint").await;
    assert_eq!(bed.up().await.unwrap(), [2]);
    assert_eq!(ask::<i64>(&bed.url, "SELECT 'cats_name'::regclass::oid::bigint").await, oid);
    sql(&bed.url, "UPDATE _sqlx_migrations SET success = false WHERE version = 2; DROP INDEX cats_name").await;
    bed.runner().down(Goal::Down(1)).await.unwrap();
    assert_eq!(bed.recorded().await, [(1, true)]);
}

#[tokio::test]
async fn a_schema_that_is_not_ours_is_refused() {
    let url = fresh_database("refused");
    let shell = Shell::on(&url);
    let told = shell.fails(6, &["jobs", "list"]);
    assert!(told.contains("no schema yet") && told.contains("repo-to-cat migrate up"), "{told}");

    shell.succeeds(&["migrate", "up"]);
    let verbs = [["jobs", "list"].as_slice(), &["migrate", "up"], &["migrate", "check"], &["run"]];
    let all_fail = |words: &[&str]| {
        for verb in verbs {
            let told = shell.fails(6, verb);
            assert!(words.iter().all(|word| told.contains(word)) && told.contains("hint:"), "{words:?}: {told}");
        }
        shell.fails(6, &["migrate", "down", "-1", "--yes"]);
    };
    // One that this program could work on would say so.
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'from the future', true, '\\x00', 1);";
    let last = "CREATE OR REPLACE FUNCTION queue.oldest_program() RETURNS integer LANGUAGE sql IMMUTABLE AS";
    sql(&url, &format!("{newer} {last} 'SELECT 9999'")).await;
    all_fail(&["9999", "newer program"]);

    sql(&url, "CREATE TABLE kept AS SELECT * FROM _sqlx_migrations; DELETE FROM _sqlx_migrations WHERE version = 9")
        .await;
    all_fail(&["two heads", "9999_from_the_future", "lacks 0009_backups"]);
    sql(&url, "DELETE FROM _sqlx_migrations WHERE version <> 9999").await;
    all_fail(&["migrations of another program, such as 9999_from_the_future", "none of ours"]);
    sql(&url, "INSERT INTO _sqlx_migrations SELECT * FROM kept WHERE version NOT IN (5, 9999)").await;
    sql(&url, "DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    all_fail(&["migration 0005_job_logs is missing below ", "migrate stamp"]);
    sql(&url, "INSERT INTO _sqlx_migrations SELECT * FROM kept WHERE version = 5").await;
    shell.succeeds(&["migrate", "check"]);

    sql(&url, "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1").await;
    all_fail(&["migration 1 ", "hint: never edit"]);
    let current = shell.succeeds(&["migrate", "current"]);
    assert!(current.contains("0001_users_and_generations was edited since"), "{current}");
}

#[tokio::test]
async fn a_newer_schema_that_serves_us_is_left_alone() {
    let url = fresh_database("newer");
    let shell = Shell::migrated(&url);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'mood', true, '\\x00', 1)";
    sql(&url, newer).await;
    assert!(shell.succeeds(&["migrate", "check"]).contains("at 9999_mood, of a newer program"));
    assert_eq!(shell.succeeds(&["migrate", "up"]), "nothing to do: the schema is at 9999_mood\n");
    assert_eq!(shell.succeeds(&["migrate", "current"]).lines().next(), Some("9999_mood (of a newer program)"));
    let told = shell.fails(6, &["migrate", "down", "-1", "--yes"]);
    assert!(told.contains("cannot take back 9999_mood") && told.contains("hint:"), "{told}");
}

#[test]
fn an_older_schema_is_refused_until_it_is_migrated() {
    let shell = Shell::migrated(&fresh_database("older"));
    shell.succeeds(&["migrate", "down", "1", "--yes"]);
    let told = shell.fails(6, &["jobs", "list"]);
    assert!(told.contains("at migration 1, older") && told.contains("repo-to-cat migrate up"), "{told}");
    shell.succeeds(&["migrate", "up"]);
    shell.succeeds(&["jobs", "list"]);
}

#[tokio::test]
async fn tables_of_others_are_shown_and_left_alone() {
    let url = fresh_database("foreign");
    let shell = Shell::on(&url);
    sql(
        &url,
        "CREATE SCHEMA shop; CREATE TABLE shop.orders (id int) PARTITION BY LIST (id);
         CREATE TABLE shop.orders_1 PARTITION OF shop.orders DEFAULT;
         DO $$ BEGIN FOR i IN 10..21 LOOP EXECUTE format('CREATE TABLE t%s ()', i); END LOOP; END $$;
         CREATE VIEW seen AS SELECT 1; CREATE SEQUENCE counted",
    )
    .await;
    let before = schema_of(&url);
    for verb in [["migrate", "up"].as_slice(), &["migrate", "up", "--dry-run"]] {
        let told = shell.fails(6, verb);
        assert!(told.contains("is not ours: it has 13 tables and no migration: public.t10, public.t11"), "{told}");
        assert!(told.contains("public.t19 and 3 more") && told.contains("--beside"), "{told}");
    }
    assert_eq!(schema_of(&url), before, "nothing was touched");
    shell.succeeds(&["migrate", "up", "--beside"]);
    shell.succeeds(&["migrate", "up"]);
    assert!(schema_of(&url).contains("CREATE TABLE shop.orders"));
}

#[tokio::test]
async fn the_originals_database_is_told_how_it_is_adopted() {
    let url = fresh_database("original");
    sql(&url, "CREATE TABLE users (); CREATE TABLE generations (); CREATE TABLE alembic_version ()").await;
    let told = Shell::on(&url).fails(6, &["migrate", "up"]);
    assert!(told.contains("the original repo-to-cat's") && told.contains("repo-to-cat migrate adopt"), "{told}");
}

#[tokio::test]
async fn tables_of_extensions_are_nobodys() {
    let url = fresh_database("extended");
    // What CREATE EXTENSION records of each of its tables, without an extension that has some.
    sql(
        &url,
        "CREATE TABLE of_extension ();
         INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
         SELECT 'pg_class'::regclass, 'of_extension'::regclass, 0, 'pg_extension'::regclass, oid, 0, 'e'
         FROM pg_extension WHERE extname = 'plpgsql'",
    )
    .await;
    Shell::on(&url).succeeds(&["migrate", "up"]);
}

#[tokio::test]
async fn who_may_not_write_is_told_so() {
    let url = fresh_database("read_only_schema");
    let shell = Shell::on(&url);
    shell.succeeds(&["migrate", "up", "8"]);
    let name: String = ask(&url, "SELECT current_database()::text").await;
    sql(&url, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    for verb in [["migrate", "up"].as_slice(), &["migrate", "down", "-1", "--yes"]] {
        let told = shell.fails(5, verb);
        assert!(
            told.contains("takes no writes: nothing was migrated") && told.contains("hint: is it a standby"),
            "{told}"
        );
    }
    // Each of these is a transaction of its own, and the first lets the second write.
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("SET default_transaction_read_only = off").execute(&mut connection).await.unwrap();
    let reset = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
    sqlx::raw_sql(AssertSqlSafe(reset)).execute(&mut connection).await.unwrap();

    let role = format!("poor_{name}");
    sql(&url, &format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON _sqlx_migrations TO {role}; GRANT USAGE ON SCHEMA queue TO {role}; GRANT EXECUTE ON FUNCTION queue.oldest_program() TO {role}")).await;
    let (front, tail) = url.split_once("user=").unwrap();
    let tail = tail.split_once('&').map_or(String::new(), |(_, more)| format!("&{more}"));
    let poor = Shell::on(&format!("{front}user={role}{tail}"));
    let told = poor.fails(5, &["migrate", "up"]);
    assert!(told.contains("migration 0009_backups failed at line") && told.contains("permission denied"), "{told}");
    assert!(told.contains("still at 0008_hold; grant the user"), "{told}");
    shell.succeeds(&["migrate", "up"]);
}
