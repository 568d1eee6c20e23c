//! Loading backups from a store, and what is not loaded because it is not what its manifest says.

use std::fs;
use std::io::Write;

use chrono::Utc;
use repo_to_cat::backup::archive::{Inventory, reader};
use repo_to_cat::backup::pipe::{Encoder, Recipe, Recipients};
use repo_to_cat::backup::restore::load::{Dump, Loaded, Options};
use repo_to_cat::model::backup::manifest::{FileRole, Source, StoredFile, Table, Tools, VERSION};
use repo_to_cat::model::backup::{BackupName, Compression, Format, Manifest, Selection, Tally};
use repo_to_cat::model::failure::{Kind, Result};
use repo_to_cat::providers::vault::{Bytes, Draft};

use super::load::{Bed, definitions};
use super::odd::{self, Content, run};
use crate::support::postgres::temporary_folder;

const VERIFIED: Options = Options { jobs: 2, tables: Vec::new(), owners: true, verify: true };

/// Stores a file, and says what became of it.
async fn store(bed: &Bed, draft: &Draft, name: &str, role: FileRole, bytes: &[u8]) -> StoredFile {
    let path = bed.folder.path().join(name);
    let recipe = Recipe { compression: Compression::Zstd, level: 1, threads: 1, recipients: Recipients::default() };
    let mut encoder = Encoder::start(&recipe, fs::File::create(&path).unwrap()).unwrap();
    encoder.write_all(bytes).unwrap();
    let stored = encoder.finish().unwrap();
    let mut upload = draft.create(name).await.unwrap();
    upload.write(Bytes::from(fs::read(path).unwrap())).await.unwrap();
    upload.finish().await.unwrap();
    let (bytes, raw_bytes, sha256) = (stored.bytes, stored.raw_bytes, stored.sha256);
    StoredFile { name: name.to_owned(), role, bytes, raw_bytes, sha256 }
}

/// A backup of a database; in directory format with the rows of `odd (schema).wide` in two files of their own.
async fn backup(bed: &Bed, url: &str, format: Format) -> Manifest {
    let name = BackupName::new("odd", Utc::now());
    let draft = bed.yard.vault.begin(&name).await.unwrap();
    let arguments: &[&str] = match format {
        Format::Plain => &["-Fp"],
        Format::Custom => &["-Fc", "-Z0"],
        Format::Directory => &["-Fc", "-Z0", "--exclude-table-data=*.wide"],
    };
    let dump = run("pg_dump", &[arguments, &[url]].concat()).stdout;
    let mut inventory = Inventory::default();
    let mut reader = reader(format);
    let mut note = |part: repo_to_cat::backup::archive::Part<'_>| {
        inventory.note(&part);
        Ok(())
    };
    reader.feed(&dump, &mut note).unwrap();
    reader.finish(&mut note).unwrap();
    let (mut tables, sequences, large_objects) = inventory.finish();
    let mut files = vec![store(bed, &draft, "odd.dump.zst", FileRole::Archive, &dump).await];
    if format == Format::Directory {
        let mut all = Tally::default();
        for (at, condition) in ["id = 2", "id <> 2"].into_iter().enumerate() {
            let query = format!("COPY (SELECT * FROM \"odd (schema)\".wide WHERE {condition}) TO STDOUT");
            let rows = run("psql", &["-X", "-c", &query, url]).stdout;
            all.feed(&rows);
            let role = FileRole::Piece { table: tables.len() };
            files.push(store(bed, &draft, &format!("odd.{at}.copy.zst"), role, &rows).await);
        }
        let (schema, name, columns) = ("odd (schema)".into(), "wide".into(), "(id, body)".into());
        tables.push(Table { schema, name, columns, fingerprint: all.finish() });
    }
    draft.publish(b"{}".to_vec()).await.unwrap();
    let now = Utc::now();
    Manifest {
        version: VERSION,
        name,
        job: None,
        started_at: now,
        finished_at: now,
        format,
        compression: Compression::Zstd,
        level: 1,
        recipients: Vec::new(),
        selection: Selection::default(),
        source: Source::default(),
        tools: Tools::default(),
        files,
        tables,
        sequences,
        large_objects,
        images: None,
        stages: Vec::new(),
    }
}

async fn load(bed: &Bed, manifest: &Manifest, options: &Options) -> Result<Loaded> {
    bed.load(Dump::Stored(&manifest.name, manifest), options).await
}

#[tokio::test]
async fn a_backup_of_each_format_is_loaded_and_verified() {
    let source = odd::database("to_store");
    let expected = Content::of(&source).await;
    for format in [Format::Plain, Format::Custom, Format::Directory] {
        let bed = Bed::make();
        let manifest = backup(&bed, &source, format).await;
        let loaded = load(&bed, &manifest, &VERIFIED).await.unwrap();
        assert_eq!(loaded.fetched_bytes, manifest.bytes());
        assert_eq!(loaded.rows, manifest.rows());
        assert_eq!(Content::of(&bed.url).await, expected, "{format:?}");
        assert_eq!(definitions(&bed.url), definitions(&source));
    }
}

#[tokio::test]
async fn chosen_tables_come_out_of_files_of_their_own() {
    let source = odd::database("to_store");
    let bed = Bed::make();
    let manifest = backup(&bed, &source, Format::Directory).await;
    let options = Options { tables: vec!["odd (schema).wide".into()], ..VERIFIED };
    assert_eq!(load(&bed, &manifest, &options).await.unwrap().rows, 3);
    let whole = Content::of(&source).await;
    let loaded = Content::of(&bed.url).await;
    assert!(loaded.tables.len() == 1 && whole.tables.contains(&loaded.tables[0]));

    let bed = Bed::make();
    let manifest = backup(&bed, &source, Format::Directory).await;
    let options = Options { tables: vec!["one".into()], ..VERIFIED };
    assert_eq!(load(&bed, &manifest, &options).await.unwrap().rows, 4);
}

#[tokio::test]
async fn what_differs_from_the_manifest_is_not_loaded() {
    let source = odd::database("to_store");
    for format in [Format::Custom, Format::Directory] {
        let bed = Bed::make();
        let manifest = backup(&bed, &source, format).await;
        let mut changed = manifest.clone();
        let wide = changed.tables.iter_mut().find(|table| table.name == "wide").unwrap();
        wide.fingerprint.hash.0 ^= 1;
        let failure = load(&bed, &changed, &VERIFIED).await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Unusable);
        assert!(failure.what().ends_with(": odd (schema).wide"), "{failure}");
        assert!(!definitions(&bed.url).contains("PRIMARY KEY"), "it went on");

        let bed = Bed::make();
        let manifest = backup(&bed, &source, format).await;
        let mut changed = manifest.clone();
        changed.sequences[0].last_value += 1;
        changed.large_objects = None;
        let failure = load(&bed, &changed, &VERIFIED).await.unwrap_err();
        assert!(failure.what().ends_with(": where sequences stand, large objects"), "{failure}");
    }
}

#[tokio::test]
async fn a_flipped_byte_and_a_file_of_another_backup_are_found() {
    let source = odd::database("to_store");
    for (file, flips) in [("odd.dump.zst", true), ("odd.1.copy.zst", true), ("odd.1.copy.zst", false)] {
        let bed = Bed::make();
        let manifest = backup(&bed, &source, Format::Directory).await;
        let path = bed.folder.path().join("store").join(manifest.name.as_str()).join(file);
        if flips {
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).unwrap();
        } else {
            fs::copy(path.with_file_name("odd.0.copy.zst"), &path).unwrap();
        }
        let failure = load(&bed, &manifest, &VERIFIED).await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Unusable, "{failure}");
        assert!(flips || failure.what().contains("SHA-256 differs"), "{failure}");
    }
}

#[tokio::test]
async fn a_manifest_has_the_server_run_nothing() {
    let source = odd::database("to_store");
    let bed = Bed::make();
    let mut manifest = backup(&bed, &source, Format::Directory).await;
    let witness = temporary_folder();
    std::fs::set_permissions(witness.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let ran = witness.path().join("ran");
    let wide = manifest.tables.iter_mut().find(|table| table.name == "wide").unwrap();
    wide.columns = format!("(id) FROM PROGRAM 'touch {}' --", ran.display());
    let options = Options { verify: false, ..VERIFIED };
    let failure = load(&bed, &manifest, &options).await.unwrap_err();
    assert!(!ran.exists(), "{failure}");
    assert_eq!(failure.kind(), Kind::Unusable, "{failure}");
}
