//! `schedules ...` as people and scripts meet it.

use serde_json::json;

use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

const URL: &str = "https://github.com/owner/name";

fn shell() -> Shell {
    Shell::migrated(&fresh_database("schedule_commands"))
}

fn names(shell: &Shell) -> Vec<String> {
    let list = shell.json(&["schedules", "list"]);
    list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_schedule_is_added_changed_and_deleted() {
    let shell = shell();
    assert!(shell.succeeds(&["schedules", "list"]).starts_with("No schedules."));
    let nightly = ["schedules", "add", "nightly", "--cron", "30 2 * * *", "--zone", "Europe/Berlin"];
    let out = shell.succeeds(&[&nightly[..], &["--repository", URL, "--ref", "main"]].concat());
    assert!(out.starts_with("nightly  added; next: "), "{out}");
    let payload = json!({"github_url": URL}).to_string();
    let other = ["schedules", "add", "other", "--cron", "@every 90s", "--payload", &payload, "--paused"];
    let row = shell.json(&[&other[..], &["--overlap", "queue", "--missed", "all", "--jitter", "1m"]].concat());
    assert_eq!((&row["state"], &row["missed"], &row["jitter_seconds"]), (&"paused".into(), &"all".into(), &60.into()));
    assert_eq!(names(&shell), ["nightly", "other"]);

    let shown = shell.json(&["schedules", "show", "nightly"]);
    assert_eq!(shown["schedule"]["payload"], json!({"github_url": URL, "ref": "main"}));
    assert_eq!((shown["next"].as_array().unwrap().len(), &shown["slots"]), (5, &json!([])));
    let text = shell.succeeds(&["schedules", "show", "nightly"]);
    assert!(text.contains("30 2 * * * in Europe/Berlin") && text.contains(" 02:30:00 CE"), "{text}");

    let edited = shell.json(&["schedules", "edit", "nightly", "--priority", "-5", "--key-prefix", "cat/"]);
    assert_eq!((&edited["priority"], &edited["key_prefix"]), (&(-5).into(), &"cat/".into()));
    assert_eq!((&edited["cron"], &edited["next_at"]), (&"30 2 * * *".into(), &shown["schedule"]["next_at"]));
    let edited = shell.json(&["schedules", "edit", "nightly", "--cron", "@daily", "--key-prefix", ""]);
    assert_eq!((&edited["cron"], &edited["key_prefix"]), (&"@daily".into(), &json!(null)));

    assert_eq!(shell.succeeds(&["schedules", "pause", "nightly"]), "nightly  paused\n");
    assert_eq!(shell.json(&["schedules", "resume", "nightly", "other"]), json!(["nightly", "other"]));
    assert_eq!(shell.succeeds(&["schedules", "delete", "nightly"]), "nightly  deleted\n");
    assert_eq!(names(&shell), ["other"]);
}

#[test]
fn a_job_is_enqueued_by_hand() {
    let shell = shell();
    shell.succeeds(&["schedules", "add", "yearly", "--cron", "@yearly", "--repository", URL, "--priority", "3"]);
    let id = shell.succeeds(&["schedules", "run-now", "yearly"]);
    let job = shell.json(&["jobs", "show", id.trim()])["job"].clone();
    assert_eq!((&job["payload"], &job["priority"]), (&json!({"github_url": URL}), &3.into()));
    assert_eq!(shell.json(&["schedules", "run-now", "yearly"])["is_new"], true);
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let shell = shell();
    let add = |name: &str, options: &[&str]| {
        [&["schedules", "add", name], options].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    shell.succeeds(&["schedules", "add", "there", "--cron", "@yearly", "--repository", URL]);
    let mut told = String::new();
    for (code, arguments) in [
        (2, add("x", &["--cron", "30 25 * * *", "--repository", URL])),
        (2, add("x", &["--cron", "@daily", "--zone", "Berlin", "--repository", URL])),
        (2, add("x", &["--cron", "@daily"])),
        (2, add("X", &["--cron", "@daily", "--repository", URL])),
        (2, add("x", &["--cron", "@daily", "--kind", "nap", "--payload", "{}"])),
        (2, add("x", &["--cron", "@daily", "--payload", "[]"])),
        (2, add("x", &["--cron", "@daily", "--repository", URL, "--missed", "all"])),
        (3, add("x", &["--cron", "@daily", "--repository", "https://evil.example/owner/name"])),
        (7, add("there", &["--cron", "@daily", "--repository", URL])),
        (2, ["schedules", "edit", "there"].map(str::to_owned).to_vec()),
        (4, ["schedules", "show", "nobody"].map(str::to_owned).to_vec()),
        (4, ["schedules", "run-now", "nobody"].map(str::to_owned).to_vec()),
        (4, ["schedules", "pause", "there", "nobody"].map(str::to_owned).to_vec()),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        told += &shell.fails(code, &arguments);
    }
    insta::assert_snapshot!(told);
    assert_eq!(shell.json(&["schedules", "list"])[0]["state"], "paused", "the one did not keep the other from it");
}
