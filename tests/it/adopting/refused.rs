//! What is not adopted, and what is said of it.

use sqlx::PgConnection;

use super::bed::{HEAD, connect, original, upgrade};
use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

async fn sql(connection: &mut PgConnection, statements: &'static str) {
    sqlx::raw_sql(statements).execute(connection).await.unwrap();
}

/// What is said; it must be a matter of the schema, and the tables must be as they were.
fn refused(shell: &Shell) -> String {
    shell.fails(6, &["migrate", "adopt", "--yes"])
}

#[tokio::test]
async fn a_database_that_is_not_the_applications_is_shown() {
    let url = fresh_database("foreign");
    let shell = Shell::on(&url);
    let told = refused(&shell);
    assert!(told.contains("the database is empty") && told.contains("repo-to-cat migrate up"), "{told}");

    let mut connection = connect(&url).await;
    sql(&mut connection, "CREATE TABLE orders (id int); CREATE SCHEMA shop; CREATE VIEW shop.\"All\" AS TABLE orders")
        .await;
    let told = refused(&shell);
    assert!(told.contains("no revision of Alembic's") && told.contains("public.orders, shop.\"All\""), "{told}");

    sql(
        &mut connection,
        "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('ae1027a6acf')",
    )
    .await;
    let told = refused(&shell);
    assert!(told.contains("revision ae1027a6acf is not known") && told.contains("1052d2e36053"), "{told}");

    sql(
        &mut connection,
        "UPDATE alembic_version SET version_num = 'c31bba7cdef1';
         CREATE TABLE users (id serial PRIMARY KEY, username varchar(255), api_token text UNIQUE, mail text NOT NULL,
                             created_at timestamp, updated_at timestamp NOT NULL)",
    )
    .await;
    let told = refused(&shell);
    for difference in [
        "users.id is integer, not uuid",
        "users.api_token is text, not character varying(255)",
        "users.created_at may be null",
        "users.mail is none of the application's, and no row may leave it out",
        "users.username is not unique",
        "there is no table public.generations",
    ] {
        assert!(told.contains(difference), "{difference}: {told}");
    }
    let ours: bool = sqlx::query_scalar(
        "SELECT to_regclass('_sqlx_migrations') IS NOT NULL OR to_regnamespace('queue') IS NOT NULL",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(!ours, "nothing was made");
}

#[tokio::test]
async fn an_application_that_was_changed_is_refused_by_what_differs() {
    let url = fresh_database("changed");
    upgrade(&url, "head");
    let mut connection = connect(&url).await;
    sql(
        &mut connection,
        "ALTER TABLE generations ALTER cat_attributes TYPE json, DROP COLUMN repo_name, ADD COLUMN degraded text;
         ALTER TABLE users ALTER email TYPE text;
         CREATE TABLE people (id uuid PRIMARY KEY);
         ALTER TABLE generations DROP CONSTRAINT generations_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES people",
    )
    .await;
    let told = refused(&Shell::on(&url));
    for difference in [
        "generations.cat_attributes is json, not jsonb",
        "generations.repo_name is missing",
        "generations.degraded is text, not boolean",
        "users.email is text, not character varying(255)",
        "generations.user_id refers to people",
    ] {
        assert!(told.contains(difference), "{difference}: {told}");
    }
}

#[tokio::test]
async fn users_that_are_not_there_are_told_and_kept() {
    let url = original(HEAD);
    let mut connection = connect(&url).await;
    sql(
        &mut connection,
        "ALTER TABLE generations DROP CONSTRAINT generations_user_id_fkey;
         INSERT INTO generations (id, github_url, created_at, user_id)
         VALUES (gen_random_uuid(), 'https://github.com/a/orphan', now(), '00000000-0000-0000-0000-000000000001')",
    )
    .await;
    let shell = Shell::on(&url);
    let told = shell.succeeds(&["migrate", "adopt", "--yes"]);
    assert!(told.contains("some generations name users that are not there"), "{told}");
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM generations WHERE user_id = '00000000-0000-0000-0000-000000000001'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn a_role_that_may_only_read_is_told_what_it_lacks() {
    let url = original(HEAD);
    let mut connection = connect(&url).await;
    sql(
        &mut connection,
        "CREATE ROLE adopting_reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO adopting_reader",
    )
    .await;
    let (before, user) = url.rsplit_once("&user=").unwrap();
    let shell = Shell::on(&format!("{before}&user=adopting_reader"));
    for arguments in [["migrate", "adopt", "--dry-run"], ["migrate", "adopt", "--yes"]] {
        let ran = shell.run(&arguments);
        assert_eq!(ran.code, Some(5), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("What would be done"), "{}", ran.out);
        assert!(ran.err.contains("adopting_reader does not own the tables"), "{}", ran.err);
        assert!(ran.err.contains(&format!("name their owner in database.url: {user}")), "{}", ran.err);
    }
    let shell = Shell::on(&format!("{url}&options=-c%20default_transaction_read_only%3Don"));
    let told = shell.fails(5, &["migrate", "adopt", "--yes"]);
    assert!(told.contains("may only read"), "{told}");
}

#[tokio::test]
async fn nobody_is_taken_by_surprise() {
    let shell = Shell::on(&original(HEAD));
    let told = shell.fails(2, &["migrate", "adopt"]);
    assert!(told.contains("nobody can be asked") && told.contains("--yes"), "{told}");
    let told = shell.fails(2, &["migrate", "adopt", "--dry-run", "--pictures", "nowhere"]);
    assert!(told.contains("there is no folder nowhere"), "{told}");
    let own = Shell::migrated(&fresh_database("own"));
    let told = own.succeeds(&["migrate", "adopt"]);
    assert!(told.contains("nothing to do") && told.contains("never the Python application's"), "{told}");
}

#[tokio::test]
async fn no_record_of_ours_hides_the_application_s_database() {
    let shell = Shell::on(&original(HEAD));
    for verb in [["migrate", "stamp", "head"].as_slice(), &["migrate", "up"]] {
        let told = shell.fails(6, verb);
        assert!(told.contains("migrated by Alembic") && told.contains("migrate adopt"), "{told}");
    }
    shell.succeeds(&["migrate", "adopt", "--yes"]);
}
