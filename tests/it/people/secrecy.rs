//! Nothing of a token is where others could see it: only its hash is kept.

use std::fs;

use repo_to_cat::db::tokens;
use serde_json::Value;

use super::bed::{Bed, dump};
use crate::support::cli::Shell;
use crate::support::postgres::shared;

#[tokio::test]
async fn a_token_is_in_no_table_statement_or_log() {
    let bed = Bed::make().await;
    let name: String = bed.one("SELECT current_database()::text").await;
    bed.run(&format!(
        "ALTER DATABASE {name} SET log_statement = 'all'; ALTER DATABASE {name} SET log_min_duration_statement = 0"
    ))
    .await;
    // Those that connect from now on are logged with all their statements and parameters.
    let shell = Shell::on(&bed.url);
    shell.succeeds(&["--log", "trace", "users", "add", "cat"]);
    let made = shell.run(&["--log", "trace", "users", "token", "new", "cat"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let token = made.out.strip_suffix('\n').unwrap();
    let secret = &token[13..];
    let checked = shell.run_with_input(&["--log", "trace", "users", "token", "check"], token.as_bytes());
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    let db = bed.later("0").await;
    tokens::authenticate(&db, token).await.unwrap();

    let active: Vec<String> =
        bed.one("SELECT array_agg(query) FROM pg_stat_activity WHERE datname = current_database()").await;
    let log = String::from_utf8_lossy(&fs::read(shared().status().log).unwrap()).into_owned();
    let hash: String = bed.one("SELECT encode(hash, 'hex') FROM tokens").await;
    assert!(log.contains(&hash), "the log has the parameters");
    assert!(log.contains("WITH presented AS"), "the log has the statement");
    let dumped = dump(&bed.url, &["--inserts"]);
    assert!(dumped.contains(&hash) && dumped.contains(&token[..12]), "the dump has the row");
    for (place, text) in [
        ("the server's log", log.as_str()),
        ("pg_stat_activity", &active.join("\n")),
        ("the dump", &dumped),
        ("what is told beside it", &made.err),
        ("the log of checking", &checked.err),
        ("what checking says", &checked.out),
        ("the lists", &shell.succeeds(&["--json", "users", "token", "list"])),
        ("the user", &shell.succeeds(&["--json", "users", "show", "cat"])),
    ] {
        assert!(!text.contains(secret), "{place} has the token");
    }
}

#[test]
fn a_secret_in_an_argument_is_refused_and_not_told_again() {
    // There is no database: nothing is needed to refuse it.
    let shell = Shell::on("postgres://nobody@127.0.0.1:1/nothing");
    let token = format!("rtc_{}", "a1B2".repeat(10));
    for arguments in [
        ["users", "token", "check", &token].as_slice(),
        &["users", "token", "check", "x", &token],
        &["users", "token", "revoke", &token],
        &["users", "password", "set", "cat", &token],
        &["users", "password", "check", "cat", &token],
    ] {
        for form in [[].as_slice(), &["--json"]] {
            let told = shell.fails(2, &[form, arguments].concat());
            assert!(!told.contains(&token[..13]) && told.contains("hint"), "{arguments:?}: {told}");
        }
    }
    let told = shell.fails(2, &["users", "token", "revoke", &token]);
    assert!(told.contains("users token revoke rtc_a1B2a1B2\n"), "{told}");
}

#[test]
fn nothing_else_on_standard_input_is_taken_for_a_secret() {
    let shell = Shell::on("postgres://nobody@127.0.0.1:1/nothing");
    for input in ["", "\n", "one\ntwo\n", "\u{0}\n\n"] {
        for arguments in [["users", "token", "check"].as_slice(), &["users", "password", "set", "cat"]] {
            let ran = shell.run_with_input(arguments, input.as_bytes());
            assert_eq!(ran.code, Some(2), "{arguments:?} {input:?}: {}", ran.err);
        }
    }
    let ran = shell.run_with_input(&["--json", "users", "token", "check"], b"\xff\xfe");
    let told: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((ran.code, &told["error"]["kind"]), (Some(2), &"invalid".into()));
}
