//! The verbs, as people and scripts use them.

use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

const URL: &str = "https://github.com/owner/name";

#[test]
fn many_are_steered_by_a_filter_after_a_rehearsal() {
    let shell = Shell::migrated(&fresh_database("steering"));
    shell.enqueue(&[URL, "https://github.com/a/b", "https://github.com/a/c"]);
    let told = shell.fails(2, &["jobs", "cancel"]);
    assert!(told.contains("which jobs") && told.contains("--all"), "{told}");
    let told = shell.fails(2, &["jobs", "retry", "--state", "completed"]);
    assert!(told.contains("completed jobs cannot be retried"), "{told}");

    let dry = shell.json(&["jobs", "cancel", "--text", "/A/", "--dry-run"]);
    assert_eq!((&dry["changed"], &dry["dry_run"]), (&2.into(), &true.into()));
    assert_eq!(shell.succeeds(&["jobs", "cancel", "--text", "/a/", "--dry-run"]), "2 jobs would be cancelled\n");
    assert_eq!(shell.json(&["jobs", "list", "--state", "available"])["jobs"].as_array().unwrap().len(), 3);
    assert_eq!(shell.succeeds(&["jobs", "cancel", "--text", "/a/"]), "2 jobs cancelled\n");
    assert_eq!(shell.succeeds(&["jobs", "retry", "--state", "cancelled", "--until", "1h"]), "No job was changed.\n");
    assert_eq!(shell.succeeds(&["jobs", "retry", "--state", "cancelled", "--since", "1h"]), "2 jobs will run again\n");
    assert_eq!(shell.succeeds(&["jobs", "reprioritize", "--priority", "-7", "--all"]), "3 jobs given priority -7\n");
    assert_eq!(shell.succeeds(&["jobs", "discard", "--all", "--yes"]), "3 jobs discarded\n");
    let listed = shell.succeeds(&["jobs", "list", "--state", "discarded,cancelled"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
}

#[test]
fn the_queue_is_steered_and_shown() {
    let shell = Shell::migrated(&fresh_database("queue_verbs"));
    assert!(shell.succeeds(&["queue", "stats"]).starts_with("The queue is empty"));
    assert_eq!(shell.succeeds(&["queue", "limits"]), "Nothing is limited.\n");
    shell.enqueue(&[URL]);
    shell.succeeds(&["queue", "pause", "generation", "--because", "the disk is full"]);
    shell.succeeds(&["queue", "limit", "generation", "--key", "*", "--max-running", "2", "--rate", "30/60"]);
    let told = shell.succeeds(&["queue", "stats"]);
    assert!(told.contains("generation was paused") && told.contains("the disk is full"), "{told}");
    assert!(told.contains("* (each)") && told.contains("30 in 60 s"), "{told}");
    let stats = shell.json(&["queue", "stats", "--kind", "generation"]);
    let kind = &stats["kinds"][0];
    assert_eq!((&kind["available"]["jobs"], &kind["available"]["exact"]), (&1.into(), &true.into()));
    assert_eq!(stats["limits"][0]["max_running"], 2);
    assert_eq!(shell.succeeds(&["queue", "resume", "generation"]), "generation goes on\n");
    assert_eq!(shell.succeeds(&["queue", "resume", "generation"]), "generation was not paused\n");
    shell.succeeds(&["queue", "limit", "generation", "--key", "*", "--none"]);
    assert!(shell.fails(4, &["queue", "limit", "generation", "--none"]).contains("has no limit"));
    for wrong in [["limit", "generation"].as_slice(), &["limit", "generation", "--rate", "5"], &["pause", "nothing"]] {
        shell.fails(2, &[&["queue"], wrong].concat());
    }
}
