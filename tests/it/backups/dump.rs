//! Dumps: what they hold, and what is left of those that fail.

pub mod bed;
mod faults;
mod images;
mod pieces;

use std::sync::Arc;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use repo_to_cat::backup::pipe::Identities;
use repo_to_cat::model::backup::manifest::FileRole;
use repo_to_cat::model::backup::{BackupRequest, Compression, Format, Selection};
use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::progress::Silent;

use super::odd;
use bed::Bed;

/// Every compression, and in turn with encryption and without.
async fn every_compression(format: Format) {
    let mut bed = Bed::at(odd::database("dump_odd"));
    let identity = Identity::generate();
    let key_file = bed.folder.path().join("key");
    std::fs::write(&key_file, identity.to_string().expose_secret()).unwrap();
    std::fs::set_permissions(&key_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let identities = Identities::read(&key_file).unwrap();
    for compression in [Compression::Zstd, Compression::Gzip, Compression::Lz4, Compression::None] {
        for recipients in [vec![], vec![identity.to_public().to_string()]] {
            let is_encrypted = !recipients.is_empty();
            bed.yard.settings.recipients = recipients;
            bed.yard.settings.split_mb = 0;
            let request = BackupRequest {
                format: Some(format),
                compression: Some(compression),
                globals: Some(true),
                ..BackupRequest::default()
            };
            let manifest = bed.dump(&request).await.unwrap();
            bed.check_files(&manifest);
            bed.check_content(&manifest, &bed.url).await;
            let endings: Vec<_> = manifest.files.iter().map(|file| file.name.rsplit('.').next().unwrap()).collect();
            assert_eq!(endings.iter().all(|ending| *ending == "age"), is_encrypted, "{endings:?}");
            // Each way of reading once: what takes long is the restore.
            if is_encrypted == (compression != Compression::Zstd) {
                let restored = bed.restore(&manifest, &identities).await;
                bed.check_content(&manifest, &restored).await;
            }
            let globals = manifest.files.iter().find(|file| file.role == FileRole::Globals).unwrap();
            let globals = std::fs::read_to_string(bed.decoded(&manifest.name, globals, &identities)).unwrap();
            assert!(globals.contains("CREATE ROLE"), "{globals}");
            assert_eq!(bed.yard.vault.latest(&bed.database).await.unwrap(), Some(manifest.name));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_dump_is_whole_however_it_is_compressed() {
    every_compression(Format::Plain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_dump_is_whole_however_it_is_compressed() {
    every_compression(Format::Custom).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_dump_is_whole_however_it_is_compressed() {
    every_compression(Format::Directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_recipient_stops_a_backup_before_it_begins() {
    let mut bed = Bed::make("CREATE TABLE cats (id int)").await;
    bed.yard.settings.recipients = vec!["age1nokey".into()];
    let attempt = bed.attempt();
    let failure = bed.dump_as(&attempt, &BackupRequest::default(), Arc::new(Silent)).await.unwrap_err();
    assert!(!failure.kind().is_retryable(), "{failure:?}");
    bed.check_nothing_left(&attempt).await;
}

/// What is changed while it is dumped: the manifest tells what is in the dump, whatever is in the database by then.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_meanwhile_is_no_difference() {
    let bed = Bed::make(
        "CREATE TABLE a (id int, v int); CREATE TABLE b (id int, v int);
         INSERT INTO a SELECT i, 0 FROM generate_series(1, 20000) i; INSERT INTO b SELECT * FROM a",
    )
    .await;
    for format in [Format::Plain, Format::Custom, Format::Directory] {
        let request = BackupRequest { format: Some(format), ..BackupRequest::default() };
        let mut writer = bed.connection().await;
        let writing = async {
            loop {
                let write = "BEGIN; UPDATE a SET v = v + 1 WHERE id % 7 = 0; INSERT INTO b SELECT * FROM a LIMIT 50;
                             DELETE FROM b WHERE id % 11 = (SELECT max(v) FROM a) % 11; COMMIT";
                sqlx::raw_sql(write).execute(&mut writer).await.unwrap();
            }
        };
        let manifest =
            tokio::select! { manifest = bed.dump(&request) => manifest.unwrap(), () = writing => unreachable!() };
        let restored = bed.restore(&manifest, &Identities::default()).await;
        bed.check_content(&manifest, &restored).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_what_pg_dump_chooses() {
    let bed = Bed::make(
        "CREATE TABLE cats (id int); CREATE TABLE \"Cats\" (id int); CREATE TABLE dogs (id int);
         CREATE SCHEMA other; CREATE TABLE other.cats (id int); CREATE TABLE other.\"a.b\" (id int)",
    )
    .await;
    let list = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
    let none = Selection::default();
    for (selection, expected) in [
        (Selection { tables: list(&["CATS"]), ..none.clone() }, vec!["public.cats"]),
        (Selection { tables: list(&["*.cats"]), ..none.clone() }, vec!["other.cats", "public.cats"]),
        (
            Selection { tables: list(&["other.\"a.b\"", "\"C*\"", "d?gs"]), ..none.clone() },
            vec!["other.a.b", "public.dogs"],
        ),
        (Selection { exclude_tables: list(&["*ats"]), ..none.clone() }, vec!["other.a.b", "other.cats", "public.dogs"]),
        (
            Selection { schemas: list(&["o*"]), exclude_tables: list(&["other.cats"]), ..none.clone() },
            vec!["other.a.b"],
        ),
        (Selection { exclude_schemas: list(&["public|x"]), ..none.clone() }, vec!["other.a.b", "other.cats"]),
    ] {
        for format in [Format::Plain, Format::Directory] {
            let request =
                BackupRequest { format: Some(format), selection: selection.clone(), ..BackupRequest::default() };
            // A table that ours choose and `pg_dump` does not fails the dump.
            let manifest = bed.dump(&request).await.unwrap();
            let mut tables: Vec<_> =
                manifest.tables.iter().map(|table| format!("{}.{}", table.schema, table.name)).collect();
            tables.sort();
            assert_eq!(tables, expected, "{selection:?}");
        }
    }
    assert_eq!(bed.yard.vault.latest(&bed.database).await.unwrap(), None, "a part is not the latest");
    let nothing = Selection { tables: list(&["nothing"]), ..none };
    let failure = bed.dump(&BackupRequest { selection: nothing, ..BackupRequest::default() }).await.unwrap_err();
    assert!(failure.to_string().contains("no matching tables"), "{failure}");
    assert_ne!(failure.kind(), Kind::Internal);
}
