//! Whose a cat is, and who may say so.

use serde_json::{Value, json};

use super::{GOOD, ask_for};
use crate::commands::shell;
use crate::support::cli::{Service, Shell};
use crate::support::http::{ask, bearer};

fn with_tokens(shell: &Shell, more: &[(&str, &str)]) -> Service {
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_HTTP__AUTH", "token").envs(more.iter().copied());
    Service::start(command)
}

fn token(shell: &Shell, user: &str, scope: &str) -> String {
    shell.succeeds(&["users", "token", "new", user, "--scope", scope]).trim_end().to_owned()
}

#[test]
fn a_cat_belongs_to_who_asks_for_it() {
    let shell = shell("owners");
    let (cat, dog) = (shell.json(&["users", "add", "cat"]), shell.json(&["users", "add", "dog"]));
    let enqueue = token(&shell, "cat", "enqueue");
    let (other, read, admin) =
        (token(&shell, "dog", "enqueue"), token(&shell, "cat", "read"), token(&shell, "dog", "admin"));
    let service = with_tokens(&shell, &[]);
    let user_of = |token: &str, user: Option<&Value>| {
        let mut body = json!({"github_url": "https://github.com/owner/name"});
        user.into_iter().for_each(|user| body["user_id"] = user.clone());
        let asked = ask_for(&service, &bearer(token), &body.to_string());
        if asked.status != 202 {
            return Err((asked.status, asked.json()["field"].clone()));
        }
        let own = asked.json()["links"]["self"].as_str().unwrap().to_owned();
        let shown = ask(&service, &format!("GET {own} HTTP/1.1{}", bearer(&read)), b"").json();
        Ok(shown["job"]["user_id"].clone())
    };
    let nobody = json!("0198c0de-0000-7000-8000-000000000000");
    assert_eq!(user_of(&enqueue, None), Ok(cat["id"].clone()));
    assert_eq!(user_of(&enqueue, Some(&cat["id"])), Ok(cat["id"].clone()));
    assert_eq!(user_of(&enqueue, Some(&dog["id"])), Err((403, "user_id".into())));
    assert_eq!(user_of(&admin, Some(&cat["id"])), Ok(cat["id"].clone()));
    assert_eq!(user_of(&admin, Some(&nobody)), Err((400, "user_id".into())));
    assert_eq!(ask_for(&service, &bearer(&read), GOOD).status, 403);
    assert_eq!(ask_for(&service, "", GOOD).status, 401);

    // Keys are each user's own.
    let keyed = |token: &str, body: &str| ask_for(&service, &format!("\nidempotency-key: 1{}", bearer(token)), body);
    let first = keyed(&enqueue, GOOD).json()["id"].clone();
    let others = keyed(&other, r#"{"github_url": "https://github.com/owner/other"}"#);
    assert_eq!((others.status, others.json()["id"] == first), (202, false));
    assert_eq!(keyed(&enqueue, GOOD).json()["id"], first);
}

#[test]
fn pictures_are_for_everybody_where_that_is_set() {
    let shell = shell("public");
    shell.json(&["users", "add", "cat"]);
    let read = token(&shell, "cat", "read");
    let unknown = "0198c0de-0000-7000-8000-000000000000";
    let paths = [
        format!("/v1/generations/{unknown}/image"),
        "/owner/name.png".to_owned(),
        "/generated_images/x.png".to_owned(),
    ];
    for (is_public, without) in [("false", 401), ("true", 404)] {
        let service = with_tokens(&shell, &[("REPO_TO_CAT_HTTP__PUBLIC_PICTURES", is_public)]);
        for path in &paths {
            let status = |more: &str| ask(&service, &format!("GET {path} HTTP/1.1{more}"), b"").status;
            assert_eq!((status(""), status(&bearer(&read))), (without, 404), "{path}");
        }
        assert_eq!(ask(&service, &format!("GET /v1/generations/{unknown} HTTP/1.1"), b"").status, 401);
    }
}
