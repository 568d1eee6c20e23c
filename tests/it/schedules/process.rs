//! The real program as a scheduler: several at once, killed, restarted across a slot.

use std::fs::OpenOptions;
use std::io::Write as _;

use rustix::process::Signal;
use serde_json::Value;

use super::bed::Bed;
use crate::support::cli::Shell;
use crate::support::gate::eventually;

/// A program on the test's database whose configuration says this, too.
fn shell(bed: &Bed, text: &str) -> Shell {
    let shell = Shell::on(&bed.url);
    let mut file = OpenOptions::new().append(true).open(shell.path("quick.toml")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    shell
}

async fn wait_for_more(bed: &Bed, slots: i64) {
    let before = bed.count("queue.slots").await;
    eventually("slots to fire", async || bed.count("queue.slots").await >= before + slots).await;
}

#[tokio::test]
async fn no_slot_is_lost_or_doubled_when_one_of_two_is_killed() {
    let bed = Bed::make();
    let shell = shell(
        &bed,
        "[schedules.often]\ncron = \"@every 2s\"\noverlap = \"queue\"\nmissed = \"all\"\nmissed_limit = 100\n\
         payload = { github_url = \"https://github.com/owner/name\" }\n",
    );
    let (one, other) = (shell.service("scheduler"), shell.service("scheduler"));
    wait_for_more(&bed, 3).await;
    one.stop(Signal::KILL);
    wait_for_more(&bed, 3).await;
    other.stop(Signal::KILL);
    // Nobody runs for a while; then a deploy.
    let one = shell.service("scheduler");
    wait_for_more(&bed, 3).await;
    let (status, log) = one.stop(Signal::TERM);
    assert!(status.success(), "{log}");

    let slots = shell.json(&["schedules", "show", "often"]);
    assert_eq!(slots["schedule"]["state"], "active");
    let gaps =
        "(SELECT due_at - lag(due_at) OVER (ORDER BY due_at) AS gap FROM queue.slots) AS slot WHERE gap <> '2 s'";
    assert_eq!(bed.count(gaps).await, 0, "every two seconds have their slot");
    assert_eq!(bed.count("queue.slots WHERE outcome <> 'enqueued'").await, 0);
    let jobs = bed.count("queue.jobs").await;
    assert_eq!(jobs, bed.count("queue.slots").await);
    assert_eq!(jobs, bed.count("(SELECT DISTINCT job_id FROM queue.slots) AS job").await);
}

#[tokio::test]
async fn a_restart_across_slots_runs_once_for_all_of_them() {
    let bed = Bed::make();
    bed.set_clock("2027-06-01T00:30:00Z").await;
    let declaration =
        "[schedules.hourly]\ncron = \"@hourly\"\npayload = { github_url = \"https://github.com/owner/name\" }\n";
    let shell = shell(&bed, declaration);
    shell.service("scheduler").stop(Signal::TERM);
    assert_eq!(bed.count("queue.schedules").await, 1);
    bed.set_clock("2027-06-01T03:30:00Z").await;
    let service = shell.service("scheduler");
    eventually("the slot to fire", async || bed.count("queue.jobs").await > 0).await;
    service.stop(Signal::TERM);
    let shown = shell.json(&["schedules", "show", "hourly"]);
    let outcomes: Vec<_> = shown["slots"].as_array().unwrap().iter().map(|slot| &slot["outcome"]).collect();
    assert_eq!(outcomes, ["enqueued", "missed", "missed"].map(Value::from).iter().collect::<Vec<_>>());
    assert_eq!(shown["next"][0], "2027-06-01T04:00:00+00:00");
}
