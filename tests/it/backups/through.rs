//! What goes through a backup and its drill, and comes back as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use age::secrecy::ExposeSecret;
use chrono::Utc;
use repo_to_cat::backup::Reporter;
use repo_to_cat::backup::drill::drill;
use repo_to_cat::backup::restore::place;
use repo_to_cat::backup::restore::plan::{self, What, Wish};
use repo_to_cat::model::backup::manifest::Images;
use repo_to_cat::model::backup::{BackupRequest, Compression, DrillReport, Format, Manifest, Verdict};
use repo_to_cat::model::picture::Canvas;
use repo_to_cat::model::progress::Silent;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::dump::bed::Bed;
use crate::queue::bed::Bed as Jobs;
use crate::support::cli::Shell;
use crate::support::postgres::{fresh_database, shared};

/// A database of the shared server, made so.
async fn database(name: &str, how: &str, content: &str) -> Bed {
    let mut connection = PgConnection::connect(&shared().url_of("postgres")).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0 {how}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    let bed = Bed::at(shared().url_of(name));
    bed.execute(content).await;
    bed
}

/// Dumps and drills.
async fn proven(bed: &Bed, request: &BackupRequest) -> (Manifest, DrillReport) {
    let manifest = bed.dump(request).await.unwrap();
    let report = drill(&bed.yard, &manifest.name, None, Arc::new(Silent)).await.unwrap();
    assert_eq!(report.verdict, Verdict::Verified, "{report:#?}");
    assert_eq!((report.tables, report.rows), (manifest.tables.len() as u64, manifest.rows()));
    (manifest, report)
}

const ACCENTS: &str = "
CREATE TABLE \"caf\u{e9}\" (\"gr\u{f6}\u{df}e\" text PRIMARY KEY, n int);
INSERT INTO \"caf\u{e9}\" SELECT 'na\u{ef}ve ' || i, i FROM generate_series(1, 1000) AS i;
CREATE INDEX ON \"caf\u{e9}\" (lower(\"gr\u{f6}\u{df}e\"));
CREATE TABLE \"Z\u{fc}ge\" (text text); INSERT INTO \"Z\u{fc}ge\" VALUES ('\u{e9}'), ('z'), ('\u{c4}')";

#[tokio::test(flavor = "multi_thread")]
async fn databases_of_other_encodings_and_collations() {
    for (name, how, icu) in [
        ("through_latin1", "ENCODING 'LATIN1' LOCALE 'C'", None),
        ("through_ascii", "ENCODING 'SQL_ASCII' LOCALE 'C'", None),
        ("through_icu", "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk'", Some("de")),
    ] {
        let mut bed = database(name, how, ACCENTS).await;
        bed.yard.settings.split_mb = 0;
        for format in [Format::Custom, Format::Directory, Format::Plain] {
            let request = BackupRequest { format: Some(format), ..BackupRequest::default() };
            let (manifest, _) = proven(&bed, &request).await;
            assert_eq!(manifest.rows(), 1003);
            let what = What::Stored(manifest.name.clone(), Box::new(manifest.clone()));
            let wish = Wish { verifies: true, owners: true, ..Wish::default() };
            let plan = plan::draw(&bed.yard, what, wish, Utc::now()).await.unwrap();
            let reporter: Reporter = Arc::new(Silent);
            let restored = place::restore(&bed.yard, &plan, &reporter).await.unwrap();
            assert_eq!(restored.compared.unwrap().rows, 1003);
            let locale = manifest.source.icu_locale.unwrap_or_default();
            assert!(locale.starts_with(icu.unwrap_or_default()) && locale.is_empty() == icu.is_none(), "{locale}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_are_compressed_and_encrypted() {
    let mut bed = Bed::make(
        "CREATE TABLE large (id int PRIMARY KEY, filler char(1500)) WITH (fillfactor = 20);
         INSERT INTO large SELECT i, 'x' FROM generate_series(1, 4000) AS i; CREATE TABLE small AS SELECT 1 AS id",
    )
    .await;
    let identity = age::x25519::Identity::generate();
    let key = bed.folder.path().join("key");
    fs::write(&key, identity.to_string().expose_secret()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    bed.yard.settings.recipients = vec![identity.to_public().to_string()];
    bed.yard.settings.identity_file = key;
    bed.yard.settings.split_mb = 0;
    let request = BackupRequest {
        format: Some(Format::Directory),
        compression: Some(Compression::Zstd),
        ..BackupRequest::default()
    };
    let (manifest, report) = proven(&bed, &request).await;
    assert!(manifest.files.len() > 2 && manifest.files.iter().all(|file| file.name.ends_with(".zst.age")));
    assert_eq!(report.fetched_bytes, 2 * manifest.bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_are_copied() {
    let jobs = Jobs::make().await;
    let bed = Bed::at(jobs.url.clone());
    let (job, _) = jobs.running().await;
    assert!(jobs.complete(&job).await);
    jobs.rows("public.generations").await;
    let stored = bed.yard.pictures.put(b"a picture".to_vec(), Canvas::WIDE).await.unwrap();
    sqlx::query("UPDATE public.generations SET image_path = $1, original_image_path = NULL")
        .bind(&stored.key)
        .execute(&bed.pool)
        .await
        .unwrap();
    let request = BackupRequest { with_images: Some(true), ..BackupRequest::default() };
    let (manifest, report) = proven(&bed, &request).await;
    assert_eq!(manifest.images, Some(Images { count: 1, copied: true }));
    assert_eq!(report.images, 1);
    // Those in the backup are what counts: the store may have lost them.
    bed.yard.pictures.delete(&stored.key).await.unwrap();
    let report = drill(&bed.yard, &manifest.name, None, Arc::new(Silent)).await.unwrap();
    assert_eq!(report.verdict, Verdict::Verified, "{report:#?}");
}

/// `TEST_LARGE=1`: a row of 500 MB. A dump holds little of it in memory. Who compares it holds all of it: a server that is
/// asked for rows sends each as one message.
#[tokio::test]
async fn a_row_near_the_limit() {
    if std::env::var_os("TEST_LARGE").is_none() {
        return;
    }
    let url = fresh_database("wide");
    let (shell, bed) = (Shell::on(&url), Bed::at(url));
    bed.execute(
        "CREATE TABLE wide (id int, body bytea); INSERT INTO wide SELECT 1, decode(repeat('c0ffee', 83000000), 'hex');
         INSERT INTO wide SELECT i, 'meow' FROM generate_series(2, 1000) AS i",
    )
    .await;
    for (arguments, most) in [
        (&["backup", "now", "--standalone", "--no-drill"][..], 150),
        (&["backup", "verify", "--standalone", "latest"], 2 * 500 + 150),
    ] {
        let child = shell.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (succeeded, megabytes) = most_memory(child);
        assert!(succeeded && megabytes < most, "{arguments:?}: {megabytes} MB, succeeded: {succeeded}");
    }
}

/// Waits for a program's end: whether it ended well, and how much memory it had at most.
fn most_memory(mut child: Child) -> (bool, u64) {
    let mut most = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            return (ended.success(), most / 1024);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
