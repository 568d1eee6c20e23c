//! The founding guide's schema and statements, word for word, and the migrations that make them work.

use repo_to_cat::postgres::DATABASE;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;
use sqlx::{Connection, PgConnection, Row};

use crate::support::cli::Shell;
use crate::support::postgres::{PrivateCluster, fresh_database, shared};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// "Query Examples".
const QUERIES: [&str; 5] = [
    "SELECT COUNT(*) FROM generations;",
    "SELECT github_url, code_quality_score, created_at
FROM generations
ORDER BY created_at DESC
LIMIT 10;",
    "SELECT
    github_url,
    cat_attributes->>'size' as cat_size,
    cat_attributes->>'color' as cat_color
FROM generations
WHERE cat_attributes IS NOT NULL;",
    "SELECT pg_size_pretty(pg_database_size('repo_to_cat'));",
    "SELECT
    tablename,
    pg_size_pretty(pg_total_relation_size(tablename::regclass))
FROM pg_tables
WHERE schemaname = 'public';",
];

/// "Performance Tips", in their order.
const TIPS: [&str; 4] = [
    "CREATE INDEX idx_generations_github_url ON generations(github_url);",
    "EXPLAIN ANALYZE SELECT * FROM generations WHERE repo_owner = 'user';",
    "CREATE INDEX idx_repo_owner ON generations(repo_owner);",
    "CREATE INDEX idx_cat_attributes ON generations USING GIN (cat_attributes);",
];

/// The guide's columns: name, type, length, precision and scale, nullable.
type Column = (&'static str, &'static str, Option<i32>, Option<(i32, i32)>, bool);
const USERS: [Column; 5] = [
    ("id", "uuid", None, None, false),
    ("username", "character varying", Some(255), None, true),
    ("api_token", "character varying", Some(255), None, true),
    ("created_at", "timestamp without time zone", None, None, false),
    ("updated_at", "timestamp without time zone", None, None, false),
];
const GENERATIONS: [Column; 12] = [
    ("id", "uuid", None, None, false),
    ("github_url", "text", None, None, false),
    ("repo_owner", "character varying", Some(255), None, true),
    ("repo_name", "character varying", Some(255), None, true),
    ("primary_language", "character varying", Some(100), None, true),
    ("repo_size_kb", "integer", None, Some((32, 0)), true),
    ("code_quality_score", "numeric", None, Some((3, 1)), true),
    ("cat_attributes", "jsonb", None, None, true),
    ("analysis_data", "jsonb", None, None, true),
    ("image_path", "text", None, None, true),
    ("image_prompt", "text", None, None, true),
    ("created_at", "timestamp without time zone", None, None, false),
];

/// A database with our schema, and a connection to it.
async fn migrated() -> PgConnection {
    let url = fresh_database("guide");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    MIGRATIONS.run(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn every_statement_of_the_guide_runs() {
    let mut connection = migrated().await;
    for statement in QUERIES.into_iter().chain(TIPS) {
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[tokio::test]
async fn the_columns_of_the_guide_are_there() {
    let mut connection = migrated().await;
    for (table, columns) in [("users", USERS.as_slice()), ("generations", &GENERATIONS)] {
        for (name, kind, length, precision, nullable) in columns {
            let row = sqlx::query(
                "SELECT data_type::text, character_maximum_length::int, numeric_precision::int, numeric_scale::int,
                        is_nullable = 'YES', column_default IS NOT NULL
                 FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = $1 AND column_name = $2",
            )
            .bind(table)
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{table}.{name}: {error}"));
            let found: (String, Option<i32>, Option<i32>, Option<i32>, bool) =
                (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
            let expected =
                ((*kind).to_owned(), *length, precision.map(|pair| pair.0), precision.map(|pair| pair.1), *nullable);
            assert_eq!(found, expected, "{table}.{name}");
            let has_default: bool = row.get(5);
            assert_eq!(has_default, ["id", "created_at", "updated_at"].contains(name), "{table}.{name}");
        }
    }
    let keys: Vec<String> = sqlx::query_scalar(
        "SELECT conname::text FROM pg_constraint
         WHERE conrelid IN ('users'::regclass, 'generations'::regclass) AND contype IN ('p', 'u') ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(
        keys,
        ["generations_pkey", "users_api_token_key", "users_email_unique", "users_pkey", "users_username_key"]
    );
}

#[tokio::test]
async fn the_rows_of_the_guide_can_be_written_alone() {
    let mut connection = migrated().await;
    for statement in [
        r#"INSERT INTO generations (github_url, repo_owner, repo_name, primary_language, code_quality_score, cat_attributes)
           VALUES ('https://github.com/user/repo', 'user', 'repo', 'Python', 8.5, '{"size": "chonky", "color": "orange"}')"#,
        "INSERT INTO generations (github_url) VALUES ('https://github.com/user/other')",
        "INSERT INTO users (username) VALUES ('cat')",
        "UPDATE generations SET code_quality_score = 9.0 WHERE repo_owner = 'user'",
    ] {
        let done = sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{statement}");
    }
    let sizes: Vec<(String, String)> = sqlx::query_as(
        "SELECT cat_attributes->>'size', cat_attributes->>'color' FROM generations WHERE code_quality_score = 9.0",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(sizes, [("chonky".to_owned(), "orange".to_owned())]);
    let deleted = sqlx::raw_sql("DELETE FROM generations").execute(&mut connection).await.unwrap();
    assert_eq!(deleted.rows_affected(), 2);
}

/// What `pg_dump` says of a schema, without what differs from call to call.
fn schema_of(url: &str) -> String {
    let programs = shared().programs().unwrap();
    let dump = std::process::Command::new(programs.path("pg_dump"))
        .args(["--schema-only", "--no-owner", "--dbname", url])
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).unwrap();
    let is_stable = |line: &&str| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict");
    text.lines().filter(is_stable).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn migrations_go_up_down_to_nothing_and_up_again() {
    let url = fresh_database("up_and_down");
    let shell = Shell::migrated(&url);
    let first = schema_of(&url);
    assert!(first.contains("CREATE TABLE queue.jobs"), "{first}");

    let mut connection = PgConnection::connect(&url).await.unwrap();
    MIGRATIONS.undo(&mut connection, 0).await.unwrap();
    let left: Vec<String> = sqlx::query_scalar(
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'
         UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspname = 'queue'
         UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         UNION ALL SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(left, ["_sqlx_migrations"]);

    shell.succeeds(&["migrate", "up"]);
    assert_eq!(schema_of(&url), first);
}

#[test]
fn migrating_says_what_it_did() {
    let shell = Shell::on(&fresh_database("migrate"));
    insta::assert_snapshot!(shell.succeeds(&["migrate", "up"]) + &shell.succeeds(&["migrate", "up"]));
    insta::assert_json_snapshot!(shell.json(&["migrate", "up"]));
}

#[test]
fn several_processes_may_migrate_at_once() {
    let shell = Shell::on(&fresh_database("at_once"));
    let start = || shell.command(&["--json", "migrate", "up"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let applied = [start(), start(), start()].map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let done: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(done["current"], MIGRATIONS.iter().last().unwrap().version);
        done["applied"].as_array().unwrap().len()
    });
    let ups = MIGRATIONS.iter().filter(|migration| !migration.migration_type.is_down_migration()).count();
    assert_eq!(applied.iter().sum::<usize>(), ups, "each was applied by one of them");
}

#[tokio::test]
async fn a_schema_that_is_not_ours_is_refused() {
    let url = fresh_database("refused");
    let shell = Shell::on(&url);
    let told = shell.fails(6, &["jobs", "list"]);
    assert!(told.contains("no schema yet") && told.contains("repo-to-cat migrate up"), "{told}");

    shell.succeeds(&["migrate", "up"]);
    let pool = PgPool::connect(&url).await.unwrap();
    let sql = async |statement: &'static str| {
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    };

    // One that this program could work on would say so.
    sql("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, '\\x00', 1);
         CREATE OR REPLACE FUNCTION queue.oldest_program() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 9999'")
    .await;
    for verb in [["jobs", "list"].as_slice(), &["migrate", "up"], &["enqueue", "https://github.com/a/b"], &["run"]] {
        let told = shell.fails(6, verb);
        assert!(told.contains("9999") && told.contains("newer program"), "{told}");
    }
    sql("DELETE FROM _sqlx_migrations WHERE version = 9999").await;

    sql("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1").await;
    for verb in [["jobs", "list"].as_slice(), &["migrate", "up"], &["run"]] {
        let told = shell.fails(6, verb);
        assert!(told.contains("migration 1 ") && told.contains("hint: never edit"), "{told}");
    }
}

#[tokio::test]
async fn an_older_schema_is_refused_until_it_is_migrated() {
    let url = fresh_database("older");
    let shell = Shell::migrated(&url);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    MIGRATIONS.undo(&mut connection, 1).await.unwrap();
    let told = shell.fails(6, &["jobs", "list"]);
    assert!(told.contains("at migration 1, older") && told.contains("repo-to-cat migrate up"), "{told}");
    shell.succeeds(&["migrate", "up"]);
    shell.succeeds(&["jobs", "list"]);
}

#[tokio::test]
async fn a_migration_that_fails_half_way_leaves_the_last_good_version() {
    let private = PrivateCluster::start();
    let url = private.cluster.url_of(DATABASE);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(
        "CREATE FUNCTION public.obstruct() RETURNS event_trigger LANGUAGE plpgsql AS $$
         BEGIN
           IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'queue.attempts') THEN
             RAISE 'the obstacle';
           END IF;
         END $$;
         CREATE EVENT TRIGGER obstacle ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
           EXECUTE FUNCTION public.obstruct()",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let shell = Shell::on(&url);
    let told = shell.fails(6, &["migrate", "up"]);
    assert!(told.contains("migration 2") && told.contains("the obstacle") && told.contains("hint:"), "{told}");
    let (versions, schemas): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT max(version) FROM _sqlx_migrations WHERE success),
                (SELECT count(*) FROM pg_namespace WHERE nspname = 'queue')",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!((versions, schemas), (1, 0), "nothing of the second is left");
    sqlx::raw_sql("DROP EVENT TRIGGER obstacle").execute(&mut connection).await.unwrap();
    shell.succeeds(&["migrate", "up"]);
    connection.close().await.unwrap();
    drop(private);
}
