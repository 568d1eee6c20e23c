//! From each revision to ours: the rows, the schema, and the application that goes on.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::json;

use super::bed::{HEAD, REVISIONS, application, columns, connect, original, rows, work};
use crate::support::cli::Shell;
use crate::support::postgres::{fresh_database, shared};

/// What is only in a database that was the application's first: words of the statements, and how many there are.
const ONLY_THEIRS: [(&str, [usize; 4]); 3] = [
    ("alembic_version", [2, 2, 2, 2]),
    // The indexes that its second and fourth revision made.
    ("ix_generations_", [0, 2, 2, 3]),
    // The table, its primary key, its unique token and its reference to the user.
    ("public.sessions", [0, 0, 0, 4]),
];

/// The statements of a schema dump, with the columns of a table in the order of their names.
fn statements(url: &str) -> BTreeSet<String> {
    let programs = shared().programs().unwrap();
    let mut dump = std::process::Command::new(programs.path("pg_dump"));
    let dump = dump.args(["--schema-only", "--no-owner", "--dbname", url]).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("--") && !line.starts_with('\\'));
    let text = lines.map(|line| format!("{line}\n")).collect::<String>();
    let mut statements = BTreeSet::new();
    for statement in text.split_terminator(";\n") {
        let mut lines: Vec<&str> = statement.lines().map(|line| line.trim_end_matches(',')).collect();
        if lines[0] == "CREATE TABLE public.users (" || lines[0] == "CREATE TABLE public.generations (" {
            // The application's fourth revision brings these, and so does a later migration of ours.
            lines.retain(|line| !line.starts_with("    email ") && !line.starts_with("    password_hash "));
            lines.sort_unstable();
        }
        statements.insert(lines.join("\n"));
    }
    let brought_by_either = [
        "users_email_key",
        "users_email_unique",
        "COLUMN public.users.email IS",
        "COLUMN public.users.password_hash IS",
    ];
    statements.retain(|statement| !brought_by_either.iter().any(|word| statement.contains(word)));
    statements
}

#[tokio::test]
async fn every_revision_is_adopted_with_every_value() {
    let fresh = fresh_database("fresh");
    Shell::migrated(&fresh);
    let ours = statements(&fresh);
    for level in 0..REVISIONS.len() {
        let url = original(level);
        let mut connection = connect(&url).await;
        let columns = columns(&mut connection).await;
        let before = rows(&mut connection, &columns).await;
        let shell = Shell::on(&url);

        let told = shell.json(&["migrate", "adopt", "--dry-run"]);
        assert_eq!(told["revision"], REVISIONS[level]);
        assert_eq!((&told["obstacles"], &told["done"]), (&json!([]), &json!(null)));
        assert_eq!(told["left_alone"], if level == HEAD { json!(["public.sessions"]) } else { json!([]) });
        assert_eq!(rows(&mut connection, &columns).await, before, "a dry run");
        assert!(told["steps"].as_array().unwrap().len() > 10, "{told}");

        let done = shell.json(&["migrate", "adopt", "--yes"]);
        assert_eq!((&done["steps"], &done["done"]["notes"]), (&told["steps"], &json!([])));
        assert_eq!(rows(&mut connection, &columns).await, before, "revision {}", REVISIONS[level]);

        let ran = shell.run_with_input(&["users", "token", "check"], b"plain-token-of-cat\n");
        assert_eq!(ran.code, Some(0), "{}", ran.err);

        let theirs = statements(&url);
        let lost: Vec<_> = ours.difference(&theirs).collect();
        assert!(lost.is_empty(), "revision {}: {lost:#?}", REVISIONS[level]);
        let more: Vec<_> = theirs.difference(&ours).collect();
        let mut known = 0;
        for (word, counts) in ONLY_THEIRS {
            let count = more.iter().filter(|statement| statement.contains(word)).count();
            assert_eq!(count, counts[level], "{word} in {more:#?}");
            known += count;
        }
        assert_eq!(more.len(), known, "{more:#?}");

        let generations = before.keys().filter(|(table, _)| table == "generations").count();
        let day = work(&url, level);
        let expected = json!({"newest_is_ours": true, "pages": [5, 5], "score": "9.0", "size": "small",
                              "all": generations + 1});
        assert_eq!(day, expected, "revision {}", REVISIONS[level]);
        let told = shell.succeeds(&["migrate", "adopt"]);
        assert!(told.starts_with("nothing to do: ") && told.contains(REVISIONS[level]), "{told}");
    }
}

#[tokio::test]
async fn a_user_can_be_deleted_and_made_without_what_the_application_wants() {
    let url = original(HEAD);
    let mut connection = connect(&url).await;
    Shell::on(&url).succeeds(&["migrate", "adopt", "--yes"]);
    for statement in [
        "DELETE FROM sessions",
        "DELETE FROM users",
        "INSERT INTO users (username) VALUES ('ours')",
        "INSERT INTO generations (github_url) VALUES ('https://github.com/a/b')",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    let owned: i64 =
        sqlx::query_scalar("SELECT count(user_id) FROM generations").fetch_one(&mut connection).await.unwrap();
    assert_eq!(owned, 0);
}

#[tokio::test]
async fn a_dry_run_tells_what_is_odd() {
    let shell = Shell::on(&original(HEAD));
    let told = shell.json(&["migrate", "adopt", "--dry-run"]);
    let expected = json!({
        "generations": 26, "users": 3, "plain_tokens": 1, "scores_outside": 2, "scores_not_a_number": 1, "no_score": 2,
        "no_language": 2, "no_name": 3, "negative_sizes": 1, "same_url": 18, "refused_urls": 7,
    });
    assert_eq!(told["rows"], expected);
    let text = shell.succeeds(&["migrate", "adopt", "--dry-run"]);
    for line in [
        "at Alembic's 1052d2e36053 (authentication)",
        "26 generations, 3 users: every row stays",
        "left alone: public.sessions",
        "1 with a score that is no number (NaN)",
        "- users: give defaults to id, created_at, updated_at; make optional",
        "- index generations_newest generations (created_at DESC, id DESC)",
        "0002 queue",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[tokio::test]
async fn the_application_writes_all_the_while() {
    let url = original(HEAD);
    let mut connection = connect(&url).await;
    let count = "SELECT count(*) FROM generations";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
    let mut writer = application("write", &url, HEAD);
    let mut writer = writer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(writer.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "writing\n");

    Shell::on(&url).succeeds(&["migrate", "adopt", "--yes"]);

    drop(writer.stdin.take());
    let mut written = String::new();
    said.read_to_string(&mut written).unwrap();
    let ended = writer.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let written: i64 = written.trim().parse().unwrap();
    let after: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
    assert!(written > 1, "it wrote");
    assert_eq!(after, before + written);
}
