//! The founding guide's schema and statements, word for word, and the migrations that make them work.

use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection, Row};

use crate::support::postgres::fresh_database;

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
