//! The founding application's routes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::host::Host;
use super::{GOOD, completed, local_cat};
use crate::commands::shell;
use crate::dashboard::run;
use crate::fetch::server::{Server, answer};
use crate::support::cli::Service;
use crate::support::http::{ask, get, post};

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_by_the_lookout_alone() {
    let shell = shell("original_lookout");
    let service = impatient(shell.command(&["run", "--only", "http"]));
    let mut holder = PgConnection::connect(shell.url()).await.unwrap();
    let mut lock = holder.begin().await.unwrap();
    // Whoever looked a job up with the finished ones, too, would wait for this.
    sqlx::query("LOCK TABLE queue.history").execute(&mut *lock).await.unwrap();
    let asked = ask(
        &service,
        "POST /generate HTTP/1.1\ncontent-type: application/json\nidempotency-key: mine",
        GOOD.as_bytes(),
    );
    assert_eq!(asked.status, 202, "{}", asked.text());
    lock.rollback().await.unwrap();
    let again = ask(
        &service,
        "POST /generate HTTP/1.1\ncontent-type: application/json\nidempotency-key: mine",
        GOOD.as_bytes(),
    );
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, Some("true")));
    assert_eq!(again.json(), asked.json());
}

fn impatient(mut command: Command) -> Service {
    command.env("REPO_TO_CAT_HTTP__WAIT_SECONDS", "1").env("REPO_TO_CAT_HTTP__MAX_SECONDS", "10");
    Service::start(command)
}

#[test]
fn who_asks_as_before_is_answered_as_before() {
    let shell = shell("original");
    let host = Host::for_shell(&shell);
    let service = shell.service("worker,http");
    let url = host.url("owner/name");
    let answer = post(&service, "/generate", &json!({ "github_url": url }).to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cat = answer.json();
    let id = cat["generation_id"].as_str().unwrap();
    assert_eq!((&cat["success"], &cat["repository"]["url"]), (&true.into(), &url.as_str().into()));
    assert_eq!((&cat["repository"]["owner"], &cat["repository"]["stars"]), (&"owner".into(), &Value::Null));
    assert!(cat["analysis"]["metrics"]["function_count"].is_number() && cat["cat_attributes"]["size"].is_string());
    assert!(cat["meme_text"]["top"].is_string() && cat["story"].is_string() && cat["image"]["prompt"].is_string());
    let binary = STANDARD.decode(cat["image"]["binary"].as_str().unwrap()).unwrap();
    assert_eq!(get(&service, cat["image"]["url"].as_str().unwrap()).body, binary);
    assert_eq!(get(&service, &format!("/v1/generations/{id}/image")).body, binary);
    assert_eq!(get(&service, &format!("/generation/{id}")).json(), cat);

    let list = get(&service, "/generations?limit=1").json();
    assert_eq!(
        (&list["generations"][0]["generation_id"], &list["limit"], &list["offset"]),
        (&id.into(), &1.into(), &0.into())
    );
    assert_eq!(list["generations"][0]["image"]["binary"], Value::Null);
    assert_eq!(get(&service, "/generations?offset=1").json()["generations"], json!([]));
    for wrong in ["limit=0", "limit=101", "offset=-1", "offset=10001", "offset=x", "page=2"] {
        assert_eq!(get(&service, &format!("/generations?{wrong}")).status, 400, "{wrong}");
    }
    for (path, status) in [
        ("/generation/1", 400),
        ("/generation/0198c0de-0000-7000-8000-000000000000", 404),
        ("/generated_images/none.png", 404),
        ("/generated_images/%00.png", 400),
        ("/generated_images/..%2F..%2Fetc%2Fpasswd", 404),
    ] {
        assert_eq!(get(&service, path).status, status, "{path}");
    }
    let refused = post(&service, "/generate", r#"{"github_url": "https://github.com/owner"}"#);
    assert_eq!((refused.status, &refused.json()["field"]), (400, &"github_url".into()));
}

#[test]
fn what_takes_too_long_goes_on_and_what_fails_says_why() {
    let shell = shell("impatient");
    let host = Host::for_shell(&shell);
    let service = impatient(shell.command(&["run", "--only", "http"]));
    let body = json!({ "github_url": host.url("owner/name") }).to_string();
    let asked = post(&service, "/generate", &body);
    assert_eq!((asked.status, &asked.json()["state"]), (202, &"available".into()));
    assert!(asked.header("location").is_some());
    drop(service);
    let service = shell.service("worker,http");
    completed(&service, asked.json()["id"].as_str().unwrap());

    let branch = format!("{}/tree/no-such-branch", host.url("owner/name"));
    let failed = post(&service, "/generate", &json!({ "github_url": branch }).to_string());
    assert_eq!(failed.status, 422, "{}", failed.text());
    assert!(failed.json()["detail"].as_str().unwrap().contains("no-such-branch"), "{}", failed.text());
}

#[test]
fn stars_are_githubs_and_asked_for_with_its_token() {
    let github = Server::start(|request, stream| match request.target.as_str() {
        "/repos/owner/name" => answer(stream, 200, &[], br#"{"full_name": "owner/name", "stargazers_count": 42}"#),
        _ => answer(stream, 404, &[], br#"{"message": "Not Found"}"#),
    });
    let shell = shell("stars");
    let (token_file, own) = (shell.path("tokens"), Uuid::new_v4());
    fs::write(&token_file, "github.com ghp_secret\n").unwrap();
    fs::set_permissions(&token_file, Permissions::from_mode(0o600)).unwrap();
    let gone = Uuid::new_v4();
    run(
        &shell,
        &format!(
            "INSERT INTO public.generations (id, github_url) VALUES ('{own}', 'https://github.com/owner/name'),
           ('{gone}', 'https://github.com/owner/gone')"
        ),
    );
    let stars =
        |service: &Service, id: Uuid| get(service, &format!("/generation/{id}")).json()["repository"]["stars"].clone();
    let service = |with_token: bool| {
        let mut command = shell.command(&["run", "--only", "http"]);
        command.env("REPO_TO_CAT_FETCH__CA_FILE", github.settings().ca_file);
        command.env("REPO_TO_CAT_FETCH__GITHUB_API", format!("https://localhost:{}/", github.port));
        command.envs(with_token.then_some(("REPO_TO_CAT_FETCH__TOKEN_FILE", &token_file)));
        Service::start(command)
    };
    assert_eq!(stars(&service(false), own), Value::Null);
    assert!(github.requests.lock().unwrap().is_empty(), "without a token it is not asked");
    let service = service(true);
    assert_eq!((stars(&service, own), stars(&service, own)), (json!(42), json!(42)));
    assert_eq!((stars(&service, gone), stars(&service, gone)), (Value::Null, Value::Null));
    let asked = github.requests.lock().unwrap().clone();
    assert_eq!(asked.len(), 2, "once for each");
    assert_eq!(asked[0].header("authorization"), Some("Bearer ghp_secret"));
}

#[test]
fn pictures_are_found_by_their_former_names() {
    let shell = shell("former");
    let service = shell.service("worker,http");
    let id = local_cat(&shell, &service);
    let file = shell.path("cats.ndjson");
    let path = file.to_str().unwrap();
    shell.succeeds(&["generations", "export", "-o", path]);
    let mut cat: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    cat["id"] = "0198c0de-0000-7000-8000-000000000001".into();
    cat["former_image_path"] = "/generated_images/former.png".into();
    fs::write(&file, format!("{cat}\n")).unwrap();
    shell.succeeds(&["generations", "import", path]);
    let former = get(&service, "/generated_images/former.png");
    assert_eq!((former.status, former.header("content-type")), (200, Some("image/png")));
    assert_eq!(former.body, get(&service, &format!("/v1/generations/{id}/image")).body);
}
