//! Users and tokens.

use super::{Browser, EVIL, audited, deeds, guarded, run};
use crate::commands::shell;
use crate::support::cli::Shell;
use crate::support::http::Answer;

/// A token to look only, and one to do everything.
pub fn two_tokens(shell: &Shell) -> (String, String) {
    shell.succeeds(&["users", "add", "cat"]);
    let token = |scope: &str| shell.succeeds(&["users", "token", "new", "cat", "--scope", scope]).trim().to_owned();
    (token("read"), token("admin"))
}

#[test]
fn users_are_added_disabled_and_enabled() {
    let shell = shell("desk_users");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    browser.get("/users").has(&["Nobody is here yet"]);
    let add = |name: &str, email: &str| browser.send("/users", "/users", &[("name", name), ("email", email)]);
    let (own, page) = add("der Hund", "<b>@example.org");
    page.has(&["der Hund is added", "&lt;b&gt;@example.org", "None yet"]).lacks(&["<b>@"]);
    add(EVIL, "").1.has(&["&lt;script&gt;"]).lacks(&["<script>alert"]);
    add("der Hund", "").1.has(&["flash bad"]);
    add("", "").1.has(&["flash bad"]);
    browser.get("/users").has(&["der Hund", "enabled", "&lt;script&gt;"]).lacks(&["<script>alert"]);
    browser.get("/users/der%20Hund").has(&["der Hund"]);
    assert_eq!(browser.try_get("/users/nobody").status, 404);

    browser.post(&own, &format!("{own}/disable"), &[]).has(&["Disable the user?"]);
    browser.send(&own, &format!("{own}/disable"), &[("confirmed", "yes")]).1.has(&["der Hund is disabled.", "Enable"]);
    browser.send(&own, &format!("{own}/enable"), &[]).1.has(&["der Hund is enabled."]);
    browser.send(&own, &format!("{own}/enable"), &[]).1.has(&["was enabled already"]);
    assert_eq!(deeds(&shell), ["users.add", "users.add", "users.disable", "users.enable", "users.enable"]);
}

#[test]
fn a_token_is_shown_once_and_revoked() {
    let shell = shell("desk_tokens");
    let (_, admin) = two_tokens(&shell);
    let service = guarded(&shell, &[]);
    let browser = Browser::of(&service, &admin);
    let (own, _) = browser.send("/users", "/users", &[("name", "dog"), ("email", "")]);

    let fields = [("name", "build <b>"), ("expires", "90d"), ("scope", "enqueue"), ("scope", "read")];
    let made = browser.post(&own, &format!("{own}/tokens"), &fields);
    assert_eq!((made.status, made.header("cache-control")), (200, Some("no-store")));
    made.has(&["the only time that it is shown", "build &lt;b&gt;", "enqueue, read"]);
    let (_, after) = made.text().split_once("rtc_").unwrap();
    let token = format!("rtc_{}", &after[..40]);
    assert_eq!(Browser::of(&service, &token).try_get("/jobs").status, 200, "it works");
    browser.get(&own).has(&[&token[..12], "works"]).lacks(&[&token]);
    browser.get("/audit").has(&["tokens.new"]).lacks(&[&token]);
    for (name, value, said) in [
        ("expires", "soon", "`soon` is no time"),
        ("scope", "sudo", "there is no scope"),
        ("name", "api_token", "is kept"),
    ] {
        let fields: Vec<_> = [("scope", "read"), ("expires", "never"), ("name", "x")]
            .into_iter()
            .filter(|(own, _)| *own != name)
            .chain([(name, value)])
            .collect();
        browser.send(&own, &format!("{own}/tokens"), &fields).1.has(&["flash bad", said]);
    }
    browser.send(&own, &format!("{own}/tokens"), &[("name", "x")]).1.has(&["would allow nothing"]);

    let page = browser.get(&own);
    let (_, after) = page.text().split_once("/tokens/").unwrap();
    let revoke = format!("{own}/tokens/{}", after.split('"').next().unwrap());
    browser.post(&own, &revoke, &[]).has(&["Revoke the token?"]);
    browser.send(&own, &revoke, &[("confirmed", "yes")]).1.has(&["is revoked."]);
    assert_eq!(Browser::of(&service, &token).try_get("/jobs").status, 303, "to the login");
    let log = service.stop(rustix::process::Signal::TERM).1;
    assert!(!log.contains(&token), "{log}");
}

#[test]
fn the_number_of_cats_leads_to_them() {
    let shell = shell("desk_cats_of");
    shell.succeeds(&["users", "add", "cat"]);
    shell.succeeds(&["users", "add", "dog"]);
    run(
        &shell,
        "INSERT INTO public.generations (id, github_url, user_id)
         SELECT gen_random_uuid(), 'https://github.com/owner/name', id
         FROM public.users, generate_series(1, CASE username WHEN 'cat' THEN 30 ELSE 2 END)",
    );
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let page = browser.get("/users/cat");
    let (link, rest) = page.text().split_once("href=\"/gallery?user=").unwrap().1.split_once("\">").unwrap();
    assert!(rest.starts_with("30<"), "{rest}");
    let cats = |page: &Answer| page.text().matches("class=\"cat\"").count();
    let first = browser.get(&format!("/gallery?user={link}"));
    let older = first.text().split("href=\"").find(|link| link.starts_with("/gallery?user=")).unwrap();
    let older = browser.get(&older.split('"').next().unwrap().replace("&amp;", "&"));
    assert_eq!((cats(&first), cats(&older)), (24, 6));
    assert_eq!(cats(&browser.get("/gallery?user=dog")), 2);
    assert_eq!(browser.try_get("/gallery?user=nobody").status, 404);
}

#[test]
fn the_last_admin_stays() {
    let shell = shell("desk_last_admin");
    let (_, admin) = two_tokens(&shell);
    let service = guarded(&shell, &[]);
    let browser = Browser::of(&service, &admin);
    let page = browser.send("/users/cat", "/users/cat/disable", &[("confirmed", "yes")]).1;
    page.has(&["no admin could get in any more"]);
    let (action, target, outcome) = audited(&shell).remove(0);
    assert_eq!(
        (action.as_str(), target.unwrap().len()),
        ("users.disable", 36),
        "the id, whatever they are called later"
    );
    assert!(outcome.unwrap().contains("no admin"));
}
