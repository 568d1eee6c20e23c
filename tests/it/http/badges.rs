//! The last cat of a repository, in READMEs.

use resvg::tiny_skia::Pixmap;

use super::host::Host;
use super::{ask_for, completed};
use crate::commands::shell;
use crate::support::http::{ask, get};

#[test]
fn a_readme_shows_the_last_cat() {
    let shell = shell("badges");
    let host = Host::for_shell(&shell);
    let service = shell.service("worker,http");
    let body = format!(r#"{{"github_url": "{}"}}"#, host.url("group/sub/name"));
    let asked = ask_for(&service, "", &body);
    assert_eq!(asked.status, 202, "{}", asked.text());
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    completed(&service, &id);

    let path = format!("/group/sub/name.png?host={}", host.name());
    let badge = get(&service, &path);
    assert_eq!(badge.status, 200, "{}", badge.headers);
    assert_eq!(badge.body, get(&service, &format!("/v1/generations/{id}/image")).body);
    assert_eq!(badge.header("content-type"), Some("image/png"));
    assert_eq!(badge.header("cache-control"), Some("private, max-age=300"));
    let tag = badge.header("etag").unwrap();
    assert_eq!(ask(&service, &format!("GET {path} HTTP/1.1\nif-none-match: {tag}"), b"").status, 304);
    assert_eq!(ask(&service, &format!("HEAD {path} HTTP/1.1"), b"").status, 200);
    let small = Pixmap::decode_png(&get(&service, &format!("{path}&width=96")).body).unwrap();
    assert_eq!(small.width(), 96);

    let sign = get(&service, &format!("{path}&form=badge"));
    let pixels = Pixmap::decode_png(&sign.body).unwrap();
    assert!(pixels.height() == 28 && pixels.width() < 300, "{} x {}", pixels.width(), pixels.height());
    let tag = sign.header("etag").unwrap();
    assert_eq!(ask(&service, &format!("GET {path}&form=badge HTTP/1.1\nif-none-match: {tag}"), b"").status, 304);

    for (path, status) in [
        ("/group/sub/name.png", 404),
        ("/owner/name.png?host=localhost", 404),
        ("/owner/na%00me.png", 400),
        ("/owner/-name.png", 404),
        ("/owner/name.png?form=svg", 400),
        ("/owner/name.png?width=7", 400),
        ("/owner/name", 404),
        ("/v1/owner/name.png", 404),
        (&format!("{path}&form=badge&width=96"), 400),
    ] {
        let answer = get(&service, path);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
    assert_eq!(ask(&service, "POST /owner/name.png HTTP/1.1", b"").status, 404);
}
