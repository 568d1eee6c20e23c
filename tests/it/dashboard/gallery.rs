//! The cats.

use super::browser::location;
use super::people::two_tokens;
use super::{Browser, EVIL, audited, guarded, run};
use crate::commands::shell;
use crate::http::host::Host;
use crate::support::http::Answer;
use crate::support::postgres::wait_until;

fn cats(page: &Answer) -> usize {
    page.text().matches("class=\"cat\"").count()
}

#[test]
fn cats_are_shown_in_pages_and_found_by_what_they_are() {
    let shell = shell("gallery");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    assert!(browser.get("/gallery").text().contains("No cats yet."));
    run(
        &shell,
        "INSERT INTO public.generations (id, github_url, repo_owner, repo_name, primary_language, code_quality_score,
                                         cat_attributes, image_path, created_at)
         SELECT gen_random_uuid(), 'https://github.com/owner/cat' || n, 'owner', 'cat' || n,
                CASE WHEN n % 10 = 0 THEN 'Go' ELSE 'Rust' END, n / 3.0,
                jsonb_build_object('breed', CASE WHEN n % 5 = 0 THEN 'tabby' ELSE 'maine_coon' END),
                'images/v1/a.png', now() - n * interval '1 hour'
         FROM generate_series(1, 30) AS n",
    );
    let first = browser.get("/gallery");
    assert_eq!(cats(&first), 24);
    assert!(first.text().contains("owner/cat1<") && !first.text().contains("owner/cat30"));
    let older = first.text().split("href=\"").find(|link| link.starts_with("/gallery?after=")).unwrap();
    let second = browser.get(older.split('"').next().unwrap());
    assert_eq!(cats(&second), 6);
    assert!(
        second.text().contains("owner/cat30") && second.text().contains("Newest") && !second.text().contains("Older")
    );

    for (query, count) in [
        ("language=Go", 3),
        ("breed=tabby", 6),
        ("breed=tabby&language=Go", 3),
        ("min_score=9", 4),
        ("max_score=0.5", 1),
        ("repository=owner%2Fcat7", 1),
        ("repository=cat7", 1),
        ("repository=owner%2F&language=Go", 3),
        ("language=COBOL", 0),
        ("language=&breed=&min_score=&max_score=&repository=", 24),
    ] {
        assert_eq!(cats(&browser.get(&format!("/gallery?{query}"))), count, "{query}");
    }
    assert!(browser.get("/gallery?language=COBOL").text().contains("No cat is like that."));
}

#[test]
fn whatever_a_repository_is_called_is_text() {
    let shell = shell("gallery_text");
    let id = "0198c0de-0000-7000-8000-000000000001";
    let quoted = EVIL.replace('\'', "''");
    run(
        &shell,
        &format!(
            "INSERT INTO public.generations (id, github_url, repo_owner, repo_name, primary_language, story, image_prompt,
                                             meme_text_top, commit_oid, image_path, original_image_path, cat_attributes, analysis_data)
             VALUES ('{id}', 'javascript:{quoted}', '{quoted}', '\"{quoted}', '{quoted}', '{quoted}', '{quoted}', '\"{quoted}',
                     '{quoted}', 'images/v1/a.png', 'images/v1/b.png', jsonb_build_object('breed', '{quoted}'),
                     jsonb_build_object('summary', '{quoted}'))"
        ),
    );
    let service = shell.service("http");
    let browser = Browser::new(&service);
    for path in ["/", "/gallery", &format!("/generations/{id}"), &format!("/generations/{id}?picture=original")] {
        let page = browser.get(path);
        let told = page.text();
        assert!(told.contains("&lt;script&gt;alert") && !told.contains(EVIL), "{path}: {told}");
        assert!(!told.contains("href=\"javascript:"), "{path}");
    }
    let asked = browser.get("/gallery?repository=%22%3E%3Cscript%3E&language=%3Cscript%3E");
    assert!(!asked.text().contains("\"><script>"), "{}", asked.text());
}

#[test]
fn a_cat_is_asked_for_and_its_page_opens() {
    let shell = shell("gallery_ask");
    let host = Host::for_shell(&shell);
    let service = shell.service("worker,http");
    let browser = Browser::new(&service);
    assert!(browser.get("/").text().contains("action=\"/gallery\""), "the overview has the form, too");
    let gallery = browser.get("/gallery");
    let ask = |url: &str| browser.submit(&gallery, "/gallery", &[("github_url", url)]);

    let local = shell.path("repo").display().to_string();
    for (wrong, why) in [
        ("", "does not name a repository"),
        (&local, "cannot be asked for over HTTP"),
        ("https://evil.example/a/b", "not allowed"),
    ] {
        let told = browser.get(location(&ask(wrong)));
        assert!(told.text().contains(why) && told.text().contains("role=\"alert\""), "{wrong}: {}", told.text());
    }
    let bare =
        browser.post_raw("/gallery", "\nsec-fetch-site: same-origin", &[("github_url", &host.url("owner/name"))]);
    assert_eq!(bare.status, 403, "no proof, no cat");
    assert_eq!(shell.json(&["jobs", "list"])["jobs"], serde_json::json!([]), "nothing was enqueued");

    let asked = ask(&format!(" {} ", host.url("owner/name")));
    let own = location(&asked);
    assert!(browser.get(own).text().contains("It is asked for."));
    wait_until("the cat", || browser.get(own).text().contains("data-stage=\"ready\""));
    assert!(browser.get("/gallery").text().contains("owner/name"));
    assert_eq!(audited(&shell), [("generations.ask".to_owned(), None, Some("done".to_owned()))]);
}

#[test]
fn who_may_only_look_asks_for_nothing() {
    let shell = shell("gallery_ask_scope");
    let (reader, admin) = two_tokens(&shell);
    let service = guarded(&shell, &[]);
    let (reader, admin) = (Browser::of(&service, &reader), Browser::of(&service, &admin));
    let page = admin.get("/gallery");
    page.has(&["Paint its cat"]);
    reader.get("/gallery").lacks(&["Paint its cat", "href=\"/users\"", "href=\"/audit\"", "href=\"/system\""]);
    let fields = [("github_url", "https://github.com/owner/name")];
    let refused = reader.submit(&page, "/gallery", &fields);
    assert_eq!(refused.status, 403);
    assert!(audited(&shell).is_empty());
}
