//! What runs here, and how requests are described.

use std::collections::BTreeSet;

use repo_to_cat::http::openapi::document;
use serde_json::{Value, json};

use crate::commands::shell;
use crate::support::cli::Service;
use crate::support::http::get;

#[test]
fn the_system_tells_its_settings_and_what_is_missing() {
    let shell = shell("http_system");
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_BACKUP__WEBHOOK_URL", "https://me:s3cret@a.example/s3cret");
    let service = Service::start(command);
    let system = get(&service, "/v1/system");
    assert!(system.status == 200 && !system.text().contains("s3cret"), "{}", system.text());
    let system = system.json();
    assert_eq!((&system["version"], &system["schema"]["pending"]), (&json!(env!("CARGO_PKG_VERSION")), &json!([])));
    assert_eq!(system["schema"]["current"], system["schema"]["applied"].as_array().unwrap().last().unwrap()["version"]);
    let setting =
        |key: &str| system["settings"].as_array().unwrap().iter().find(|one| one["key"] == key).unwrap().clone();
    let auth = setting("http.auth");
    assert!(auth["value"] == "none" && auth["from"].as_str().unwrap().starts_with("quick.toml:"), "{auth}");
    assert_eq!(setting("backup.webhook_url")["value"], "https://a.example/***");

    let checks = get(&service, "/v1/system/checks").json();
    let of = |name: &str| checks.as_array().unwrap().iter().find(|check| check["name"] == name).unwrap().clone();
    assert_eq!((&of("database")["state"], &of("HTTP address")["state"]), (&json!("ok"), &json!("ok")));
    assert_eq!(of("backups")["state"], "warn", "there is none yet");
}

/// Every value of a key, wherever it stands.
fn values<'a>(of: &'a Value, key: &str) -> Vec<&'a Value> {
    match of {
        Value::Array(items) => items.iter().flat_map(|item| values(item, key)).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| if name == key { vec![value] } else { values(value, key) }).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_description_names_only_what_it_describes() {
    let document = serde_json::to_value(document()).unwrap();
    for reference in values(&document, "$ref") {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} is not described");
    }
    let ids: Vec<_> = values(&document["paths"], "operationId").into_iter().filter_map(Value::as_str).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "operations are told apart by their ids: {ids:?}");
}
