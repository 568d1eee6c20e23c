//! Coming and going, and who may do what.

use serde_json::Value;

use super::{Browser, guarded, location, proof, token};
use crate::commands::shell;
use crate::support::cli::Shell;

#[test]
fn a_token_opens_the_door_and_the_way_leads_on() {
    let shell = shell("login");
    let token = token(&shell, "keeper", "admin");
    let service = guarded(&shell, &[]);
    let browser = Browser::new(&service);
    assert_eq!(location(&browser.try_get("/gallery?language=Rust")), "/login?next=%2Fgallery%3Flanguage%3DRust");
    assert_eq!(location(&browser.try_get("/")), "/login");

    let form = browser.try_get("/login?next=/gallery%3Flanguage%3DRust");
    assert!(form.text().contains("value=\"/gallery?language=Rust\"") && form.text().contains("autocomplete=\"off\""));
    for wrong in ["", "rtc_wrong", "<script>"] {
        let refused = browser.post_raw("/login", "", &[("token", wrong), ("next", "/")]);
        assert_eq!(refused.status, 401, "{wrong}");
        assert!(refused.text().contains("role=\"alert\"") && !refused.headers.contains("set-cookie"), "{wrong}");
    }
    let foreign = browser.post_raw("/login", "\nsec-fetch-site: cross-site", &[("token", &token)]);
    assert_eq!(foreign.status, 403, "nobody is logged in by another site");

    let entered = browser.post_raw(
        "/login",
        "\nsec-fetch-site: same-origin",
        &[("token", &token), ("next", "/gallery?language=Rust")],
    );
    assert_eq!(location(&entered), "/gallery?language=Rust");
    let cookie = entered.header("set-cookie").unwrap();
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/;", "Max-Age=43200"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains(&token), "{cookie}");
    assert!(browser.get("/gallery").text().contains("keeper"));
    assert_eq!(location(&browser.try_get("/login?next=/gallery")), "/gallery", "who is inside need not knock");

    let inside = browser.try_get("/");
    let secret = browser.cookies.borrow()[0].1.clone();
    assert_eq!(location(&browser.submit(&inside, "/logout", &[])), "/login");
    assert!(browser.cookies.borrow().is_empty(), "nothing is left to be said to who comes next");
    assert_eq!(location(&browser.try_get("/gallery")), "/login?next=%2Fgallery");
    browser.cookies.borrow_mut().push(("repo-to-cat".to_owned(), secret));
    assert_eq!(location(&browser.try_get("/")), "/login", "the login is over, whoever kept the cookie");
}

#[test]
fn nobody_is_sent_elsewhere_and_the_cookie_stays_on_tls() {
    let shell = shell("login_next");
    let token = token(&shell, "keeper", "read");
    let service = guarded(&shell, &[("REPO_TO_CAT_HTTP__PUBLIC_URL", "https://cats.example")]);
    for next in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"] {
        let browser = Browser::new(&service);
        let entered =
            browser.post_raw("/login", "\norigin: https://cats.example", &[("token", &token), ("next", next)]);
        assert_eq!(location(&entered), "/", "{next}");
        assert!(entered.header("set-cookie").unwrap().contains("; Secure"), "{}", entered.headers);
    }
    let proxied = |proxies: &str| {
        let service = guarded(&shell, &[("REPO_TO_CAT_HTTP__TRUSTED_PROXIES", proxies)]);
        let browser = Browser::new(&service);
        let entered = browser.post_raw("/login", "\nx-forwarded-proto: https", &[("token", &token)]);
        entered.header("set-cookie").unwrap().contains("; Secure")
    };
    assert!(proxied("127.0.0.1") && !proxied("10.0.0.0/8"), "a proxy that is trusted says so, and nobody else");
    let enqueuer = super::token(&shell, "asker", "enqueue");
    let refused = Browser::new(&service).post_raw("/login", "", &[("token", &enqueuer)]);
    assert_eq!(refused.status, 401, "who may not look has nothing to see");
}

#[test]
fn a_form_needs_its_proof_and_its_sender_the_right() {
    let shell = shell("forms");
    let (admin, reader) = (token(&shell, "keeper", "admin"), token(&shell, "guest", "read"));
    let id = shell.enqueue(&["repo"]).remove(0);
    let service = guarded(&shell, &[]);
    let enter = |token: &str| {
        let browser = Browser::new(&service);
        assert_eq!(location(&browser.post_raw("/login", "", &[("token", token)])), "/");
        browser
    };
    let (keeper, guest) = (enter(&admin), enter(&reader));
    let delete = format!("/generations/{id}/delete");
    let page = keeper.try_get("/");
    let proof = proof(&page);
    for (what, more, fields) in [
        ("without proof", "", vec![]),
        ("with a made-up proof", "", vec![("csrf", "0000")]),
        ("from another site", "\nsec-fetch-site: cross-site", vec![("csrf", proof)]),
        ("from a neighbour", "\nsec-fetch-site: same-site", vec![("csrf", proof)]),
        ("from another origin", "\norigin: https://evil.example", vec![("csrf", proof)]),
    ] {
        let refused = keeper.post_raw(&delete, more, &fields);
        assert_eq!(refused.status, 403, "{what}");
        assert!(refused.text().contains("form was not taken"), "{what}");
    }
    // Another's proof is none.
    assert_eq!(guest.post_raw(&delete, "", &[("csrf", proof)]).status, 403);
    let refused = guest.submit(&guest.try_get("/"), &delete, &[("confirmed", "yes")]);
    assert!(refused.status == 403 && refused.text().contains("does not allow"), "{}", refused.text());
    assert_eq!(Browser::new(&service).post_raw(&delete, "", &[("csrf", proof)]).status, 303, "to the login");
    let unknown = keeper.submit(&page, &delete, &[("colour", "red")]);
    assert!(unknown.status == 400 && unknown.text().contains("colour"), "{}", unknown.text());
    assert_eq!(keeper.submit(&page, &delete, &[("confirmed", "yes"), ("x", "\0")]).status, 400);
}

/// An action, who did it, by which way, how it ended, and the detail.
type Deed = (String, String, String, Option<String>, Option<Value>);

#[test]
fn who_came_and_went_is_written_down() {
    let url = crate::support::postgres::fresh_database("deeds");
    let shell = Shell::migrated(&url);
    let token = token(&shell, "keeper", "admin");
    let service = guarded(&shell, &[]);
    let browser = Browser::new(&service);
    browser.post_raw("/login", "", &[("token", &token)]);
    browser.submit(&browser.try_get("/"), "/logout", &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deeds: Vec<Deed> = runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&url).await.unwrap();
        sqlx::query_as("SELECT action, who, via, outcome, detail FROM web.audit ORDER BY id")
            .fetch_all(&pool)
            .await
            .unwrap()
    });
    let deed =
        |action: &str| (action.to_owned(), "keeper".to_owned(), "dashboard".to_owned(), Some("done".to_owned()), None);
    assert_eq!(deeds, [deed("login"), deed("logout")]);
}
