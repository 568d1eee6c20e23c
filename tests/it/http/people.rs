//! Users, tokens and the last admin over HTTP; what needs which scope.

use serde_json::{Value, json};

use crate::commands::shell;
use crate::support::cli::{Service, Shell};
use crate::support::http::{Answer, bearer, send};

/// A service that asks who asks, and the token of its admin.
fn guarded(name: &str) -> (Shell, Service, String) {
    let shell = shell(name);
    shell.succeeds(&["users", "add", "boss"]);
    let token = token_of(&shell, "boss", "admin");
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_HTTP__AUTH", "token");
    (shell, Service::start(command), token)
}

fn token_of(shell: &Shell, user: &str, scope: &str) -> String {
    shell.succeeds(&["users", "token", "new", user, "--scope", scope]).trim().to_owned()
}

fn as_who(service: &Service, token: &str, method: &str, path: &str, body: &str) -> Answer {
    send(service, method, path, &bearer(token), body)
}

#[test]
fn users_and_tokens_are_made_shown_and_taken_away() {
    let (shell, service, admin) = guarded("http_people");
    let ask = |method: &str, path: &str, body: Value| as_who(&service, &admin, method, path, &body.to_string());
    let read = |path: &str| as_who(&service, &admin, "GET", path, "");
    let added = ask("POST", "/v1/users", json!({"name": "alice", "email": "alice@example.org"}));
    assert_eq!(added.status, 201, "{}", added.text());
    let id = added.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(added.header("location"), Some(&*format!("/v1/users/{id}")));
    assert_eq!(ask("POST", "/v1/users", json!({"name": "alice"})).status, 409);

    let made = ask("POST", "/v1/users/alice/tokens", json!({"name": "ci", "scopes": ["read"], "expires": "90d"}));
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")), "{}", made.text());
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(as_who(&service, &token, "GET", "/v1/jobs", "").status, 200);
    assert_eq!(as_who(&service, &token, "GET", "/v1/users", "").status, 403);
    assert_eq!(as_who(&service, &token, "POST", "/v1/jobs/retry", "{}").status, 403);

    let shown = read("/v1/users/alice");
    assert_eq!((&shown.json()["user"]["id"], &shown.json()["tokens"][0]["name"]), (&json!(id), &json!("ci")));
    let page = read("/v1/users?limit=1");
    assert_eq!(
        (&page.json()["users"][0]["username"], page.header("link")),
        (&json!("alice"), Some(&*format!("</v1/users?limit=1&after={id}>; rel=\"next\"")))
    );
    assert_eq!(read(&format!("/v1/users?after={id}")).json()["users"][0]["username"], "boss");
    assert_eq!(read("/v1/tokens").json()["tokens"].as_array().unwrap().len(), 2);
    assert!(![shown, read("/v1/tokens"), read("/v1/audit")].iter().any(|answer| answer.text().contains(&token)));

    assert_eq!(ask("POST", "/v1/users/alice/disable", json!({})).json()["changed"], true);
    assert_eq!(as_who(&service, &token, "GET", "/v1/jobs", "").status, 401, "at once");
    assert_eq!(ask("POST", &format!("/v1/users/{id}/enable"), json!({})).json()["changed"], true);
    assert_eq!(as_who(&service, &token, "GET", "/v1/jobs", "").status, 200);
    let own = format!("/v1/tokens/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(read(&own).status, 405);
    assert_eq!(ask("DELETE", &own, json!({})).json()["changed"], true);
    assert_eq!(as_who(&service, &token, "GET", "/v1/jobs", "").status, 401, "at once");
    assert_eq!(ask("DELETE", &own, json!({})).json()["changed"], false);

    for (method, path, body, status) in [
        ("POST", "/v1/users".to_owned(), json!({"name": ""}), 400),
        ("POST", "/v1/users".to_owned(), json!({"name": "b", "password": "x"}), 400),
        ("POST", "/v1/users".to_owned(), json!({"name": "b\0"}), 400),
        ("POST", "/v1/users/nobody/tokens".to_owned(), json!({}), 404),
        ("POST", "/v1/users/alice/tokens".to_owned(), json!({"scopes": ["all"]}), 400),
        ("POST", "/v1/users/alice/tokens".to_owned(), json!({"expires": "2020-01-01T00:00:00Z"}), 400),
        ("DELETE", "/v1/tokens/rtc_none".to_owned(), json!({}), 404),
        ("DELETE", format!("/v1/tokens/{admin}"), json!({}), 400),
    ] {
        let answer = ask(method, &path, body.clone());
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
    }
    let log = read("/v1/audit?who=boss&action=tokens.new").json();
    assert_eq!(log["entries"][1]["detail"]["name"], "ci");
    drop(shell);
}

#[test]
fn the_last_admin_stays() {
    let (shell, service, admin) = guarded("http_last_admin");
    let ask = |method: &str, path: &str| as_who(&service, &admin, method, path, "");
    let only = ask("GET", "/v1/tokens").json()["tokens"][0]["id"].as_str().unwrap().to_owned();
    for (method, path) in [("POST", "/v1/users/boss/disable"), ("DELETE", &*format!("/v1/tokens/{only}"))] {
        let refused = ask(method, path);
        assert_eq!((refused.status, refused.json()["detail"].as_str()), (409, Some("no admin could get in any more")));
    }
    assert_eq!(ask("GET", "/v1/users").status, 200);
    assert_eq!(
        ask("GET", "/v1/audit").json()["entries"][0]["outcome"].as_str(),
        Some("no admin could get in any more")
    );

    shell.succeeds(&["users", "add", "other"]);
    let other = token_of(&shell, "other", "admin");
    assert_eq!(ask("DELETE", &format!("/v1/tokens/{only}")).status, 200, "another is left");
    assert_eq!(
        as_who(&service, &other, "POST", "/v1/users/boss/disable", "").status,
        200,
        "boss was no admin any more"
    );
    assert_eq!(as_who(&service, &other, "POST", "/v1/users/other/disable", "").status, 409);
}
