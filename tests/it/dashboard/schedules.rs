//! What is enqueued by the clock.

use super::{Browser, EVIL, audited, deeds};
use crate::commands::shell;

const PAYLOAD: &str = r#"{"github_url": "https://github.com/owner/name"}"#;

/// The form of a new one as it is sent, with these fields.
fn filled<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("name", "nightly"),
        ("cron", "30 2 * * *"),
        ("zone", "Europe/Berlin"),
        ("kind", "generation"),
        ("payload", PAYLOAD),
        ("priority", "0"),
        ("max_attempts", ""),
        ("key_prefix", ""),
        ("missed", "once"),
        ("missed_limit", "10"),
        ("overlap", "skip"),
        ("jitter_seconds", "0"),
        ("press", "save"),
    ];
    usual.map(|(name, value)| fields.iter().copied().find(|(own, _)| *own == name).unwrap_or((name, value))).to_vec()
}

#[test]
fn a_schedule_is_previewed_added_changed_and_deleted() {
    let shell = shell("desk_schedules");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    browser.get("/schedules").has(&["Nothing is enqueued by the clock", "/schedules/.new"]);
    let new = "/schedules/.new";

    let preview = browser.post(new, "/schedules", &filled(&[("press", "preview"), ("name", EVIL)]));
    assert_eq!(preview.status, 200);
    preview.has(&["It would fire at", "Nothing is saved yet.", "T02:30:00", "value=\"30 2 * * *\"", "&lt;script&gt;"]);
    assert_eq!(preview.text().matches("T02:30:00").count(), 10);
    preview.lacks(&["<script>alert"]);
    for (field, value, said) in [
        ("cron", "0 25 * * *", "25"),
        ("zone", "Europe/Berlinn", "Berlinn"),
        ("payload", "[]", "no JSON object"),
        ("payload", "{}", "the payload is none of a generation"),
        ("priority", "high", "`high` is no number"),
        ("priority", "101", "out of range"),
        ("missed", "all", "does not go with"),
    ] {
        for press in ["preview", "save"] {
            let refused = browser.post(new, "/schedules", &filled(&[(field, value), ("press", press)]));
            assert_eq!(refused.status, 400, "{field}={value}");
            refused.has(&["role=\"alert\"", said]);
        }
    }
    assert_eq!(shell.json(&["schedules", "list"]), serde_json::json!([]), "nothing is saved yet");

    let (there, page) = browser.send(new, "/schedules", &filled(&[]));
    assert_eq!(there, "/schedules/nightly");
    page.has(&["nightly is added.", "active", "Europe/Berlin", "T02:30:00"]);
    let again = browser.post(new, "/schedules", &filled(&[]));
    assert_eq!(again.status, 409);
    again.has(&["there is a schedule `nightly`"]);

    let edit = "/schedules/nightly/edit";
    browser.get(edit).has(&["value=\"30 2 * * *\"", "github.com/owner/name"]);
    browser.post(edit, edit, &filled(&[("cron", "@every 90s"), ("press", "preview")])).has(&["It would fire at"]);
    let changed = filled(&[("cron", "@daily"), ("max_attempts", "3"), ("jitter_seconds", "60")]);
    browser.send(edit, edit, &changed).1.has(&["nightly is changed.", "@daily", "up to 60 s"]);
    let shown = shell.json(&["schedules", "show", "nightly"]);
    assert_eq!((&shown["schedule"]["cron"], &shown["schedule"]["max_attempts"]), (&"@daily".into(), &3.into()));
    browser.send(edit, edit, &filled(&[])).1.has(&["nightly is changed."]);
    let shown = shell.json(&["schedules", "show", "nightly"]);
    assert!(shown["schedule"]["max_attempts"].is_null(), "what is emptied is as usual again");

    let own = "/schedules/nightly";
    let act = |action: &str, fields: &[(&str, &str)]| browser.send(own, &format!("{own}/{action}"), fields);
    act("pause", &[]).1.has(&["nightly is paused", "Resume"]);
    act("resume", &[]).1.has(&["nightly goes on.", "Pause"]);
    let (there, page) = act("run", &[]);
    assert!(there.starts_with("/jobs/"), "{there}");
    page.has(&["This is its job.", "github.com/owner/name"]);
    browser.post(own, "/schedules/nightly/delete", &[]).has(&["Delete the schedule?", "its jobs stay"]);
    act("delete", &[("confirmed", "yes")]).1.has(&["nightly is deleted."]);
    assert_eq!(browser.try_get(own).status, 404);

    let done = ["add", "edit", "edit", "pause", "resume", "run", "delete"].map(|deed| format!("schedules.{deed}"));
    assert_eq!(deeds(&shell), done);
    assert!(audited(&shell).iter().all(|(_, target, _)| target.as_deref() == Some("nightly")));
}
