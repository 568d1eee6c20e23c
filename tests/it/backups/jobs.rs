//! Backups and drills as jobs of the queue.

use repo_to_cat::model::job::JobKind;
use repo_to_cat::schedule::declared::apply;
use repo_to_cat::schedule::job::job;
use serde_json::json;

use crate::schedules::bed::{Bed, outcomes, spec, utc};

const NIGHTLY: &str = "[schedules.nightly]\ncron = \"0 3 * * *\"\nkind = \"backup\"\npayload = { database = \"cats\" }\n";

#[tokio::test]
async fn a_slot_makes_one_backup_however_many_hosts_there_are() {
    let bed = Bed::make();
    bed.set_clock("2027-06-01T12:00:00Z").await;
    let host = bed.firing(NIGHTLY).await;
    apply(&host.db, &host.config).await.unwrap();
    // Three nights without a scheduler are made up for by one backup.
    bed.set_clock("2027-06-04T12:00:00Z").await;
    let hosts = [bed.firing(NIGHTLY).await, bed.firing(NIGHTLY).await];
    let (one, other) = tokio::join!(hosts[0].fire_due(), hosts[1].fire_due());
    assert_eq!(one.unwrap() + other.unwrap(), 1);
    assert_eq!(bed.count("queue.jobs WHERE kind = 'backup' AND unique_key = 'backup/cats'").await, 1);
    assert_eq!(bed.count("queue.jobs WHERE timeout_seconds = 21600 AND payload = '{\"database\": \"cats\"}'").await, 1);

    // The next night comes, and nobody has taken the job up.
    let late = bed.set_clock("2027-06-05T12:00:00Z").await;
    assert_eq!(late.fire_due().await.unwrap(), 0);
    assert_eq!(outcomes(&late, "nightly").await.last().unwrap(), "03:00 skipped");
}

#[tokio::test]
async fn payloads_are_looked_at_before_they_cost_an_attempt() {
    let bed = Bed::make();
    let config = bed.firing("").await.config;
    let of = |kind: &str, payload| spec(&json!({"cron": "@daily", "kind": kind, "payload": payload}));
    for payload in [
        json!({"database": ""}),
        json!({"database": "x".repeat(64)}),
        json!({"database": "cats", "compression": "zstd", "level": 20}),
        json!({"database": "cats", "compression": "lz4", "level": 1}),
        json!({"database": "cats", "jobs": 0}),
        json!({"database": "cats", "selection": {"tables": [""]}}),
        json!({"database": "cats", "formt": "plain"}),
    ] {
        assert!(job(&of("backup", payload.clone()), None, &config).is_err(), "{payload}");
    }
    assert!(job(&of("drill", json!({"backup": "../x"})), None, &config).is_err());
    let mut with_prefix = of("backup", json!({"database": "cats"}));
    with_prefix.key_prefix = Some("mine/".into());
    assert!(job(&with_prefix, None, &config).is_err(), "it has a key of its own");

    let backup = job(&of("backup", json!({"database": "cats", "format": "plain"})), None, &config).unwrap();
    assert_eq!((backup.kind, backup.unique.unwrap().key.as_str()), (JobKind::Backup, "backup/cats"));
    let drill = job(&of("drill", json!({"database": "my cats"})), Some(utc("2027-06-01T03:00:00Z")), &config).unwrap();
    assert_eq!((drill.kind, drill.unique.unwrap().key.as_str()), (JobKind::Drill, "drill/my%20cats"));
}
