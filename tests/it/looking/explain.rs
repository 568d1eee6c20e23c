//! `db explain`: it shows the plan, changes nothing, and says what stands out.

use sqlx::{Connection, Executor, PgConnection};

use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

async fn bowl(name: &str) -> (Shell, PgConnection) {
    let url = fresh_database(name);
    let mut own = PgConnection::connect(&url).await.unwrap();
    own.execute(
        "CREATE TABLE bowl AS SELECT a, a % 7 AS b FROM generate_series(1, 150000) AS a; CREATE INDEX ON bowl (a);
         CREATE SEQUENCE turns; ANALYZE bowl",
    )
    .await
    .unwrap();
    (Shell::on(&url), own)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_of_it() {
    let (shell, mut own) = bowl("explain").await;
    let told = shell.succeeds(&["db", "explain", "DELETE FROM bowl WHERE a < 100"]);
    assert!(told.contains("Delete on public.bowl") && told.contains("bowl_a_idx"), "{told}");
    let told = shell.fails(2, &["db", "explain", "--analyze", "DELETE FROM bowl"]);
    assert!(told.contains("the statement writes") && told.contains("leave --analyze out"), "{told}");
    shell.fails(2, &["db", "explain", "--analyze", "SELECT nextval('turns')"]);
    shell.fails(2, &["db", "explain", "--analyze", "WITH gone AS (DELETE FROM bowl RETURNING a) SELECT * FROM gone"]);
    for several in ["SELECT 1; DELETE FROM bowl", "SELECT 1; COMMIT; DELETE FROM bowl"] {
        for analyze in [["db", "explain"].as_slice(), &["db", "explain", "--analyze"]] {
            let told = shell.fails(2, &[analyze, &[several]].concat());
            assert!(told.contains("several statements"), "{told}");
        }
    }
    let left: (i64, bool) = sqlx::query_as("SELECT (SELECT count(*) FROM bowl), (SELECT is_called FROM turns)")
        .fetch_one(&mut own)
        .await
        .unwrap();
    assert_eq!(left, (150_000, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_out_is_said() {
    let (shell, _own) = bowl("hints").await;
    let told = shell.succeeds(&["db", "explain", "--analyze", "SELECT * FROM bowl WHERE a = 5"]);
    assert!(told.contains("by bowl_a_idx on public.bowl") && told.contains("finds: (bowl.a = 5)"), "{told}");
    assert!(told.contains("1 came") && told.contains("run in ") && !told.contains('!'), "{told}");
    let told = shell.json(&["db", "explain", "SELECT * FROM bowl WHERE b = 5"]);
    let hint = told["hints"][0].as_str().unwrap();
    assert!(hint.starts_with("public.bowl is read from end to end (some 150,000 rows) for (bowl.b = 5)"), "{hint}");
    assert!(told["plans"][0]["Plan"]["Node Type"].is_string(), "{told}");
    let told = shell.json(&["db", "explain", "--analyze", "SELECT * FROM bowl WHERE (a * 3) % 1 = 0"]);
    let hints = told["hints"].as_array().unwrap();
    assert!(
        hints.iter().any(|hint| hint.as_str().unwrap().ends_with("150,000 came: type in psql: ANALYZE public.bowl")),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_explained_is_told() {
    let (shell, _own) = bowl("mistakes").await;
    for (statement, words) in [
        ("SELEKT 1", "syntax error at or near \"SELEKT\", at character 1"),
        ("SELECT * FROM cats", "relation \"cats\" does not exist, at character 15"),
        ("SELECT * FROM bowl WHERE a = $1", "the statement has parameters"),
        ("VACUUM", "syntax error"),
        ("", "syntax error"),
        (
            "SELECT cat_attributes->'size' = 5 FROM (SELECT '{}'::jsonb AS cat_attributes) AS x",
            "operator does not exist: jsonb = integer",
        ),
    ] {
        let told = shell.fails(2, &["db", "explain", statement]);
        assert!(told.contains(words) && told.contains("hint: "), "{statement}: {told}");
    }
    let told = shell.fails(2, &["db", "explain", "--analyze", "--seconds", "1", "SELECT pg_sleep(600)"]);
    assert!(told.contains("took longer than 1 s") && told.contains("--seconds"), "{told}");
}
