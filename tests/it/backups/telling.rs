//! What is told of backups: rows, standings, metrics, health.

use repo_to_cat::backup::submit::drill_job;
use repo_to_cat::db::{Db, backups};
use repo_to_cat::model::backup::fingerprint::Hash128;
use repo_to_cat::model::backup::manifest::{FileRole, Source, StoredFile, Table, Tools, VERSION};
use repo_to_cat::model::backup::{
    BackupName, Compression, DrillReport, Fingerprint, Format, Manifest, Selection, Standing, Verdict,
};
use serde_json::json;
use uuid::Uuid;

use crate::schedules::bed::{Bed, utc};
use crate::support::cli::Shell;
use crate::telemetry::metrics::{ask, samples};

/// The manifest of a backup with so many rows.
pub fn manifest(database: &str, at: &str, rows: u64) -> Manifest {
    let name = BackupName::new(database, utc(at));
    let file = StoredFile {
        name: format!("{name}.dump.zst"),
        role: FileRole::Archive,
        bytes: 10 * rows,
        raw_bytes: 30 * rows,
        sha256: "0".repeat(64),
    };
    let table = Table {
        schema: "public".into(),
        name: "cats".into(),
        columns: "(id)".into(),
        fingerprint: Fingerprint { rows, bytes: rows, hash: Hash128(7) },
    };
    Manifest {
        version: VERSION,
        started_at: utc(at),
        finished_at: utc(at) + chrono::TimeDelta::seconds(5),
        name,
        job: Some(Uuid::now_v7()),
        format: Format::Custom,
        compression: Compression::Zstd,
        level: 3,
        recipients: Vec::new(),
        selection: Selection::default(),
        source: Source { server_version: 150_018, ..Source::default() },
        tools: Tools::default(),
        files: vec![file],
        tables: vec![table],
        sequences: Vec::new(),
        large_objects: None,
        images: None,
        stages: Vec::new(),
    }
}

/// What a drill of it found.
pub fn report(manifest: &Manifest, verdict: Verdict) -> DrillReport {
    DrillReport {
        backup: manifest.name.clone(),
        job: None,
        started_at: manifest.finished_at,
        finished_at: manifest.finished_at + chrono::TimeDelta::seconds(9),
        verdict,
        reason: (verdict != Verdict::Verified).then(|| "as the test wants it".to_owned()),
        differences: Vec::new(),
        tables: 1,
        rows: manifest.rows(),
        images: 0,
        fetched_bytes: manifest.bytes(),
        scratch_bytes: 40_000_000,
        restore_seconds: Some(2.5),
        stages: Vec::new(),
        server_version: Some(150_018),
    }
}

async fn record(db: &Db, manifest: &Manifest) -> bool {
    backups::record(&mut db.pool().acquire().await.unwrap(), manifest, "/backups", &[]).await.unwrap()
}

async fn drilled(db: &Db, manifest: &Manifest, verdict: Verdict) -> Uuid {
    let id = Uuid::now_v7();
    let mut connection = db.pool().acquire().await.unwrap();
    backups::record_drill(&mut connection, id, &report(manifest, verdict), &[]).await.unwrap();
    id
}

async fn standing(db: &Db, database: &str) -> Standing {
    let all = backups::standings(db).await.unwrap();
    all.into_iter().find(|standing| standing.database == database).unwrap()
}

#[tokio::test]
async fn a_backup_is_recorded_once_and_its_verdict_is_the_last_drill_s() {
    let bed = Bed::make();
    let db = bed.set_clock("2027-01-03T12:00:00Z").await.db;
    let manifest = manifest("cats", "2027-01-03T03:00:00Z", 1000);
    assert!(record(&db, &manifest).await);
    assert!(!record(&db, &manifest).await);
    let first = standing(&db, "cats").await;
    assert_eq!((first.last_rows, first.last_bytes, first.last_seconds), (Some(1000), Some(10_000), Some(5.0)));
    assert_eq!((first.verified, first.unverified_count), (None, 1), "not tried is not green");

    drilled(&db, &manifest, Verdict::Verified).await;
    let verified = standing(&db, "cats").await;
    assert_eq!(verified.verified.as_deref(), Some("cats_20270103_030000Z"));
    assert_eq!((verified.restore_seconds, verified.verified_count), (Some(2.5), 1));

    let id = drilled(&db, &manifest, Verdict::Failed).await;
    let failed = standing(&db, "cats").await;
    assert_eq!((failed.verified, failed.failed_count, failed.last_verdict.as_deref()), (None, 1, Some("failed")));
    // The same drill once more, as after a lost answer.
    let mut connection = db.pool().acquire().await.unwrap();
    backups::record_drill(&mut connection, id, &report(&manifest, Verdict::Verified), &[]).await.unwrap();
    assert_eq!(standing(&db, "cats").await.failed_count, 1);
    assert_eq!(bed.count("backup.drills").await, 2);
}

#[tokio::test]
async fn only_what_should_have_backups_alarms() {
    let bed = Bed::make();
    let db = bed.set_clock("2027-01-03T12:00:00Z").await.db;
    let ours: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&bed.gate.pool).await.unwrap();
    bed.execute("UPDATE backup.beginning SET at = '2027-01-02T11:00:00Z'").await;
    assert!(standing(&db, &ours).await.is_fresh(26), "there was no time for one yet");
    assert!(standing(&db, &ours).await.is_alarming(24), "none was ever verified");

    let by_hand = manifest("by hand", "2026-12-01T03:00:00Z", 5);
    record(&db, &by_hand).await;
    drilled(&db, &by_hand, Verdict::Verified).await;
    let other = standing(&db, "by hand").await;
    assert!(!other.is_fresh(26) && !other.is_alarming(26));
    bed.execute(
        "INSERT INTO queue.schedules (name, cron, kind, payload) VALUES ('other', '@daily', 'backup', '{\"database\": \"by hand\"}')",
    )
    .await;
    assert!(standing(&db, "by hand").await.is_alarming(26));

    let recent = manifest(&ours, "2027-01-03T03:00:00Z", 5);
    record(&db, &recent).await;
    assert!(standing(&db, &ours).await.is_alarming(24), "what nobody tried does not count");
    drilled(&db, &recent, Verdict::Unverifiable).await;
    assert!(standing(&db, &ours).await.is_alarming(24), "nor what could not be tried");
    drilled(&db, &recent, Verdict::Verified).await;
    assert!(standing(&db, &ours).await.is_fresh(24));
    backups::note_gone(&db, "/backups", &ours, &[], &[]).await.unwrap();
    assert!(standing(&db, &ours).await.is_fresh(24), "it may have come after somebody looked");
    let db = bed.set_clock("2027-01-03T13:30:00Z").await.db;
    backups::note_gone(&db, "/elsewhere", &ours, &[], &[]).await.unwrap();
    backups::note_gone(&db, "/backups", &ours, &[], &[&recent.name]).await.unwrap();
    assert!(standing(&db, &ours).await.is_fresh(24), "it is still there");
    backups::note_gone(&db, "/backups", &ours, &[], &[]).await.unwrap();
    assert!(standing(&db, &ours).await.is_alarming(24), "nor what is gone");
}

#[tokio::test]
async fn a_part_of_a_database_counts_for_no_standing() {
    let bed = Bed::make();
    let db = bed.set_clock("2027-01-03T12:00:00Z").await.db;
    let whole = manifest("cats", "2027-01-01T03:00:00Z", 1000);
    let mut part = manifest("cats", "2027-01-03T03:00:00Z", 7);
    part.selection.tables.push("toys".into());
    for made in [&whole, &part] {
        record(&db, made).await;
        drilled(&db, made, Verdict::Verified).await;
    }
    let standing = standing(&db, "cats").await;
    assert_eq!(
        (standing.last.as_deref(), standing.verified.as_deref()),
        (Some(whole.name.as_str()), Some(whole.name.as_str()))
    );
    assert!(standing.verified_count == 1 && !standing.is_fresh(26) && standing.is_fresh(72), "{standing:?}");
}

#[tokio::test]
async fn who_cannot_try_a_backup_takes_nothing_from_its_proof() {
    let bed = Bed::make();
    let db = bed.set_clock("2027-01-03T12:00:00Z").await.db;
    let made = manifest("cats", "2027-01-03T03:00:00Z", 1000);
    record(&db, &made).await;
    drilled(&db, &made, Verdict::Verified).await;
    drilled(&db, &made, Verdict::Unverifiable).await;
    let after = standing(&db, "cats").await;
    assert_eq!(
        (after.verified_count, after.unverifiable_count, after.last_verdict.as_deref()),
        (1, 0, Some("verified"))
    );
    assert_eq!(bed.count("backup.drills WHERE verdict = 'unverifiable'").await, 1, "the history has it");
    drilled(&db, &made, Verdict::Failed).await;
    drilled(&db, &made, Verdict::Unverifiable).await;
    assert_eq!(standing(&db, "cats").await.unverifiable_count, 1);
}

#[tokio::test]
async fn a_clock_that_jumps_makes_no_backup_fresh_for_years() {
    let bed = Bed::make();
    let ahead = bed.set_clock("2031-01-03T12:00:00Z").await.db;
    let (old, new) = (manifest("cats", "2027-01-03T03:00:00Z", 9), manifest("cats", "2031-01-03T03:00:00Z", 9));
    for made in [&old, &new] {
        record(&ahead, made).await;
        drilled(&ahead, made, Verdict::Verified).await;
    }
    let standing_at = async |time: &str| standing(&bed.set_clock(time).await.db, "cats").await;
    assert!(standing_at("2031-01-03T12:00:00Z").await.is_fresh(26));
    // It is set back.
    let back = standing_at("2027-01-03T12:00:00Z").await;
    assert_eq!((back.verified.as_deref(), back.verified_count), (Some(old.name.as_str()), 1));
    assert_eq!(back.of_the_future.as_deref(), Some(new.name.as_str()));
    assert!(back.is_fresh(26));
    assert!(!standing_at("2027-01-05T12:00:00Z").await.is_fresh(26));
    assert!(!standing_at("2026-01-05T12:00:00Z").await.is_fresh(26), "all there is is of the future");
}

#[tokio::test]
async fn what_was_gone_and_is_there_again_counts_again() {
    let bed = Bed::make();
    let db = bed.set_clock("2027-01-03T12:00:00Z").await.db;
    let made = manifest("cats", "2027-01-03T03:00:00Z", 9);
    record(&db, &made).await;
    drilled(&db, &made, Verdict::Verified).await;
    assert!(backups::are_in(&db, "/backups").await.unwrap() && !backups::are_in(&db, "/elsewhere").await.unwrap());
    let db = bed.set_clock("2027-01-03T14:00:00Z").await.db;
    backups::note_gone(&db, "/backups", "cats", &[], &[]).await.unwrap();
    assert_eq!(bed.count("backup.backups WHERE pruned_at IS NULL").await, 0);
    assert!(!backups::are_in(&db, "/backups").await.unwrap());
    backups::note_gone(&db, "/backups", "cats", &[], &[&made.name]).await.unwrap();
    assert_eq!(standing(&db, "cats").await.verified.as_deref(), Some(made.name.as_str()));
}

#[test]
fn a_drill_of_one_backup_has_one_key() {
    let config = crate::schedules::bed::config(&tempfile::tempdir().unwrap(), "");
    let name = BackupName::new("cats", utc("2027-01-03T03:00:00Z"));
    let request = repo_to_cat::model::backup::DrillRequest { backup: Some(name), database: Some("ignored".into()) };
    let job = drill_job(request, &config).unwrap();
    assert_eq!(job.unique.unwrap().key, "drill/cats_20270103_030000Z");
    assert_eq!(job.payload, json!({"backup": "cats_20270103_030000Z"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_health_tell_the_truth() {
    let bed = Bed::make();
    let db = bed.firing("").await.db;
    let ours: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&bed.gate.pool).await.unwrap();
    let shell = Shell::on(&bed.url);
    let service = shell.service("http");
    let health = || {
        let (head, body) = ask(&service.address(), "GET /health/backups HTTP/1.1", "");
        let status = head.split(' ').nth(1).unwrap().to_owned();
        (status, serde_json::from_str::<serde_json::Value>(&body).unwrap())
    };
    let fresh = format!("repo_to_cat_backup_fresh{{database=\"{ours}\"}}");
    assert_eq!((health().0.as_str(), &*samples(&service.address())[&fresh]), ("200", "1"), "there was no time for one");

    bed.execute("UPDATE backup.beginning SET at = '2020-01-01'").await;
    let (status, told) = health();
    assert_eq!(
        (status.as_str(), &told["status"], &told["databases"][0]["fresh"]),
        ("503", &json!("stale"), &json!(false))
    );
    assert_eq!(samples(&service.address())[&fresh], "0");

    let made = manifest(&ours, &chrono::Utc::now().to_rfc3339(), 700);
    record(&db, &made).await;
    let verdict = |verdict| format!("repo_to_cat_backups{{database=\"{ours}\",verdict=\"{verdict}\"}}");
    let told = samples(&service.address());
    assert_eq!((&*told[&fresh], &*told[&verdict("unverified")]), ("0", "1"));
    drilled(&db, &made, Verdict::Verified).await;
    let (status, told) = health();
    assert_eq!((status.as_str(), &told["databases"][0]["verified"]), ("200", &json!(made.name)));
    let told = samples(&service.address());
    assert_eq!((&*told[&fresh], &*told[&verdict("verified")], &*told[&verdict("unverified")]), ("1", "1", "0"));
    let of = |name: &str| told[&format!("repo_to_cat_backup_{name}{{database=\"{ours}\"}}")].as_str();
    assert_eq!((of("rows"), of("size_bytes"), of("restore_seconds"), of("alarms")), ("700", "7000", "2.5", "0"));
    assert_eq!(of("verified_timestamp_seconds"), made.name.moment().timestamp().to_string());
}

#[tokio::test]
async fn a_backup_is_compared_with_the_last_verified_one_of_the_same_part() {
    let bed = Bed::make();
    let db = bed.firing("").await.db;
    let of = |at, rows| manifest("cats", at, rows);
    let (good, bad) = (of("2027-01-01T03:00:00Z", 5000), of("2027-01-02T03:00:00Z", 90));
    let mut part = of("2027-01-03T03:00:00Z", 7);
    part.selection.tables.push("toys".into());
    for (made, verdict) in [(&good, Verdict::Verified), (&bad, Verdict::Failed), (&part, Verdict::Verified)] {
        record(&db, made).await;
        drilled(&db, made, verdict).await;
    }
    let next = of("2027-01-04T03:00:00Z", 1);
    let before = backups::verified_before(&db, &next.name, &next.selection).await.unwrap().unwrap();
    assert_eq!((before.rows, before.restore_seconds), (5000, Some(2.5)));
    assert_eq!(backups::verified_before(&db, &good.name, &next.selection).await.unwrap(), None);
}
