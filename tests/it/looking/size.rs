//! `db size`: the same figures as the founding guide's queries, with partitions where they belong.

use sqlx::{Connection, Executor, PgConnection};

use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_those_of_the_guides_queries() {
    let url = fresh_database("size");
    let shell = Shell::migrated(&url);
    let mut own = PgConnection::connect(&url).await.unwrap();
    own.execute(
        "CREATE TABLE \"Odd Name\" AS SELECT repeat(md5(a::text), 200) AS text FROM generate_series(1, 5000) AS a;
         ALTER TABLE \"Odd Name\" ALTER text SET STORAGE EXTERNAL; CREATE TABLE bowl (a int); ANALYZE \"Odd Name\"",
    )
    .await
    .unwrap();
    let told = shell.json(&["db", "size"]);
    let tables = told["tables"].as_array().unwrap();
    let one = |schema: &str, name: &str| {
        tables
            .iter()
            .find(|table| table["schema"] == schema && table["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {told}"))
    };
    let odd = one("public", "Odd Name");
    let total: i64 =
        sqlx::query_scalar("SELECT pg_total_relation_size('\"Odd Name\"')").fetch_one(&mut own).await.unwrap();
    assert_eq!((&odd["total_bytes"], &odd["rows"]), (&total.into(), &5000.into()));
    let parts: i64 = ["table_bytes", "index_bytes", "toast_bytes"].iter().map(|part| odd[part].as_i64().unwrap()).sum();
    assert_eq!(parts, total);
    assert_eq!(one("public", "bowl")["rows"], serde_json::Value::Null, "nobody has looked yet");
    let history = one("queue", "history");
    assert!(history["partitions"].as_u64() > Some(3), "{history}");
    assert!(
        tables.iter().all(|table| !table["name"].as_str().unwrap().starts_with("history_")),
        "partitions are folded"
    );
    let sizes: Vec<i64> = tables.iter().map(|table| table["total_bytes"].as_i64().unwrap()).collect();
    assert!(sizes.is_sorted_by(|one, next| one >= next), "{sizes:?}");
    let text = shell.succeeds(&["db", "size"]);
    assert!(
        text.starts_with("Database size_") && text.contains("public.Odd Name") && text.contains("~5,000"),
        "{text}"
    );
}
