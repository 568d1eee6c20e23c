//! Honest hosts: what is fetched, what is stored about it, and what a host may answer.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use repo_to_cat::config::Fetch;
use repo_to_cat::model::failure::{Failure, Kind};
use repo_to_cat::model::progress::Report;
use repo_to_cat::model::tree::Tree;
use repo_to_cat::providers::repository::open_or_fetch;
use tempfile::TempDir;

use super::fixture::{Hostile, git, honest};
use super::server::{Certificate, RESULT, Server, answer, head, upload_pack};
use super::{get, open};

/// A folder with an honest repository in it, and a server of it.
fn honest_server() -> (TempDir, Server) {
    let folder = tempfile::tempdir().expect("a folder");
    honest(folder.path());
    let path = folder.path().to_owned();
    let server = Server::start(move |request, stream| upload_pack(&path, request, stream));
    (folder, server)
}

fn failure(server: &Server, reference: Option<&str>) -> Failure {
    failure_with(server, reference, &server.settings())
}

fn failure_with(server: &Server, reference: Option<&str>, settings: &Fetch) -> Failure {
    let failure = get(&server.source(), reference, settings, &server.work()).expect_err("it must fail");
    let left = fs::read_dir(server.work()).map_or(0, Iterator::count);
    assert_eq!(left, 0, "a failed fetch leaves nothing");
    failure
}

/// Everything that people may see of a failure.
fn text(failure: &Failure) -> String {
    format!("{failure}; {}; {}", failure.hint_text().unwrap_or_default(), failure.causes().join("; "))
}

#[test]
fn a_remote_repository_equals_the_local_one() {
    let (folder, server) = honest_server();
    let local = open(folder.path(), folder.path(), None).expect("a local snapshot");
    for round in 0..2 {
        let snapshot = get(&server.source(), None, &server.settings(), &server.work()).expect("a snapshot");
        assert_eq!(snapshot.entries(), local.entries(), "round {round}");
        for entry in local.entries() {
            assert_eq!(snapshot.read(entry).expect("content"), local.read(entry).expect("content"));
        }
        let origin = snapshot.origin();
        assert_eq!(origin.canonical_url, format!("https://localhost:{}/o/r", server.port));
        assert_eq!((origin.owner.as_str(), origin.name.as_str()), ("o", "r"));
        assert_eq!(origin.commit_oid, local.origin().commit_oid);
        assert_eq!(origin.reference.as_deref(), Some("refs/heads/main"));
        assert_eq!(fs::read_dir(server.work()).expect("the work folder").count(), 1);
        drop(snapshot);
        assert_eq!(fs::read_dir(server.work()).expect("the work folder").count(), 0);
    }
    let requests = server.requests.lock().expect("requests");
    assert!(requests.iter().all(|r| r.target.starts_with("/o/r.git/")), "{requests:?}");
    assert!(requests.iter().all(|r| r.header("user-agent").is_some_and(|agent| agent.contains("repo-to-cat"))));
    assert!(requests.iter().all(|r| r.header("authorization").is_none()));
    let fetches = requests.iter().filter(|r| r.asks_for_pack());
    assert!(
        fetches.clone().count() == 2 && fetches.clone().all(|r| String::from_utf8_lossy(&r.body).contains("deepen 1"))
    );
}

#[test]
fn branches_tags_and_commits_can_be_named() {
    let (folder, server) = honest_server();
    let first = git(folder.path(), &["rev-parse", "feature/tail"]);
    for (name, full) in
        [("feature/tail", Some("refs/heads/feature/tail")), ("v1", Some("refs/tags/v1")), (first.as_str(), None)]
    {
        let snapshot = get(&server.source(), Some(name), &server.settings(), &server.work()).expect(name);
        assert_eq!(snapshot.origin().commit_oid, first, "{name}");
        assert_eq!(snapshot.origin().reference.as_deref(), full, "{name}");
        assert_eq!(snapshot.entries().len(), 3);
        let from_url = server.source_of(&format!("o/r/tree/{name}"));
        let snapshot = get(&from_url, None, &server.settings(), &server.work()).expect(name);
        assert_eq!(snapshot.origin().commit_oid, first, "{name} in the URL");
        assert!(snapshot.origin().canonical_url.ends_with("/o/r"));
    }
    for wanted in ["nope", "1111111111111111111111111111111111111111"] {
        let failure = failure(&server, Some(wanted));
        assert_eq!(failure.kind(), Kind::NotFound, "{wanted}: {}", text(&failure));
        assert!(text(&failure).contains("feature/tail, main"), "{}", text(&failure));
    }
}

#[test]
fn repositories_without_a_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    git(folder.path(), &["init", "-q", "--bare"]);
    let path = folder.path().to_owned();
    let server = Server::start(move |request, stream| upload_pack(&path, request, stream));
    let empty = failure(&server, None);
    assert_eq!(empty.kind(), Kind::Unusable);
    assert!(text(&empty).contains("empty"), "{}", text(&empty));

    let (folder, server) = honest_server();
    fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/gone\n").expect("HEAD");
    let headless = failure(&server, None);
    assert_eq!(headless.kind(), Kind::Unusable);
    assert!(text(&headless).contains("no default branch"), "{}", text(&headless));
    assert!(text(&headless).contains("feature/tail, main"), "{}", text(&headless));
    assert!(get(&server.source(), Some("main"), &server.settings(), &server.work()).is_ok());
}

#[test]
fn a_format_that_we_cannot_read_is_unusable() {
    let folder = tempfile::tempdir().expect("a folder");
    git(folder.path(), &["init", "-q", "--object-format=sha256"]);
    git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "x"]);
    let path = folder.path().to_owned();
    let server = Server::start(move |request, stream| upload_pack(&path, request, stream));
    let failure = failure(&server, None);
    assert_eq!(failure.kind(), Kind::Unusable);
    assert!(text(&failure).contains("with SHA-1 object ids"), "{}", text(&failure));
}

#[test]
fn statuses_become_kinds() {
    for (status, headers, kind, wait) in [
        (401, &[("WWW-Authenticate", "Basic realm=x")][..], Kind::NotFound, None),
        (404, &[], Kind::NotFound, None),
        (410, &[], Kind::Withheld, None),
        (451, &[], Kind::Withheld, None),
        (429, &[("Retry-After", "17")], Kind::Throttled, Some(17)),
        (500, &[], Kind::Unavailable, None),
    ] {
        let server = Server::start(move |_, stream| answer(stream, status, headers, b"go away"));
        let failure = failure(&server, None);
        assert_eq!(failure.kind(), kind, "{status}: {}", text(&failure));
        assert_eq!(failure.retry_after().map(|wait| wait.as_secs()), wait, "{status}");
        assert_eq!(server.requests.lock().expect("requests").len(), 1, "{status} is not asked twice");
    }
}

#[test]
fn tokens_go_to_their_host_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    honest(folder.path());
    let path = folder.path().to_owned();
    // "x-access-token:s3cret" in base 64
    let right = "Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0";
    let server = Server::start(move |request, stream| match request.header("authorization") {
        Some(header) if header == right => upload_pack(&path, request, stream),
        _ => answer(stream, 401, &[("WWW-Authenticate", "Basic realm=x")], b""),
    });
    let file = folder.path().join("tokens");
    let settings = Fetch { token_file: file.clone(), ..server.settings() };
    let write = |token: &str, mode: u32| {
        fs::write(&file, format!("github.com other\nlocalhost:{} {token}\n", server.port)).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    write("s3cret", 0o600);
    assert!(get(&server.source(), None, &settings, &server.work()).is_ok());
    write("wr0ng", 0o600);
    let failure = failure_with(&server, None, &settings);
    assert_eq!(failure.kind(), Kind::Unauthorized, "{}", text(&failure));
    assert!(!format!("{failure:?}").contains("wr0ng"), "{failure:?}");
    write("s3cret", 0o644);
    let failure = failure_with(&server, None, &settings);
    assert_eq!(failure.kind(), Kind::Refused, "{}", text(&failure));
}

#[test]
fn a_permanent_redirect_on_the_host_is_followed_once() {
    let folder = tempfile::tempdir().expect("a folder");
    honest(folder.path());
    let path = folder.path().to_owned();
    let server = Server::start(move |request, stream| match request.target.strip_prefix("/o/r.git") {
        Some(rest) => answer(stream, 301, &[("Location", &format!("/new/name.git{rest}"))], b""),
        None if request.target.starts_with("/new/name.git/") => upload_pack(&path, request, stream),
        None => answer(stream, 404, &[], b""),
    });
    let snapshot = get(&server.source(), None, &server.settings(), &server.work()).expect("a snapshot");
    assert_eq!(snapshot.origin().canonical_url, format!("https://localhost:{}/new/name", server.port));
    assert_eq!((snapshot.origin().owner.as_str(), snapshot.origin().name.as_str()), ("new", "name"));
}

#[test]
fn other_redirects_are_refused() {
    let tail = "/info/refs?service=git-upload-pack";
    for (status, target) in [
        (301, format!("https://169.254.169.254/latest{tail}")),
        (301, format!("https://127.0.0.1/o/r{tail}")),
        (301, format!("https://github.com/o/r{tail}")),
        (301, format!("https://localhost/o/r{tail}")),
        (301, format!("http://localhost/o/r{tail}")),
        (301, format!("https://user@localhost/o/r{tail}")),
        (301, "/login".to_owned()),
        (301, "file:///etc/passwd".to_owned()),
        (301, format!("/o/r.git{tail}")),
        (302, format!("/new/name.git{tail}")),
        (307, format!("/new/name.git{tail}")),
        (300, String::new()),
    ] {
        let location = target.clone();
        let server = Server::start(move |_, stream| answer(stream, status, &[("Location", &location)], b""));
        let failure = failure(&server, None);
        assert_eq!(failure.kind(), Kind::Refused, "{status} {target}: {}", text(&failure));
        assert!(text(&failure).contains("redirect"), "{}", text(&failure));
    }
}

#[test]
fn certificates_are_checked() {
    for (certificate, word) in [
        (Certificate::WrongHost, "not valid for"),
        (Certificate::UnknownAuthority, "UnknownIssuer"),
        (Certificate::Expired, "expired"),
    ] {
        let server = Server::with_certificate(certificate, |_, stream| answer(stream, 500, &[], b""));
        let failure = failure(&server, None);
        assert_eq!(failure.kind(), Kind::Refused, "{certificate:?}: {}", text(&failure));
        assert!(text(&failure).to_lowercase().contains(&word.to_lowercase()), "{certificate:?}: {}", text(&failure));
        assert!(server.requests.lock().expect("requests").is_empty(), "nothing was said to it");
    }
}

#[test]
fn private_addresses_are_refused_before_connecting() {
    let source = repo_to_cat::model::repository::Source::parse("https://localhost/o/r", &["localhost".to_owned()], &[])
        .expect("a URL");
    let work = tempfile::tempdir().expect("a folder");
    let failure = get(&source, None, &super::settings(), work.path()).expect_err("loopback");
    assert_eq!(failure.kind(), Kind::Refused, "{}", text(&failure));
    assert!(text(&failure).contains("not a public address"), "{}", text(&failure));
}

#[test]
fn an_absent_host_is_unavailable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let settings = Fetch { private_hosts: vec![format!("localhost:{port}")], ..super::settings() };
    let text = format!("https://localhost:{port}/o/r");
    let source = repo_to_cat::model::repository::Source::parse(&text, &settings.allowed_hosts, &settings.private_hosts);
    let work = tempfile::tempdir().expect("a folder");
    let failure = get(&source.expect("a URL"), None, &settings, work.path()).expect_err("nobody listens");
    assert_eq!(failure.kind(), Kind::Unavailable, "{failure}");
}

/// Stops as soon as something was received.
struct StopSoon(AtomicBool);

impl Report for StopSoon {
    fn report(&self, done: u64, _: u64, _: &str) {
        self.0.fetch_or(done > 0, Ordering::SeqCst);
    }

    fn should_stop(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn a_stopped_fetch_ends_at_once() {
    let (folder, _unused) = honest_server();
    let path = folder.path().to_owned();
    let server = Server::start(move |request, stream| {
        if !request.asks_for_pack() {
            return upload_pack(&path, request, stream);
        }
        head(stream, 200, &RESULT)?;
        stream.write_all(&super::server::packet(b"packfile\n"))?;
        super::server::side_band(stream, 2, &vec![b'.'; 300_000])?;
        stream.flush()?;
        // Silence until the client goes away.
        let _ = stream.read(&mut [0]);
        Ok(())
    });
    let report = StopSoon(AtomicBool::new(false));
    let child = Path::new(env!("CARGO_BIN_EXE_repo-to-cat"));
    let failure =
        open_or_fetch(&server.source(), None, &server.settings(), &server.work(), child, &report).expect_err("stopped");
    assert_eq!(failure.kind(), Kind::Cancelled);
    assert_eq!(fs::read_dir(server.work()).expect("the work folder").count(), 0);
}

#[test]
fn odd_trees_come_over_the_wire_as_they_are() {
    let hostile = Hostile::new();
    let blob = hostile.blob(b"x");
    let inner = hostile.tree(&[("100644", b"a", blob)]);
    let tree = hostile.tree(&[
        ("40000", b"..", inner),
        ("40000", b".git", inner),
        ("100644", b"a\nb", blob),
        ("120000", b"link", blob),
        ("160000", b"module", gix::ObjectId::from_hex(&[b'1'; 40]).expect("an id")),
    ]);
    hostile.commit(tree);
    let path = hostile.path();
    let server = Server::start(move |request, stream| upload_pack(&path, request, stream));
    let remote = get(&server.source(), None, &server.settings(), &server.work()).expect("a snapshot");
    let local = open(&hostile.path(), &hostile.path(), None).expect("a snapshot");
    assert_eq!(remote.entries(), local.entries());
    assert_eq!(remote.notes(), local.notes());
    assert_eq!(remote.entries()[0].path, "\\x2e./a");
    drop(remote);

    let names: Vec<String> = (0..200_000).map(|n| format!("f{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| ("100644", name.as_bytes(), blob)).collect();
    hostile.commit(hostile.tree(&many));
    let settings = Fetch { max_object_mb: 16, max_entries: 100_000, ..server.settings() };
    let failure = failure_with(&server, None, &settings);
    assert_eq!(failure.kind(), Kind::TooLarge, "{}", text(&failure));
    assert!(text(&failure).contains("more than 100000 entries"), "{}", text(&failure));
}
