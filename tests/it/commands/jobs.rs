//! `enqueue` and `jobs`.

use chrono::SecondsFormat::Secs;
use chrono::{FixedOffset, SubsecRound, TimeDelta, Utc};
use serde_json::Value;

use super::{count, redacted, redacted_json, shell, state, without_progress};
use crate::support::cli::Shell;

const URL: &str = "https://github.com/owner/name";
const NO_SUCH_JOB: &str = "0198c0de-0000-7000-8000-000000000000";
const NEITHER: &str = "0198c0de-0000-7000-8000-000000000001";

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

fn job(shell: &Shell, id: &str) -> Value {
    shell.json(&["jobs", "show", id])["job"].clone()
}

#[test]
fn enqueue_tells_the_ids() {
    let shell = shell("enqueue");
    let ran = shell.run(&["enqueue", URL, "git@github.com:other/one.git", "repo"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    insta::assert_snapshot!(redacted(&shell, &format!("{}--- stderr ---\n{}", ran.out, ran.err)));
    insta::assert_json_snapshot!(redacted_json(&shell, &shell.json(&["enqueue", URL, "--ref", "v1"])));
    assert_eq!(count(&shell), 4);
}

#[test]
fn enqueue_reads_a_list_from_standard_input() {
    let shell = shell("stdin");
    let list = b"# cats\n\nhttps://github.com/a/one\n  https://github.com/a/two  \r\n";
    let ran = shell.run_with_input(&["--json", "enqueue"], list);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.is_empty(), "with --json nothing else is said: {}", ran.err);
    let enqueued: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(enqueued[1]["repository"], "https://github.com/a/two");
    assert_eq!(count(&shell), 2);

    for (input, expected) in [(b"".as_slice(), "no URL was given"), (b"\xff\xfe\n", "cannot be read as text")] {
        let ran = shell.run_with_input(&["enqueue"], input);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
}

#[test]
fn one_bad_url_keeps_the_others_out() {
    let shell = shell("all_or_none");
    let cases = [
        (2, "https://github.com/owner"),
        (2, "https://github.com/owner/name?x=1"),
        (2, "https://user:s3cret@github.com/owner/name"),
        (2, "https://github.com/owner/..%2fname"),
        (2, "https://github.com\\@evil.example/owner/name"),
        (2, "http://github.com/owner/name"),
        (2, "ssh://git@github.com/owner/name"),
        (2, "github.com/owner/name"),
        (2, "https://githüb.com/owner/name"),
        (2, "https://xn--githb-kva.com/owner/name"),
        (2, "https://127.0.0.1/owner/name"),
        (2, ""),
        (2, "owner/na\nme"),
        (3, "https://github.com.evil.example/owner/name"),
        (3, "https://github.com:8443/owner/name"),
        (3, "https://localhost/owner/name"),
        (3, "/etc"),
        (4, "no/such/folder"),
    ];
    for (code, bad) in cases {
        let told = shell.fails(code, &["enqueue", URL, bad, "repo"]);
        assert!(told.starts_with("error: ") && !told.contains("s3cret"), "{bad}: {told}");
        assert_eq!(told.matches("error:").count(), 1, "{bad}: {told}");
    }
    let mut list = b"https://github.com/a/good\n".repeat(3);
    list.extend(b"https://github.com/bad\n");
    assert_eq!(shell.run_with_input(&["enqueue"], &list).code, Some(2));
    assert_eq!(count(&shell), 0);
}

#[test]
fn bad_wishes_are_refused() {
    let shell = shell("wishes");
    let long = "k".repeat(256);
    for arguments in [
        ["enqueue", URL, "--priority", "101"].as_slice(),
        &["enqueue", URL, "--priority", "high"],
        &["enqueue", URL, "--at", "tomorrow"],
        &["enqueue", URL, "--at", "99999d"],
        &["enqueue", URL, "--key", ""],
        &["enqueue", URL, "--key", &long],
        &["enqueue", URL, "--key", "a\nb"],
        &["enqueue", URL, "--ref", "../main"],
        &["enqueue", URL, "--ref", ""],
        &["enqueue", URL, "https://github.com/a/b", "--key", "k"],
        &["jobs", "show", "1"],
        &["jobs", "list", "--state", "sleeping"],
        &["jobs", "list", "--limit", "0"],
        &["jobs", "cancel"],
        &["jobs", "cancel", "--all", NO_SUCH_JOB],
        &["generations", "delete"],
    ] {
        let told = shell.fails(2, arguments);
        assert!(told.starts_with("error: "), "{arguments:?}: {told}");
    }
    assert_eq!(count(&shell), 0);
}

#[test]
fn a_key_is_used_once_until_its_job_is_cancelled() {
    let shell = shell("key");
    let first = shell.enqueue(&[URL, "--key", "nightly"]);
    let again = shell.json(&["enqueue", "https://github.com/a/other", "--key", "nightly"]);
    assert_eq!((ids(&again), &again[0]["is_new"]), (first.iter().map(String::as_str).collect(), &Value::Bool(false)));
    let told = shell.succeeds(&["enqueue", URL, "--key", "nightly"]);
    assert!(told.ends_with("(was there already)\n"), "{told}");
    assert_eq!(count(&shell), 1);

    shell.succeeds(&["jobs", "cancel", &first[0]]);
    let second = shell.enqueue(&[URL, "--key", "nightly"]);
    assert_ne!(first, second);
    let told = shell.fails(7, &["jobs", "retry", &first[0]]);
    assert!(told.contains("unique key is in use again"), "{told}");
    assert_eq!(state(&shell, &first[0]), "cancelled");
}

#[test]
fn time_and_priority_are_kept() {
    let shell = shell("at");
    let later = shell.enqueue(&[URL, "--at", "2h", "--priority", "-7"]);
    let at = Utc::now().trunc_subsecs(0) + TimeDelta::days(400);
    let elsewhere = at.with_timezone(&FixedOffset::east_opt(3600).unwrap()).to_rfc3339();
    let fixed = shell.enqueue(&[URL, "--at", &elsewhere]);
    let past = shell.enqueue(&[URL, "--at", "2001-01-01T00:00:00Z", "--priority", "100"]);
    let later = job(&shell, &later[0]);
    assert_eq!((&later["state"], &later["priority"]), (&"scheduled".into(), &(-7).into()));
    let fixed = job(&shell, &fixed[0]);
    assert_eq!((&fixed["state"], &fixed["run_at"]), (&"scheduled".into(), &at.to_rfc3339_opts(Secs, true).into()));
    assert_eq!(job(&shell, &past[0])["state"], "available");
    let told = shell.succeeds(&["jobs", "show", &past[0]]);
    insta::assert_snapshot!(redacted(&shell, &told));
}

#[test]
fn lists_are_filtered_and_paged() {
    let shell = shell("list");
    let urls: Vec<String> = (0..5).map(|n| format!("https://github.com/owner/n{n}")).collect();
    let enqueued = shell.enqueue(&urls.iter().map(String::as_str).collect::<Vec<_>>());
    shell.succeeds(&["jobs", "cancel", &enqueued[1], &enqueued[3]]);

    let mut seen = Vec::new();
    loop {
        let mut arguments = vec!["jobs", "list", "--limit", "2"];
        let last: Option<&String> = seen.last();
        arguments.extend(last.iter().flat_map(|id| ["--after", id.as_str()]));
        let page = shell.json(&arguments)["jobs"].take();
        if ids(&page).is_empty() {
            break;
        }
        seen.extend(ids(&page).into_iter().map(str::to_owned));
    }
    let newest_first: Vec<String> = enqueued.iter().rev().cloned().collect();
    assert_eq!(seen, newest_first, "live and finished ones, each once");

    let cancelled = shell.json(&["jobs", "list", "--state", "cancelled"])["jobs"].take();
    assert_eq!(ids(&cancelled), [&enqueued[3], &enqueued[1]]);
    assert_eq!(shell.json(&["jobs", "list", "--state", "running"])["jobs"], Value::Array(vec![]));
    let told = shell.succeeds(&["jobs", "list", "--state", "cancelled"]);
    assert_eq!(told.lines().count(), 3, "{told}");
    insta::assert_snapshot!(shell.succeeds(&["jobs", "list", "--state", "discarded"]));
}

#[test]
fn jobs_are_cancelled_and_retried() {
    let shell = shell("steer");
    let enqueued = shell.enqueue(&[URL, "https://github.com/a/b", "https://github.com/a/c"]);
    let told = shell.fails(4, &["jobs", "cancel", NO_SUCH_JOB, &enqueued[0]]);
    assert!(told.contains(NO_SUCH_JOB) && told.contains("jobs list"), "{told}");
    assert_eq!(state(&shell, &enqueued[0]), "cancelled", "a wrong id does not keep the others");
    let told = shell.fails(7, &["jobs", "cancel", &enqueued[0]]);
    assert!(told.contains("is cancelled"), "{told}");
    for verb in ["show", "retry", "cancel"] {
        shell.fails(4, &["jobs", verb, NO_SUCH_JOB]);
    }
    let both = shell.run(&["--json", "jobs", "retry", NO_SUCH_JOB, NEITHER]);
    let told: Value = serde_json::from_str(&both.out).unwrap();
    assert_eq!((both.code, &told["ids"]), (Some(4), &Value::Array(vec![])));
    for line in both.err.lines() {
        let error: Value = serde_json::from_str(line).unwrap();
        assert_eq!(error["error"]["kind"], "not_found");
    }
    assert_eq!(both.err.lines().count(), 2, "{}", both.err);

    insta::assert_snapshot!(redacted(&shell, &shell.succeeds(&["jobs", "retry", &enqueued[0]])));
    assert_eq!(state(&shell, &enqueued[0]), "available");
    let cancelled = shell.json(&["jobs", "cancel", "--all"]);
    assert_eq!(cancelled["changed"], 3);
    insta::assert_snapshot!(redacted(&shell, &shell.succeeds(&["jobs", "cancel", "--all"])));
    // What a person cancelled is not what `--all` brings back.
    assert_eq!(shell.json(&["jobs", "retry", "--all"])["changed"], 0);
}

#[test]
fn wait_ends_with_the_cat_or_with_the_reason() {
    let shell = shell("wait");
    std::fs::create_dir(shell.path("nothing")).unwrap();
    let worker = shell.service("worker");
    let cats = shell.json(&["enqueue", "repo", "--wait"]);
    assert_eq!((&cats[0]["repo_name"], cats.as_array().unwrap().len()), (&"repo".into(), 1));
    let id = cats[0]["id"].as_str().unwrap();
    assert_eq!(state(&shell, id), "completed");
    for verb in ["retry", "cancel"] {
        let told = shell.fails(7, &["jobs", verb, id]);
        assert!(told.contains("is completed") && told.contains("a re-run is a new job"), "{told}");
    }

    let ran = shell.run(&["enqueue", "nothing", "repo", "--wait"]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(ran.err.contains("Fetch the repository") && ran.err.contains("error: nothing: "), "{}", ran.err);
    assert!(ran.out.contains("local/repo"), "the other one is made: {}", ran.out);
    let discarded = shell.json(&["jobs", "list", "--state", "discarded"])["jobs"].take();
    let id = ids(&discarded)[0];
    let shown = shell.json(&["jobs", "show", id]);
    assert_eq!(shown["attempts"][0]["outcome"], "discarded");
    let told = without_progress(&shell.fails(3, &["enqueue", "nothing", "--wait"]));
    insta::assert_snapshot!(redacted(&shell, &told));
    assert_eq!(shell.run(&["enqueue", "nothing", "--wait"]).out, "", "where there is no cat, there is no list");
    assert_eq!(shell.json(&["jobs", "retry", "--all"])["changed"], 3);
    drop(worker);
}
