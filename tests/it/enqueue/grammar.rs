//! The URL grammar in SQL is the one in Rust, by property.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::repository::{Source, check_reference};
use sqlx::Row;

use crate::queue::bed::Bed;

/// Hosts that the policy lets through, so that only the grammar decides.
fn hosts() -> Vec<String> {
    HOSTS.iter().map(|host| host.to_ascii_lowercase()).collect()
}

const HOSTS: [&str; 10] = [
    "github.com",
    "GitHub.com",
    "gitlab.com",
    "codeberg.org",
    "git.example",
    "a-b.c1.io",
    "1.2.3.4",
    "xn--a.com",
    "-a.com",
    "a..b",
];
const PORTS: [&str; 9] = ["", ":443", ":8443", ":0", ":65535", ":65536", ":", ":0443", ":+80"];

fn private() -> Vec<String> {
    hosts().iter().flat_map(|host| ["8443", "65535", "80"].map(|port| format!("{host}:{port}"))).collect()
}

/// Texts near the grammar, so that about as many are good as bad.
fn near_urls() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec!["https://", "HTTPS://", "git@", "http://", "https://u:p@", "", "ssh://git@"]);
    let start = prop_oneof![8 => Just("https://"), 3 => Just("git@"), 2 => start];
    let host = prop_oneof![6 => prop::sample::select(HOSTS[..5].to_vec()), 2 => prop::sample::select(HOSTS.to_vec())];
    let port = prop_oneof![8 => Just(""), 2 => prop::sample::select(PORTS.to_vec())];
    let segment = prop_oneof![
        8 => "[A-Za-z0-9][A-Za-z0-9_-]{0,6}".prop_map(String::from),
        1 => "[A-Za-z0-9._~@%-]{0,5}".prop_map(String::from),
        1 => prop::sample::select(vec![
            "tree", "-", "src", "branch", "tag", "commit", ".", "..", "r.git", "r.GIT", ".git", "..git", "a.git.git",
        ]).prop_map(String::from),
        1 => (38..42_usize, 99..102_usize).prop_flat_map(|(a, b)| prop_oneof![Just("o".repeat(a)), Just("n".repeat(b))]),
    ];
    let path = prop::collection::vec(segment, 1..5).prop_map(|parts| parts.join("/"));
    let tail = prop_oneof![
        6 => Just(String::new()),
        2 => prop::sample::select(vec![".git", "/", ".git/", "//", "?x", "#x", "\n", " ", "/tree", "/-/tree"]).prop_map(String::from),
        3 => ("(/tree|/-/tree|/src/branch|/src/tag|/src/commit|/issues)/", "[A-Za-z0-9._@+=,/-]{1,12}", "(|[.]lock|[.]LOCK|/|x{201})")
            .prop_map(|(marker, reference, end)| marker + &reference + &end),
    ];
    (start, host, port, prop_oneof![15 => Just("/"), 1 => Just(":")], path, tail).prop_map(
        |(start, host, port, separator, path, tail)| {
            let (port, separator) = if start == "git@" { ("", ":") } else { (port, separator) };
            format!("{start}{host}{port}{separator}{path}{tail}")
        },
    )
}

/// The same texts each time.
fn some<T>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// What SQL makes of each text; null where it raises.
const READ: &str = "CREATE FUNCTION pg_temp.read(url text) RETURNS text[] LANGUAGE plpgsql AS $$
    BEGIN RETURN queue.read_url(url); EXCEPTION WHEN SQLSTATE 'RC001' OR SQLSTATE 'RC002' THEN RETURN NULL; END $$;
    CREATE FUNCTION pg_temp.is_reference(ref text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN PERFORM queue.check_reference(ref); RETURN true; EXCEPTION WHEN SQLSTATE 'RC002' THEN RETURN false; END $$;";

#[tokio::test]
async fn sql_accepts_the_urls_that_rust_accepts_and_spells_them_alike() {
    let bed = Bed::make().await;
    let mut connection = bed.gate.pool.acquire().await.unwrap();
    sqlx::raw_sql(READ).execute(&mut *connection).await.unwrap();
    let mut urls = some(near_urls(), 6000);
    urls.extend([
        String::new(),
        "x".repeat(2049),
        format!("https://gitlab.com/{}/r", vec!["g".repeat(50); 6].join("/")),
    ]);
    urls.extend(
        ["/srv/cats", "cats", "file:///srv/cats", "-x", "githüb.com:o/r", "https://githüb.com/o/r"].map(String::from),
    );
    urls.push(format!("https://git.example/o/r/tree/{}", "a/".repeat(1100)));
    let read =
        sqlx::query("SELECT pg_temp.read(url) FROM unnest($1::text[]) WITH ORDINALITY AS given (url, n) ORDER BY n");
    let rows = read.bind(&urls).fetch_all(&mut *connection).await.unwrap();
    let (mut good, mut bad) = (0, 0);
    for (url, row) in urls.iter().zip(rows) {
        let rust = match Source::parse(url, &hosts(), &private()) {
            Ok(Source::Remote(remote)) => Some((remote.canonical(), remote.host.clone(), remote.reference)),
            // Its form is good: only the policy on ports is against it.
            Err(failure) if failure.kind() == Kind::Refused => {
                assert!(row.get::<Option<Vec<Option<String>>>, _>(0).is_some(), "{url:?}");
                continue;
            }
            _ => None,
        };
        let sql: Option<Vec<Option<String>>> = row.get(0);
        let sql = sql.map(|found| (found[0].clone().unwrap(), found[1].clone().unwrap(), found[2].clone()));
        assert_eq!(sql, rust, "{url:?}");
        if rust.is_some() { good += 1 } else { bad += 1 }
    }
    assert!(good > 700 && bad > 700, "{good} good, {bad} bad");
}

#[tokio::test]
async fn sql_accepts_the_references_that_rust_accepts() {
    let bed = Bed::make().await;
    let mut connection = bed.gate.pool.acquire().await.unwrap();
    sqlx::raw_sql(READ).execute(&mut *connection).await.unwrap();
    let near = prop_oneof![
        "[A-Za-z0-9._@+=,/-]{0,8}(|[.]lock|[.]LOCK|[.]Lock/x)",
        "[a-z]{1,3}(/[a-z._-]{1,4}){0,3}",
        "[ -~é\n]{0,4}",
        (198..203_usize).prop_map(|length| "r".repeat(length)),
    ];
    let texts = some(near, 3000);
    let query = "SELECT pg_temp.is_reference(ref) FROM unnest($1::text[]) WITH ORDINALITY AS given (ref, n) ORDER BY n";
    let answers: Vec<bool> = sqlx::query_scalar(query).bind(&texts).fetch_all(&mut *connection).await.unwrap();
    for (text, sql) in texts.iter().zip(&answers) {
        assert_eq!(*sql, check_reference(text).is_ok(), "{text:?}");
    }
    assert!(answers.iter().filter(|good| **good).count() > 500);
}

#[tokio::test]
async fn a_bad_url_raises_with_a_code_a_detail_without_password_and_a_hint() {
    let bed = Bed::make().await;
    for (url, code) in [
        ("https://user:hunter2@github.com/o/r", "RC001"),
        ("hunter2@host:o/r", "RC001"),
        ("https://github.com/o/r/tree/a..b", "RC002"),
    ] {
        let raised =
            sqlx::query("SELECT queue.enqueue_generation($1)").bind(url).execute(&bed.gate.pool).await.unwrap_err();
        let raised = raised.into_database_error().unwrap();
        let raised = raised.downcast_ref::<sqlx::postgres::PgDatabaseError>();
        assert_eq!(raised.code(), code, "{url}");
        assert!(
            raised.hint().is_some() && raised.detail().is_some_and(|detail| !detail.contains("hunter2")),
            "{raised:?}"
        );
    }
    assert_eq!(bed.rows("queue.jobs").await, 0);
}
