//! `demo`: from nothing to a cat.

use std::process::Stdio;

use super::{count, honest, redacted, without_progress};
use crate::support::cli::{Ran, Shell};
use crate::support::postgres::fresh_database;

#[test]
fn demo_makes_a_cluster_a_schema_and_a_cat_and_leaves_no_process() {
    let shell = Shell::private();
    honest(&shell.path("repo"));
    let ran = shell.run(&["demo", "repo"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for word in ["local/repo at ", "Attributes", "Story", "Picture", "Time", "Next", "repo-to-cat generations list"] {
        assert!(ran.out.contains(word), "{word}: {}", ran.out);
    }
    let steps: Vec<&str> = ran.err.lines().filter_map(|line| line.split_once(": done")).map(|(step, _)| step).collect();
    let expected = [
        "Fetch the repository",
        "Analyse the code",
        "Choose the cat",
        "Write the story",
        "Write the prompt",
        "Paint the cat",
        "Add the caption",
        "Store the pictures",
    ];
    assert_eq!(steps, expected, "{}", ran.err);
    shell.wait_for_silence();

    // The second time everything is there already, and the cat is the same.
    let cats = shell.json(&["generations", "list"]);
    let again = shell.json(&["demo", "repo"]);
    for key in ["image_path", "cat_attributes", "story", "commit_oid", "code_quality_score"] {
        assert_eq!(again[key], cats[0][key], "{key}");
    }
    assert_eq!(count(&shell), 2);
    shell.wait_for_silence();
}

#[test]
fn demos_at_once_share_the_cluster_and_each_gets_its_cat() {
    let shell = Shell::private();
    // Outside of fetch.local_roots: only whoever was told to may open it.
    let elsewhere = tempfile::tempdir().unwrap();
    honest(&elsewhere.path().join("repo"));
    let start = || {
        let mut command = shell.command(&["--json", "demo"]);
        command.arg(elsewhere.path().join("repo")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for demo in [start(), start(), start()] {
        let ran = Ran::from(demo.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let cat: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(cat["repo_name"], "repo");
    }
    assert_eq!(shell.json(&["generations", "list"]).as_array().unwrap().len(), 3);
    shell.wait_for_silence();
}

#[test]
fn a_demo_beside_a_service_makes_its_own_cat() {
    let shell = Shell::migrated(&fresh_database("demo_beside"));
    let elsewhere = tempfile::tempdir().unwrap();
    honest(&elsewhere.path().join("repo"));
    let service = shell.service("worker");
    for _ in 0..3 {
        // The service may not open it, and would discard the job if it got hold of it.
        let cat = shell.json(&["demo", elsewhere.path().join("repo").to_str().unwrap()]);
        assert_eq!(cat["repo_name"], "repo");
    }
    drop(service);
}

#[test]
fn demo_uses_a_database_that_is_given_but_never_migrates_it() {
    let shell = Shell::on(&fresh_database("demo"));
    honest(&shell.path("repo"));
    // It may be somebody else's: a .env in the current folder names the database of whatever lies there.
    let refused = shell.fails(6, &["demo", "repo"]);
    assert!(refused.contains("repo-to-cat migrate up"), "{refused}");
    shell.succeeds(&["migrate", "up"]);
    let cat = shell.json(&["demo", "repo", "--ref", "v1"]);
    assert_eq!(cat["repo_owner"], "local");
    assert!(!shell.path("data/postgres").exists(), "no private cluster was made");
}

#[test]
fn demo_says_what_is_wrong_with_a_repository() {
    let shell = Shell::migrated(&fresh_database("demo_refused"));
    std::fs::create_dir(shell.path("empty")).unwrap();
    honest(&shell.path("repo"));
    let told: Vec<String> = [
        (2, ["demo", "https://github.com/owner"].as_slice()),
        (3, &["demo", "https://evil.example/owner/name"]),
        (4, &["demo", "missing"]),
        (3, &["demo", "empty"]),
        (4, &["demo", "repo", "--ref", "no-such-branch"]),
    ]
    .into_iter()
    .map(|(code, arguments)| redacted(&shell, &shell.fails(code, arguments)))
    .collect();
    insta::assert_snapshot!(without_progress(&told.join("---\n")));
}

#[test]
fn demo_says_why_it_begins_again() {
    let shell = Shell::migrated(&fresh_database("demo_again"));
    // Nobody listens on port 1: the host may come back, so that is worth another try.
    let fetch = "[worker]\nmax_attempts = 2\nbackoff_seconds = 1\nbackoff_max_seconds = 1\n\
                 [fetch]\nallowed_hosts = ['localhost']\nprivate_hosts = ['localhost:1']\n";
    std::fs::write(shell.path("quick.toml"), fetch).unwrap();
    let told = shell.fails(8, &["demo", "https://localhost:1/owner/name"]);
    let first = told.find("Attempt 1 of 2 failed: ").unwrap_or_else(|| panic!("{told}"));
    let last = told.find("error: ").unwrap_or_else(|| panic!("{told}"));
    assert!(first < last && told.contains("; the next one begins "), "{told}");
    assert!(!told.contains("repo_to_cat::queue"), "what is told as progress is not logged, too: {told}");
}
