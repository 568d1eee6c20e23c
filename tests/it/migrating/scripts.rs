//! `--sql`: what it prints does what the verb does.

use std::io::Write as _;
use std::process::{Command, Stdio};

use repo_to_cat::db::migrate::{Revisions, offline};

use super::{Bed, ask, schema_of};
use crate::support::cli::Shell;
use crate::support::postgres::{fresh_database, shared};

/// Runs a script as a person would; returns what went wrong.
fn psql(url: &str, script: &str) -> Result<(), String> {
    let mut child = Command::new(shared().programs().unwrap().path("psql"))
        .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It hangs up where the script fails early.
    drop(child.stdin.take().unwrap().write_all(script.as_bytes()));
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
}

#[test]
fn a_script_does_what_up_does() {
    let (url, by_hand) = (fresh_database("scripted"), fresh_database("by_hand"));
    Shell::migrated(&url);
    let nowhere = Shell::on("postgres://nobody@127.0.0.1:1/nowhere");
    psql(&by_hand, &nowhere.succeeds(&["migrate", "upgrade", "0004", "--sql"])).unwrap();
    let shell = Shell::on(&by_hand);
    assert_eq!(shell.json(&["migrate", "current"])["current"], 4);
    let rest = nowhere.succeeds(&["migrate", "upgrade", "4:head", "--sql"]);
    psql(&by_hand, &rest).unwrap();
    shell.succeeds(&["migrate", "check"]);
    assert_eq!(schema_of(&by_hand), schema_of(&url));

    let told = psql(&by_hand, &rest).unwrap_err();
    assert!(told.contains("the schema is not at 0004_schedules"), "{told}");
    psql(&by_hand, &nowhere.succeeds(&["migrate", "downgrade", "head:base", "--sql"])).unwrap();
    assert_eq!(shell.json(&["migrate", "current"])["current"], 0);
    shell.succeeds(&["migrate", "up"]);
    assert_eq!(schema_of(&by_hand), schema_of(&url));
}

#[test]
fn a_script_needs_ends_that_are_known() {
    let shell = Shell::on("postgres://nobody@127.0.0.1:1/nowhere");
    for (code, arguments) in [
        (2, ["down", "-1", "--sql"].as_slice()),
        (2, &["down", "base", "--sql"]),
        (2, &["up", "+1", "--sql"]),
        (2, &["up", "5:2", "--sql"]),
        (2, &["down", "2:5", "--sql"]),
        (4, &["up", "xyz", "--sql"]),
    ] {
        let told = shell.fails(code, &[&["migrate"], arguments].concat());
        assert!(told.contains("hint:"), "{arguments:?}: {told}");
    }
    let all = shell.json(&["migrate", "up", ":3", "--sql"]);
    assert_eq!(all["revisions"].as_array().unwrap().len(), 3);
    let text = shell.succeeds(&["migrate", "up", "base:2", "--sql"]);
    assert!(text.contains("INSERT INTO _sqlx_migrations") && !text.contains("weeks of history"), "{text}");
    assert!(Revisions::ours().iter().take(2).all(|revision| text.contains(revision.up_script().trim())));
}

#[tokio::test]
async fn a_script_keeps_what_needs_no_transaction_out_of_one() {
    let bed = Bed::make(
        "scripted_alone",
        &[
            ("CREATE TABLE cats (name text)", "DROP TABLE cats"),
            (
                "-- no-transaction\nCREATE INDEX CONCURRENTLY cats_name ON cats (name);",
                "-- no-transaction\nDROP INDEX CONCURRENTLY cats_name;",
            ),
        ],
    )
    .await;
    // A statement need not end with a semicolon in a file of its own; in a script of many it does.
    psql(&bed.url, &offline(&bed.revisions, 0, 2)).unwrap();
    assert_eq!(bed.recorded().await, [(1, true), (2, true)]);
    psql(&bed.url, &offline(&bed.revisions, 2, 0)).unwrap();
    assert!(bed.recorded().await.is_empty());
    assert!(ask::<bool>(&bed.url, "SELECT to_regclass('cats') IS NULL").await);
}
