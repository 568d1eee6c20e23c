//! The URL grammar, by table and by property.

use proptest::prelude::*;

use super::*;

fn hosts() -> Vec<String> {
    ["github.com", "gitlab.com", "codeberg.org", "localhost"].map(String::from).to_vec()
}

fn private() -> Vec<String> {
    vec!["localhost:8443".to_owned()]
}

fn parse(text: &str) -> Result<Source> {
    Source::parse(text, &hosts(), &private())
}

fn url(text: &str) -> RepositoryUrl {
    match parse(text) {
        Ok(Source::Remote(url)) => url,
        other => panic!("{text}: {other:?}"),
    }
}

fn kind(text: &str) -> Kind {
    match parse(text) {
        Err(failure) => failure.kind(),
        Ok(source) => panic!("{text} was accepted as {source:?}"),
    }
}

#[test]
fn forms_of_one_repository_are_one() {
    for text in [
        "https://github.com/octo-org/Cat.rs",
        "https://github.com/octo-org/Cat.rs/",
        "https://github.com/octo-org/Cat.rs.git",
        "https://github.com/octo-org/Cat.rs.git/",
        "https://GitHub.COM/octo-org/Cat.rs",
        "HTTPS://github.com:443/octo-org/Cat.rs",
        "git@github.com:octo-org/Cat.rs.git",
        "git@GitHub.com:octo-org/Cat.rs",
        "https://github.com/octo-org/Cat.rs/tree/feature/tail",
    ] {
        assert_eq!(url(text).canonical(), "https://github.com/octo-org/Cat.rs", "{text}");
    }
}

#[test]
fn references_are_taken_from_the_url() {
    for (text, reference) in [
        ("https://github.com/o/r/tree/main", "main"),
        ("https://github.com/o/r/tree/feature/tail/", "feature/tail"),
        ("https://codeberg.org/o/r/src/branch/main", "main"),
        ("https://codeberg.org/o/r/src/tag/v1.0", "v1.0"),
        ("https://gitlab.com/g/s/r/-/tree/main", "main"),
        ("https://gitlab.com/g/r/tree/main", "main"),
        (
            "https://github.com/o/r/tree/0123456789abcdef0123456789abcdef01234567",
            "0123456789abcdef0123456789abcdef01234567",
        ),
    ] {
        assert_eq!(url(text).reference.as_deref(), Some(reference), "{text}");
    }
    assert_eq!(url("https://gitlab.com/g/s/t/r").owner, "g/s/t");
    assert_eq!(url("https://github.com/tree/tree").name, "tree");
}

#[test]
fn malformed_urls_are_invalid() {
    for text in [
        "",
        "https://",
        "https:///o/r",
        "https://github.com",
        "https://github.com/o",
        "https://github.com//r",
        "https://github.com/o//r",
        "https://github.com/o/..",
        "https://github.com/../r",
        "https://github.com/o/.",
        "https://github.com/o/.git",
        "https://github.com/o/r.git.git",
        "https://github.com/o/r/issues/1",
        "https://github.com/o/r/tree",
        "https://github.com/o/r/tree/",
        "https://github.com/o/r/tree/a..b",
        "https://github.com/o/r/tree/-x",
        "https://github.com/o/r/tree/x.lock",
        "https://github.com/o/r?tab=readme",
        "https://github.com/o/r#readme",
        "https://github.com/o/%2e%2e",
        "https://github.com/o\\r/x",
        "https://github.com/o/r r",
        "https://github.com/-o/r",
        "https://github.com/o/-r",
        "https://github.com/o_o/r",
        "https://github.com/a234567890123456789012345678901234567890/r",
        "https://github.com/o/rö",
        "https://github.com/o/r\n",
        "https://github.com/o/r\0",
        "https://user:secret@github.com/o/r",
        "https://github.com@evil.io/o/r",
        "https://git@github.com/o/r",
        "https://127.0.0.1/o/r",
        "https://[::1]/o/r",
        "https://2130706433/o/r",
        "https://0x7f.1/o/r",
        "https://0x7f000001/o/r",
        "https://github.com./o/r",
        "https://.github.com/o/r",
        "https://git_hub.com/o/r",
        "https://githüb.com/o/r",
        "https://gіthub.com/o/r",
        "https://xn--gthub-cta.com/o/r",
        "https://github.com:0/o/r",
        "https://github.com:00443/o/r",
        "https://github.com:99999/o/r",
        "https://github.com:/o/r",
        "http://github.com/o/r",
        "ssh://git@github.com/o/r",
        "git://github.com/o/r",
        "ext::sh -c id",
        "javascript:alert(1)",
        "host:o/r",
        "--upload-pack=id",
        "git@github.com:",
        "git@github.com:/o/r",
        "github.com/o/r",
        "file://host/o/r",
        "file:///o/r?x",
        "file:///o/%0Ar",
    ] {
        assert_eq!(kind(text), Kind::Invalid, "{text}");
    }
    assert_eq!(kind(&format!("https://github.com/o/r/tree/{}", "a".repeat(201))), Kind::Invalid);
    assert_eq!(kind(&format!("https://gitlab.com/{}r", "g/".repeat(1100))), Kind::Invalid);
}

#[test]
fn hosts_and_ports_are_policy() {
    for text in [
        "https://github.com.evil.io/o/r",
        "https://evil.io/o/r",
        "https://evilgithub.com/o/r",
        "https://githab.com/o/r",
        "git@evil.io:o/r",
        "https://github.com:8443/o/r",
        "https://localhost:8444/o/r",
    ] {
        assert_eq!(kind(text), Kind::Refused, "{text}");
    }
    assert_eq!(url("https://localhost:8443/o/r").canonical(), "https://localhost:8443/o/r");
    let failure = Source::parse("https://github.com.evil.io/o/r", &hosts(), &[]).expect_err("another host");
    assert_eq!(failure.what(), "the host github.com.evil.io is not allowed; it only looks like github.com");
    assert!(failure.hint_text().is_some_and(|hint| hint.contains("codeberg.org")));
}

#[test]
fn passwords_do_not_reach_messages() {
    for text in ["https://user:hunter2@github.com/o/r", "ssh://user:hunter2@github.com/o/r", "https://hunter2@evil/o/%"]
    {
        let failure = parse(text).expect_err("user information");
        let all = format!("{failure} {:?}", failure.hint_text());
        assert!(!all.contains("hunter2"), "{all}");
    }
}

#[test]
fn local_paths() {
    for (text, path) in [
        ("/srv/cats", "/srv/cats"),
        ("../cats", "../cats"),
        (".", "."),
        ("cats", "cats"),
        ("file:///srv/my%20cats", "/srv/my cats"),
        ("/srv/katzen-über", "/srv/katzen-über"),
    ] {
        assert_eq!(parse(text).expect(text), Source::Local(PathBuf::from(path)), "{text}");
    }
    let path = Path::new("/srv/my cats/ü");
    assert_eq!(parse(&local_canonical(path)).expect("a file URL"), Source::Local(path.to_owned()));
}

#[test]
fn messages_read_well() {
    let messages: Vec<String> =
        ["https://githüb.com/o/r", "https://github.com@evil.io/o/r", "http://github.com/o/r", "https://github.com/o"]
            .iter()
            .map(|text| {
                let failure = parse(text).expect_err(text);
                format!("{failure}\n  {}", failure.hint_text().unwrap_or_default())
            })
            .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

/// Texts near the grammar, so that many of them are accepted.
fn near_urls() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just("github.com"),
        Just("gitlab.com"),
        Just("GitLab.com"),
        Just("localhost:8443"),
        Just("codeberg.org:443")
    ];
    let start = prop_oneof![Just("https://"), Just("git@"), Just("HTTPS://")];
    (
        start,
        host,
        "[/:]",
        "[A-Za-z0-9._/%@?#:-]{0,40}",
        prop_oneof![Just(""), Just(".git"), Just("/"), Just("/tree/a/b"), Just("/-/tree/v1")],
    )
        .prop_map(|(start, host, separator, path, end)| format!("{start}{host}{separator}{path}{end}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_panics(text in any::<String>()) {
        let _ = parse(&text);
        let _ = check_reference(&text);
    }

    #[test]
    fn printed_urls_parse_to_themselves(text in near_urls()) {
        if let Ok(Source::Remote(first)) = parse(&text) {
            prop_assert_eq!(&url(&first.to_string()), &first);
            let canonical = first.canonical();
            prop_assert_eq!(url(&canonical).canonical(), canonical);
        }
    }

    #[test]
    fn accepted_urls_are_harmless(text in near_urls()) {
        if let Ok(Source::Remote(url)) = parse(&text) {
            let shown = url.to_string();
            let parsed = url::Url::parse(&shown).expect("a URL by the standard, too");
            prop_assert_eq!(parsed.as_str(), &shown, "the standard reads it as it stands");
            prop_assert!(parsed.username().is_empty() && parsed.password().is_none());
            prop_assert!(parsed.query().is_none() && parsed.fragment().is_none());
            prop_assert_eq!(parsed.host_str(), Some(url.host.as_str()));
            prop_assert!(parsed.port().is_none_or(|port| is_private_host(&url.host, port, &private())));
            prop_assert!(!url.canonical().contains("..") || url.canonical().split('/').all(|part| part != ".."));
            prop_assert!(shown.bytes().all(|b| b.is_ascii_graphic() && b != b'%' && b != b'\\'));
            prop_assert!(hosts().contains(&url.host));
        }
    }
}

#[test]
fn an_owner_fits_its_column() {
    let groups = |count: usize| vec!["g".repeat(50); count].join("/");
    assert_eq!(url(&format!("https://gitlab.com/{}/name", groups(5))).owner.len(), 254);
    assert_eq!(kind(&format!("https://gitlab.com/{}/name", groups(6))), Kind::Invalid);
}
