//! The command line as people and scripts meet it: output, errors, exit codes.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program in a folder of its own, with nothing in its environment but a home.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_repo-to-cat"));
    command.env_clear().env("HOME", folder).current_dir(folder);
    command.args(["--data-folder", "data"]).stdin(Stdio::null());
    command
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn setting(shown: &str, key: &str) -> (Value, String) {
    let rows: Vec<Value> = serde_json::from_str(shown).unwrap();
    let row = rows.iter().find(|row| row["key"] == key).unwrap();
    (row["value"].clone(), row["from"].as_str().unwrap().to_owned())
}

#[test]
fn config_show_says_where_each_value_comes_from() {
    let folder = folder();
    std::fs::write(folder.path().join("my.toml"), "[worker]\nslots = 3\npoll_seconds = 7\n[fetch]\nmax_depth = 9\n")
        .unwrap();
    std::fs::write(
        folder.path().join(".env"),
        "DATABASE_URL='postgres://cat:s3cret@db/cats'\nREPO_TO_CAT_WORKER__POLL_SECONDS=8\nOTHER=x\n",
    )
    .unwrap();
    let shown = ran(program(folder.path())
        .env("REPO_TO_CAT_FETCH__MAX_DEPTH", "10")
        .args(["--json", "--config", "my.toml", "--log", "debug", "config", "show"]));
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert_eq!(setting(&shown.out, "worker.slots"), (3.into(), "my.toml:2".into()));
    assert_eq!(setting(&shown.out, "worker.poll_seconds"), (8.into(), ".env REPO_TO_CAT_WORKER__POLL_SECONDS".into()));
    assert_eq!(setting(&shown.out, "fetch.max_depth"), (10.into(), "environment REPO_TO_CAT_FETCH__MAX_DEPTH".into()));
    assert_eq!(setting(&shown.out, "log.filter"), ("debug".into(), "flag --log".into()));
    assert_eq!(setting(&shown.out, "worker.grace_seconds"), (20.into(), "default".into()));
    assert_eq!(setting(&shown.out, "database.url"), ("postgres://cat:***@db/cats".into(), ".env DATABASE_URL".into()));
}

#[test]
fn the_environment_is_stronger_than_dot_env() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "DATABASE_URL=postgres://one/cats\n").unwrap();
    let shown =
        ran(program(folder.path()).env("DATABASE_URL", "postgres://two/cats").args(["--json", "config", "show"]));
    assert_eq!(setting(&shown.out, "database.url").0, "postgres://two/cats");
}

#[test]
fn a_bad_dot_env_is_refused_without_its_secrets() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "DATABASE_URL=\"s3cret\nOTHER=\n").unwrap();
    let refused = ran(program(folder.path()).args(["config", "show"]));
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains(".env") && !refused.err.contains("s3cret"), "{}", refused.err);
}

#[test]
fn refusals_have_exit_code_2_and_name_the_place() {
    let folder = folder();
    std::fs::write(folder.path().join("bad.toml"), "[worker]\nslotz = 3\n").unwrap();
    let cases: [(&[&str], &str); 5] = [
        (
            &["--config", "bad.toml", "config", "show"],
            "unknown setting `worker.slotz` (bad.toml:2)\n  hint: did you mean `worker.slots`?",
        ),
        (&["--log", "loud", "config", "show"], "`log.filter` is \"loud\" (flag --log)"),
        (&["--database-url", "postgres://cat:s3cret@", "config", "show"], "***"),
        (&["no-such-verb"], "no-such-verb"),
        (&["paint"], "--attributes"),
    ];
    for (args, expected) in cases {
        let refused = ran(program(folder.path()).args(args));
        assert_eq!(refused.code, Some(2), "{args:?}");
        assert!(refused.err.contains(expected), "{args:?}: {}", refused.err);
        assert!(refused.out.is_empty() && !refused.err.contains("s3cret"), "{args:?}: {}", refused.err);
    }
    let missing = ran(program(folder.path()).args(["--config", "none.toml", "config", "show"]));
    assert_eq!(missing.code, Some(4));
}

#[test]
fn errors_are_json_with_json() {
    let folder = folder();
    for args in [["--json", "--config", "none.toml", "doctor"].as_slice(), &["--json", "no-such-verb"]] {
        let failed = ran(program(folder.path()).args(args));
        let error: Value = serde_json::from_str(&failed.err).unwrap();
        assert_eq!(error["error"]["exit_code"], failed.code.unwrap());
        assert!(error["error"]["message"].as_str().unwrap().len() > 10, "{error}");
        assert!(error["error"]["hint"].is_string(), "{error}");
    }
}

#[test]
fn doctor_says_what_is_missing_and_exits_with_7() {
    let folder = folder();
    std::fs::write(folder.path().join("data"), "not a folder").unwrap();
    let checked = ran(program(folder.path()).args(["doctor"]));
    assert_eq!(checked.code, Some(7));
    assert!(checked.out.contains("✗ data folder") && checked.out.contains("→"), "{}", checked.out);
}

#[test]
fn help_is_no_error_and_lists_the_exit_codes() {
    let folder = folder();
    let help = ran(program(folder.path()).arg("--help"));
    assert_eq!(help.code, Some(0));
    assert!(help.out.contains("Exit codes:") && help.out.contains("130"), "{}", help.out);
    assert_eq!(
        ran(program(folder.path()).arg("--version")).out,
        format!("repo-to-cat {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = folder();
    for args in [["config", "show"].as_slice(), &["completions", "bash"], &["--help"]] {
        let mut child =
            program(folder.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() && err.is_empty(), "{args:?}: {status} {err}");
    }
}
