//! `users ...` as people and scripts meet it.

use serde_json::{Value, json};

use super::bed::Bed;
use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

fn shell() -> Shell {
    Shell::migrated(&fresh_database("user_verbs"))
}

fn column(list: &Value, key: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|row| row[key].as_str().unwrap().to_owned()).collect()
}

#[test]
fn users_are_added_listed_and_shown() {
    let shell = shell();
    assert_eq!(shell.succeeds(&["users", "list"]), "No users. Add one: repo-to-cat users add NAME\n");
    assert_eq!(shell.json(&["users", "list"]), json!([]));
    assert!(shell.succeeds(&["users", "token", "list"]).starts_with("No tokens. Make one: "));
    let told = shell.succeeds(&["users", "add", "cat", "--email", "cat@example.org"]);
    assert!(told.starts_with("cat  added; make it a token with: "), "{told}");
    let dog = shell.json(&["users", "add", "der Hund"]);
    assert_eq!((&dog["email"], &dog["tokens"], &dog["has_password"]), (&Value::Null, &0.into(), &false.into()));

    let all = shell.json(&["users", "list"]);
    assert_eq!(column(&all, "username"), ["der Hund", "cat"], "the newest first");
    let first = shell.json(&["users", "list", "--limit", "1"]);
    let cursor = first[0]["id"].as_str().unwrap();
    assert_eq!(column(&shell.json(&["users", "list", "--after", cursor]), "username"), ["cat"]);
    let last = all[1]["id"].as_str().unwrap();
    assert_eq!(shell.succeeds(&["users", "list", "--after", last]), "No more users.\n");
    let told = shell.succeeds(&["users", "list"]);
    assert!(told.starts_with("Id ") && told.contains("cat@example.org") && told.contains("enabled"), "{told}");

    for who in ["cat", "cat@example.org", last] {
        assert_eq!(shell.json(&["users", "show", who])["user"]["username"], "cat", "{who}");
    }
    let shown = shell.succeeds(&["users", "show", "cat"]);
    assert!(shown.contains("User cat") && shown.contains("none; make one: "), "{shown}");
}

#[test]
fn a_token_is_made_checked_and_revoked() {
    let shell = shell();
    shell.succeeds(&["users", "add", "cat"]);
    let made = shell.run(&["users", "token", "new", "cat"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let token = made.out.strip_suffix('\n').unwrap();
    assert!(token.len() == 44 && token.starts_with("rtc_"), "the token alone");
    assert!(made.err.contains("enqueue, read") && made.err.contains("until it is revoked"), "{}", made.err);
    let checked = shell.run_with_input(&["users", "token", "check"], token.as_bytes());
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    assert!(checked.out.contains("state      works") && checked.out.contains("user       cat"), "{}", checked.out);

    let options = ["--name", "nightly", "--scope", "read", "--scope", "admin", "--expires", "90d"];
    let other = shell.json(&[&["users", "token", "new", "cat"][..], &options].concat());
    assert_eq!((&other["scopes"], &other["name"]), (&json!(["read", "admin"]), &"nightly".into()));
    assert!(other["token"].as_str().unwrap().starts_with(other["prefix"].as_str().unwrap()));
    let list = shell.json(&["users", "token", "list", "cat"]);
    assert_eq!(column(&list, "name"), ["nightly", "token"]);
    assert!(list[0].get("token").is_none() && list[0].get("hash").is_none(), "{list}");
    assert_eq!(column(&shell.json(&["users", "token", "list", "--limit", "1"]), "name"), ["nightly"]);
    let cursor = list[0]["id"].as_str().unwrap();
    assert_eq!(column(&shell.json(&["users", "token", "list", "--after", cursor]), "name"), ["token"]);
    assert!(list[0]["expires_at"].is_string() && list[1]["expires_at"].is_null(), "{list}");

    let prefix = &token[..12];
    assert_eq!(shell.succeeds(&["users", "token", "revoke", prefix]), format!("{prefix}  revoked\n"));
    assert_eq!(shell.succeeds(&["users", "token", "revoke", prefix]), format!("{prefix}  was already revoked\n"));
    let refused = shell.run_with_input(&["--json", "users", "token", "check"], token.as_bytes());
    assert_eq!(refused.code, Some(8));
    let (whose, why): (Value, Value) =
        (serde_json::from_str(&refused.out).unwrap(), serde_json::from_str(&refused.err).unwrap());
    assert_eq!((&whose["user"], &whose["state"]), (&"cat".into(), &"revoked".into()));
    assert_eq!(why["error"]["kind"], "unauthorized");

    shell.succeeds(&["users", "token", "revoke", other["id"].as_str().unwrap()]);
    assert_eq!(shell.json(&["users", "show", "cat"])["user"]["tokens"], 0);
}

#[test]
fn users_are_disabled_and_enabled() {
    let shell = shell();
    shell.succeeds(&["users", "add", "cat"]);
    let token = shell.run(&["users", "token", "new", "cat"]).out;
    let check = || shell.run_with_input(&["users", "token", "check"], token.as_bytes()).code;
    assert_eq!(shell.succeeds(&["users", "disable", "cat"]), "cat  disabled\n");
    assert_eq!(shell.json(&["users", "disable", "cat"])["changed"], false);
    assert_eq!(check(), Some(8));
    assert!(shell.succeeds(&["users", "list"]).contains("disabled"));
    assert!(shell.run(&["users", "token", "new", "cat"]).err.contains("works once the user is enabled again"));
    assert_eq!(shell.succeeds(&["users", "enable", "cat"]), "cat  enabled\n");
    assert_eq!(shell.succeeds(&["users", "enable", "cat"]), "cat  was already enabled\n");
    assert_eq!(check(), Some(0));
}

#[test]
fn jobs_are_asked_for_and_found_by_the_users_name() {
    let shell = shell();
    shell.succeeds(&["users", "add", "cat"]);
    let url = "https://github.com/owner/name";
    let id = shell.enqueue(&[url, "--user", "cat"]).remove(0);
    shell.enqueue(&["https://github.com/owner/other"]);
    let user = shell.json(&["users", "show", "cat"])["user"]["id"].clone();
    let found = shell.json(&["jobs", "list", "--user", "cat"]);
    assert_eq!(column(&found["jobs"], "id"), [id.as_str()]);
    assert_eq!(found["jobs"][0]["user_id"], user);
    assert_eq!(shell.json(&["jobs", "list", "--user", user.as_str().unwrap()])["jobs"], found["jobs"]);
    assert!(shell.fails(4, &["enqueue", url, "--user", "dog"]).contains("there is no user `dog`"));
    assert_eq!(shell.json(&["jobs", "cancel", "--user", "cat", "--dry-run"])["changed"], 1);
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let shell = shell();
    shell.succeeds(&["users", "add", "cat", "--email", "cat@example.org"]);
    let long = "n".repeat(256);
    let mut told = String::new();
    for (code, arguments) in [
        (7, ["users", "add", "cat"].as_slice()),
        (7, &["users", "add", "dog", "--email", "cat@example.org"]),
        (2, &["users", "add", ""]),
        (2, &["users", "add", &long]),
        (2, &["users", "add", "a\u{1b}b"]),
        (2, &["users", "add", "00000000-0000-0000-0000-000000000001"]),
        (2, &["users", "add", "dog", "--email", "dog"]),
        (4, &["users", "show", "dog"]),
        (4, &["users", "disable", "dog"]),
        (4, &["users", "list", "--after", "00000000-0000-0000-0000-000000000001"]),
        (4, &["users", "token", "new", "dog"]),
        (4, &["users", "token", "list", "dog"]),
        (4, &["users", "token", "revoke", "rtc_nosuchone"]),
        (2, &["users", "token", "new", "cat", "--scope", "write"]),
        (2, &["users", "token", "new", "cat", "--expires", "soon"]),
        (2, &["users", "token", "new", "cat", "--expires", "2020-01-31"]),
        (2, &["users", "token", "new", "cat", "--name", "api_token"]),
    ] {
        told += &shell.fails(code, arguments);
    }
    insta::assert_snapshot!(told);
    assert_eq!(shell.json(&["users", "token", "list"]), json!([]));
}

#[tokio::test]
async fn what_could_mean_several_is_not_guessed() {
    let bed = Bed::make().await;
    bed.run(
        "INSERT INTO users (username, email) VALUES ('cat@example.org', NULL), ('cat', 'cat@example.org'), (NULL, NULL);
         INSERT INTO tokens (user_id, name, prefix, hash, scopes)
         SELECT id, 'ci', 'same', sha256(convert_to(id::text, 'UTF8')), '{read}' FROM users",
    )
    .await;
    let shell = Shell::on(&bed.url);
    let told = shell.fails(7, &["users", "disable", "cat@example.org"]);
    assert!(told.contains("the name of one user and the address of another"), "{told}");
    let told = shell.fails(7, &["users", "token", "revoke", "same"]);
    assert!(told.contains("3 tokens begin with `same`"), "{told}");

    // One without a name is called by its id.
    let id: uuid::Uuid = bed.one("SELECT id FROM users WHERE username IS NULL").await;
    assert!(shell.succeeds(&["users", "show", &id.to_string()]).contains(&format!("User {id}")));
    assert!(shell.succeeds(&["users", "token", "list"]).contains(&id.to_string()));
    assert_eq!(shell.succeeds(&["users", "disable", &id.to_string()]), format!("{id}  disabled\n"));
}
