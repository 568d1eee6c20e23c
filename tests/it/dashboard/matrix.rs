//! Each route of the dashboard with each sort of visitor: let in exactly where the table says so.

use super::{Browser, guarded, location, proof, run, token};
use crate::commands::shell;
use crate::dashboard::browser::OWN_SITE;
use crate::support::http::Answer;

/// What a route asks of who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    Nothing,
    Read,
    Enqueue,
    Admin,
}
use Needs::{Admin, Enqueue, Nothing, Read};

/// Every route of `src/dashboard`; a house rule (`tests/it/tidy/routes.rs`) holds that none is missing.
const ROUTES: [(&str, &str, Needs); 46] = [
    ("GET", "/assets/{name}", Nothing),
    ("GET", "/login", Nothing),
    ("POST", "/login", Nothing),
    ("GET", "/", Read),
    ("GET", "/gallery", Read),
    ("POST", "/gallery", Enqueue),
    ("GET", "/generations/{id}", Read),
    ("POST", "/generations/{id}/rerun", Enqueue),
    ("POST", "/generations/{id}/delete", Admin),
    ("GET", "/jobs", Read),
    ("POST", "/jobs", Admin),
    ("GET", "/jobs/{id}", Read),
    ("POST", "/jobs/{id}/{action}", Admin),
    ("GET", "/queues", Read),
    ("POST", "/queues/limits", Admin),
    ("POST", "/queues/unlimit", Admin),
    ("POST", "/queues/release", Admin),
    ("POST", "/queues/{kind}/pause", Admin),
    ("POST", "/queues/{kind}/resume", Admin),
    ("GET", "/schedules", Read),
    ("POST", "/schedules", Admin),
    ("GET", "/schedules/.new", Admin),
    ("GET", "/schedules/{name}", Read),
    ("GET", "/schedules/{name}/edit", Admin),
    ("POST", "/schedules/{name}/edit", Admin),
    ("POST", "/schedules/{name}/pause", Admin),
    ("POST", "/schedules/{name}/resume", Admin),
    ("POST", "/schedules/{name}/run", Admin),
    ("POST", "/schedules/{name}/delete", Admin),
    ("GET", "/backups", Read),
    ("POST", "/backups", Admin),
    ("GET", "/backups/{name}", Read),
    ("POST", "/backups/{name}/verify", Admin),
    ("GET", "/webhooks", Read),
    ("POST", "/webhooks/{id}/replay", Admin),
    ("GET", "/users", Admin),
    ("POST", "/users", Admin),
    ("GET", "/users/{who}", Admin),
    ("POST", "/users/{who}/disable", Admin),
    ("POST", "/users/{who}/enable", Admin),
    ("POST", "/users/{who}/tokens", Admin),
    ("POST", "/users/{who}/tokens/{token}/revoke", Admin),
    ("GET", "/audit", Admin),
    ("GET", "/system", Admin),
    ("GET", "/system/checks", Admin),
    // Ends the login, so it is the last.
    ("POST", "/logout", Read),
];

/// A visitor, what it may do (none where it is nobody any more), and the proof of its login.
struct Visitor<'a> {
    what: &'static str,
    browser: Browser<'a>,
    may: Option<Needs>,
    proof: String,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    LetIn,
    /// 403.
    Forbidden,
    /// Sent to the login.
    Nobody,
    /// A fault of ours.
    Broken(u16),
}

impl Fate {
    fn of(answer: &Answer) -> Self {
        let ends_login = answer.all("set-cookie").any(|cookie| cookie.starts_with("repo-to-cat=;"));
        match answer.status {
            303 if location(answer).starts_with("/login") && !ends_login => Self::Nobody,
            403 => Self::Forbidden,
            401 | 429 | 500.. => Self::Broken(answer.status),
            _ => Self::LetIn,
        }
    }

    fn expected(needs: Needs, may: Option<Needs>) -> Self {
        match may {
            _ if needs == Nothing => Self::LetIn,
            None => Self::Nobody,
            Some(may) if needs <= may => Self::LetIn,
            Some(_) => Self::Forbidden,
        }
    }
}

/// A path with something that is not there where one is named.
fn sample(path: &str) -> String {
    let pieces = path.split('/').map(|piece| match piece {
        "{id}" => "0198c0de-0000-7000-8000-000000000000",
        "{action}" => "retry",
        _ if piece.starts_with('{') => "sample",
        _ => piece,
    });
    pieces.collect::<Vec<_>>().join("/")
}

#[test]
fn each_route_lets_in_whom_the_table_names() {
    let shell = shell("desk_matrix");
    shell.succeeds(&["users", "add", "asker"]);
    let asker = shell.succeeds(&["users", "token", "new", "asker", "--scope", "read", "--scope", "enqueue"]);
    let tokens = [
        ("who may read", token(&shell, "reader", "read"), Some(Read)),
        ("who may ask", asker.trim().to_owned(), Some(Enqueue)),
        ("an admin", token(&shell, "boss", "admin"), Some(Admin)),
        ("whose token has expired", token(&shell, "late", "admin"), None),
        ("whose token was revoked", token(&shell, "gone", "admin"), None),
    ];
    let service = guarded(&shell, &[("REPO_TO_CAT_HTTP__RATE_PER_MINUTE", "0")]);
    let enter = |(what, token, may): &(&'static str, String, Option<Needs>)| {
        let browser = Browser::new(&service);
        assert_eq!(location(&browser.post_raw("/login", OWN_SITE, &[("token", token)])), "/");
        let proof = proof(&browser.get("/")).to_owned();
        Visitor { what, browser, may: *may, proof }
    };
    let mut visitors: Vec<Visitor> = tokens.iter().map(enter).collect();
    visitors.push(Visitor { what: "nobody", browser: Browser::new(&service), may: None, proof: String::new() });
    run(
        &shell,
        "UPDATE tokens SET created_at = now() - interval '2 h', expires_at = now() - interval '1 h'
         WHERE user_id = (SELECT id FROM users WHERE username = 'late')",
    );
    shell.succeeds(&["users", "token", "revoke", &tokens[4].1[..12]]);

    let mut wrong = Vec::new();
    for Visitor { what, browser, may, proof } in &visitors {
        for (method, path, needs) in ROUTES {
            let there = sample(path);
            let answer = if method == "GET" {
                browser.try_get(&there)
            } else {
                // Of a form that not only admins send the fields are read first.
                let fields: &[_] = if path == "/gallery" { &[("github_url", "sample")] } else { &[] };
                browser.post_raw(&there, OWN_SITE, &[fields, &[("csrf", proof)]].concat())
            };
            let (fate, expected) = (Fate::of(&answer), Fate::expected(needs, *may));
            if fate != expected {
                wrong.push(format!("{method} {path} for {what}: {fate:?} in place of {expected:?}: {}", answer.head));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
