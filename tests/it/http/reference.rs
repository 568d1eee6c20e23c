//! The OpenAPI document and its page.

use repo_to_cat::http::openapi;
use serde_json::Value;

use super::starting::guarded;
use crate::commands::shell;
use crate::support::cli::Service;
use crate::support::http::get;

#[test]
fn the_document_and_its_page_are_there_for_everybody() {
    let shell = shell("reference");
    let service = Service::start(guarded(&shell, &[]));
    let document = get(&service, "/openapi.json");
    assert_eq!((document.status, document.header("content-type")), (200, Some("application/json")));
    let printed: Value = serde_json::from_str(&shell.succeeds(&["openapi"])).unwrap();
    assert_eq!(document.json(), printed);
    assert_eq!(printed["openapi"], "3.1.0");
    assert_eq!(printed["info"]["version"], env!("CARGO_PKG_VERSION"));

    let page = get(&service, "/docs");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'self'") && !policy.contains("unsafe"));
    assert!(page.text().contains("href=\"/docs/style.css\"") && page.text().contains("/v1/generations/{id}"));
    let style = get(&service, "/docs/style.css");
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(style.text().contains("prefers-color-scheme: dark"));
}

#[test]
fn every_operation_says_what_it_is_and_what_it_answers() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let described: Vec<&str> =
        document["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{name}: no summary");
            let tags = operation["tags"].as_array().unwrap_or_else(|| panic!("{name}: no tag"));
            assert!(
                tags.iter().all(|tag| described.contains(&tag.as_str().unwrap())),
                "{name}: {tags:?} is not described"
            );
            let answers = operation["responses"].as_object().unwrap();
            for status in ["400", "429", "503"] {
                assert!(answers.contains_key(status), "{name}: {status}");
            }
            assert!(answers.keys().any(|status| status.starts_with(['2', '3'])), "{name}: never succeeds");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let is_named = path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap()));
                assert_eq!(parameter["in"] == "path", is_named, "{name}: {parameter}");
            }
        }
    }
}
