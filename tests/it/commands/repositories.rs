//! Repositories that are not as they should be: `analyze` gives the exit code, a worker the class of the error, and no
//! job is lost.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{honest, redacted, shell};
use crate::fetch::fixture::{Hostile, git};
use crate::support::cli::{Ran, Shell};

/// Small limits instead of big repositories.
const LIMITS: [(&str, &str); 2] = [("REPO_TO_CAT_FETCH__MAX_OBJECT_MB", "1"), ("REPO_TO_CAT_FETCH__MAX_ENTRIES", "20")];

fn commit(folder: &Path) {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", "one"]);
}

fn repository(shell: &Shell, name: &str) -> std::path::PathBuf {
    let folder = shell.path(name);
    fs::create_dir(&folder).unwrap();
    git(&folder, &["init", "-q"]);
    folder
}

/// Those that cannot become a cat, with exit code and class.
fn unusable(shell: &Shell) -> Vec<(&'static str, i32, &'static str)> {
    repository(shell, "no-commit");
    fs::create_dir(shell.path("folder")).unwrap();
    fs::write(shell.path("file"), "text").unwrap();

    let no_head = repository(shell, "no-default-branch");
    fs::write(no_head.join("a.rs"), "fn a() {}\n").unwrap();
    commit(&no_head);
    fs::write(no_head.join(".git/HEAD"), "ref: refs/heads/gone\n").unwrap();

    let damaged = repository(shell, "damaged");
    fs::write(damaged.join("a.rs"), "fn a() {}\n").unwrap();
    commit(&damaged);
    fs::remove_dir_all(damaged.join(".git/objects")).unwrap();
    fs::create_dir(damaged.join(".git/objects")).unwrap();

    let many = repository(shell, "many-files");
    for n in 0..30 {
        fs::write(many.join(format!("{n}.txt")), format!("{n}\n")).unwrap();
    }
    commit(&many);

    vec![
        ("no-commit", 3, "unusable"),
        ("folder", 3, "unusable"),
        ("file", 3, "unusable"),
        ("no-default-branch", 3, "unusable"),
        ("damaged", 3, "unusable"),
        ("many-files", 3, "too_large"),
    ]
}

/// Those that become a cat all the same.
fn usable(shell: &Shell) -> Vec<&'static str> {
    let prose = repository(shell, "no-code");
    fs::write(prose.join("poem.txt"), "a cat\n").unwrap();
    commit(&prose);

    let blank = repository(shell, "no-files");
    git(&blank, &["commit", "-q", "--allow-empty", "-m", "nothing"]);

    let big = repository(shell, "big-blob");
    fs::write(big.join("a.rs"), "fn a() {}\n").unwrap();
    fs::File::create(big.join("zeros.bin")).unwrap().set_len(3_000_000).unwrap();
    commit(&big);

    honest(&shell.path("home"));
    git(&shell.path("home"), &["worktree", "add", "-q", "../worktree", "v1"]);
    git(shell.folder(), &["clone", "-q", "--bare", "home", "bare.git"]);
    vec!["no-code", "no-files", "big-blob", "worktree", "bare.git"]
}

fn analyze(shell: &Shell, name: &str) -> Ran {
    Ran::of(shell.command(&["--json", "analyze", name]).envs(LIMITS))
}

#[test]
fn each_has_its_exit_code_its_class_and_a_message() {
    let shell = shell("unusable");
    let cases = unusable(&shell);
    let mut command = shell.command(&["run", "--only", "worker"]);
    command.envs(LIMITS);
    let worker = crate::support::cli::Service::start(command);
    let mut all = String::new();
    for (name, code, class) in &cases {
        let ran = analyze(&shell, name);
        assert_eq!(ran.code, Some(*code), "{name}: {}", ran.err);
        let error: Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(error["error"]["kind"], *class, "{name}");
        all.extend([format!("{name}: {} | {}\n", error["error"]["message"], error["error"]["hint"])]);

        let waited = shell.run(&["enqueue", name, "--wait"]);
        assert_eq!(waited.code, Some(*code), "{name}: {}", waited.err);
    }
    drop(worker);
    insta::assert_snapshot!(redacted(&shell, &all));
    let discarded = shell.json(&["jobs", "list", "--state", "discarded"])["jobs"].take();
    assert_eq!(discarded.as_array().unwrap().len(), cases.len());
    for (row, (name, _, class)) in discarded.as_array().unwrap().iter().rev().zip(&cases) {
        let shown = shell.json(&["jobs", "show", row["id"].as_str().unwrap()]);
        assert_eq!(shown["attempts"][0]["error_class"], *class, "{name}");
        assert_eq!(shown["job"]["attempts"], 1, "{name}: trying again would not help");
    }
    assert_eq!(shell.json(&["generations", "list"]), Value::Array(vec![]));
}

#[test]
fn odd_repositories_become_cats_all_the_same() {
    let shell = shell("odd");
    let names = usable(&shell);
    for name in &names {
        let ran = analyze(&shell, name);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
    }
    let mut command = shell.command(&["run", "--only", "worker"]);
    command.envs(LIMITS);
    let worker = crate::support::cli::Service::start(command);
    let cats = shell.json(&[["enqueue", "--wait"].as_slice(), &names].concat());
    drop(worker);
    for (cat, name) in cats.as_array().unwrap().iter().zip(&names) {
        assert_eq!(cat["repo_name"], name.trim_end_matches(".git"), "{cat}");
        assert!(cat["code_quality_score"].is_null(), "{name} has too little code");
    }
}

#[test]
fn odd_paths_are_left_out_and_listed() {
    let shell = shell("paths");
    let hostile = Hostile::new();
    let file = hostile.blob(b"fn a() {}\n");
    let long = "x".repeat(4000);
    let deep = hostile.tree(&[("100644", b"b.rs", file)]);
    let root = hostile.tree(&[
        ("100644", b"a.rs", file),
        ("100644", b"bell\x07\x1b[31m.rs", file),
        ("100644", b"not\xff utf8.rs", file),
        ("40000", b"..", deep),
        ("40000", b".git", deep),
        ("100644", long.as_bytes(), file),
    ]);
    hostile.commit(root);
    let mut command = shell.command(&["--json", "analyze"]);
    let ran = Ran::of(command.arg(hostile.path()));
    assert!([Some(0), Some(3)].contains(&ran.code), "{:?} {}", ran.code, ran.err);
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "no escape sequence reaches the terminal");
    let ran = Ran::of(shell.command(&["analyze"]).arg(hostile.path()));
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{7}'), "{}", ran.out);
    assert!(!ran.err.contains('\u{1b}') && !ran.err.contains('\u{7}'), "{}", ran.err);
}
