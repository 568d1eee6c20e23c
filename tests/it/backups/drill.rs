//! Drills: what is proven, what has failed, what nobody can tell; and that nothing is left of them.

mod bed;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use repo_to_cat::backup::shelf;
use repo_to_cat::model::backup::verdict::Difference;
use repo_to_cat::model::backup::{DrillReport, Format, Manifest, Verdict};
use repo_to_cat::model::failure::Kind;

use crate::support::gate::eventually;
use crate::support::postgres::temporary_folder;
use bed::{At, Bed, CATS, Mischief};

/// Its verdict, with which reason.
fn ends(report: &DrillReport, verdict: Verdict, reason: &str) {
    let said = report.reason.as_deref().unwrap_or_default();
    assert!(report.verdict == verdict && said.contains(reason), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_backup_is_verified() {
    let bed = Bed::odd();
    bed.back_up(Format::Plain, |_| {}).await;
    ends(&bed.drill().await.unwrap(), Verdict::Verified, "");
    let manifest = bed.back_up(Format::Custom, |_| {}).await;
    let report = bed.drill().await.unwrap();
    ends(&report, Verdict::Verified, "");
    assert_eq!(report.reason, None);
    assert_eq!(report.differences, []);
    assert_eq!((report.tables, report.rows), (manifest.tables.len() as u64, manifest.rows()));
    assert_eq!(report.fetched_bytes, 2 * manifest.bytes());
    assert!(report.scratch_bytes > 20_000_000 && report.restore_seconds.is_some());
    assert_eq!(report.server_version, Some(manifest.source.server_version));
    let stages: Vec<_> = report.stages.iter().map(|(stage, _)| stage.as_str()).collect();
    assert_eq!(stages, ["fetch", "scratch", "restore", "check", "compare"]);
    let stored: DrillReport = serde_json::from_slice(&fs::read(bed.file("drill.json")).unwrap()).unwrap();
    assert_eq!(stored, report);
    bed.check_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changed_value_among_as_many_rows_has_failed() {
    let bed = Bed::make(CATS);
    bed.back_up(Format::Custom, |bed| bed.sql("UPDATE cats SET name = 'Tim' WHERE id = 500")).await;
    let report = bed.drill().await.unwrap();
    ends(&report, Verdict::Failed, "public.cats: as many rows (1000), but not the same");
    let [Difference::Rows { table, expected, found: Some(found) }] = &report.differences[..] else {
        panic!("{report:#?}")
    };
    assert_eq!((table.as_str(), expected.rows, found.rows), ("public.cats", 1000, 1000));
    bed.check_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_came_back_otherwise_is_told() {
    let bed = Bed::make(CATS);
    bed.back_up(Format::Custom, |bed| {
        bed.sql(
            "SELECT nextval('dogs_id_seq'); DROP TABLE fleas; CREATE TABLE lice AS SELECT 1 AS id;
             SELECT lo_put(4711, 0, 'x')",
        );
    })
    .await;
    let report = bed.drill().await.unwrap();
    ends(&report, Verdict::Failed, "4 things");
    let told: Vec<_> = report.differences.iter().map(|difference| serde_json::to_value(difference).unwrap()).collect();
    for (at, key, value) in [
        (0, "table", "public.fleas"),
        (1, "table", "public.lice"),
        (2, "sequence", "public.dogs_id_seq"),
        (3, "what", "large_objects"),
    ] {
        assert_eq!(told[at][key], value, "{told:#?}");
    }
    assert_eq!(told[0]["found"], serde_json::Value::Null);
    assert_eq!((&told[2]["expected"], &told[2]["found"]), (&"20, given".into(), &"21, given".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_after_the_restore_is_found() {
    let bed = Bed::make(CATS);
    bed.back_up(Format::Custom, |_| {}).await;
    // The same rows, but one of them is in no index: only who looks for it there finds that out.
    let unindexed = "UPDATE pg_index SET indisready = false WHERE indexrelid = 'cats_pkey'::regclass;
                     DELETE FROM cats WHERE id = 7; INSERT INTO cats VALUES (7, 'cat 7');
                     UPDATE pg_index SET indisready = true WHERE indexrelid = 'cats_pkey'::regclass";
    let report = bed.drill_with(Mischief::sql("looking for damage", unindexed)).await.unwrap();
    ends(&report, Verdict::Failed, "cats_pkey");
    assert!(matches!(&report.differences[..], [Difference::Damage { .. }]), "{report:#?}");
    let without = "DROP INDEX by_name; DROP FUNCTION purr(integer)";
    let report = bed.drill_with(Mischief::sql("looking for damage", without)).await.unwrap();
    ends(&report, Verdict::Failed, "missing: INDEX public by_name");
    let missing = report.differences.iter().map(|difference| match difference {
        Difference::Missing { object } => object.as_str(),
        other => panic!("{other:?}"),
    });
    assert_eq!(missing.collect::<Vec<_>>(), ["FUNCTION public purr(integer)", "INDEX public by_name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_as_it_was_has_failed() {
    let bed = Bed::make(CATS);
    let manifest = bed.back_up(Format::Custom, |_| {}).await;
    let archive = bed.file(&manifest.files[0].name);
    let good = fs::read(&archive).unwrap();
    let mut flipped = good.clone();
    let middle = good.len() / 2;
    flipped[middle] ^= 1;
    for (bytes, reason) in [
        (Some(&flipped[..]), "was changed: its SHA-256 is"),
        (Some(&good[..middle]), "the manifest says"),
        (Some(&[&good[..], b"x"].concat()), "the manifest says"),
        (None, "is missing"),
    ] {
        match bytes {
            Some(bytes) => fs::write(&archive, bytes).unwrap(),
            None => fs::remove_file(&archive).unwrap(),
        }
        let report = bed.drill().await.unwrap();
        ends(&report, Verdict::Failed, reason);
        ends(&report, Verdict::Failed, &manifest.files[0].name);
    }
    bed.check_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_cannot_be_restored_has_failed_in_the_restorers_words() {
    let bed = Bed::make(CATS);
    let manifest = bed.back_up(Format::Custom, |_| {}).await;
    let mut archive = fs::read(bed.file(&manifest.files[0].name)).unwrap();
    // A row whose number is none. The sums are those of the file, so that the restore alone finds it out.
    let at = archive.windows(11).position(|bytes| bytes == b"500\tcat 500").unwrap();
    archive[at] = b'x';
    bed.replace_archive(&manifest, &archive);
    let report = bed.drill().await.unwrap();
    ends(&report, Verdict::Failed, "invalid input syntax for type integer: \"x00\"");
    bed.check_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_not_this_backups_is_not_believed() {
    let bed = Bed::make(CATS);
    let manifest = bed.back_up(Format::Custom, |_| {}).await;
    let changed = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        bed.write_manifest(&manifest);
    };
    changed(&|manifest| manifest.name = bed::another(&manifest.name));
    ends(&bed.drill().await.unwrap(), Verdict::Failed, "another backup");
    changed(&|manifest| manifest.files.clear());
    ends(&bed.drill().await.unwrap(), Verdict::Failed, "0 archives");
    changed(&|manifest| manifest.files[0].name = "../secret".into());
    ends(&bed.drill().await.unwrap(), Verdict::Failed, "../secret");
    changed(&|manifest| manifest.version = 2);
    ends(&bed.drill().await.unwrap(), Verdict::Unverifiable, "newer");
    fs::write(bed.file("manifest.json"), "{\"version\": 1").unwrap();
    ends(&bed.drill().await.unwrap(), Verdict::Failed, "cannot be read");
    fs::remove_file(bed.file("manifest.json")).unwrap();
    assert_eq!(bed.drill().await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_what_it_takes_nobody_can_tell() {
    let bed = Bed::make(CATS);
    let manifest = bed.back_up(Format::Custom, |_| {}).await;
    let changed = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        bed.write_manifest(&manifest);
    };
    changed(&|manifest| manifest.source.extensions.push(bed::extension("no_such_extension")));
    ends(&bed.drill().await.unwrap(), Verdict::Unverifiable, "no_such_extension");
    changed(&|manifest| manifest.source.collate = "xx_XX.UTF-8".into());
    ends(&bed.drill().await.unwrap(), Verdict::Unverifiable, "xx_XX.UTF-8");
    changed(&|manifest| manifest.source.server_version = 990_000);
    ends(&bed.drill().await.unwrap(), Verdict::Unverifiable, "postgresql-99");
    bed.check_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_backup_needs_its_key() {
    let mut bed = Bed::make(CATS);
    let (key, other) = (bed.key("key"), bed.key("other"));
    let manifest = bed.back_up_to(Format::Custom, &key).await;
    ends(&bed.drill().await.unwrap(), Verdict::Unverifiable, "set backup.identity_file");
    bed.yard.settings.identity_file = other.file.clone();
    ends(&bed.drill().await.unwrap(), Verdict::Unverifiable, &key.recipient);
    bed.yard.settings.identity_file = key.file.clone();
    ends(&bed.drill().await.unwrap(), Verdict::Verified, "");
    fs::set_permissions(&key.file, fs::Permissions::from_mode(0o644)).unwrap();
    ends(&bed.drill().await.unwrap(), Verdict::Unverifiable, "others may read");
    let kept = shelf::one(&bed.yard.vault, &manifest.name).await.unwrap();
    assert_eq!(kept.verdict(), Verdict::Verified, "what was proven stays proven");
    // Without a key, too, a file that was changed is one.
    bed.yard.settings.identity_file = "".into();
    let archive = bed.file(&manifest.files[0].name);
    let mut bytes = fs::read(&archive).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&archive, bytes).unwrap();
    ends(&bed.drill().await.unwrap(), Verdict::Failed, "was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_compared_nothing_has_failed() {
    let bed = Bed::make("CREATE FUNCTION purr() RETURNS integer LANGUAGE sql RETURN 1");
    let mut manifest = bed.back_up(Format::Custom, |_| {}).await;
    let report = bed.drill().await.unwrap();
    ends(&report, Verdict::Verified, "");
    // A manifest that knows of nothing, for a dump that holds rows.
    bed.sql("CREATE TABLE cats (id integer)");
    let archive = bed.dump("-Fc");
    manifest.tables.clear();
    bed.replace_archive(&manifest, &archive);
    ends(&bed.drill().await.unwrap(), Verdict::Failed, "public.cats was not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_is_verified_by_its_restore() {
    let bed = Bed::make("");
    bed.back_up(Format::Custom, |_| {}).await;
    let report = bed.drill().await.unwrap();
    ends(&report, Verdict::Verified, "");
    assert_eq!((report.tables, report.rows), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_rows_name_must_be_there() {
    let bed = Bed::make(CATS);
    let key = bed.yard.pictures.put(b"meow".to_vec(), repo_to_cat::model::picture::Canvas::WIDE).await.unwrap().key;
    let manifest = bed.back_up(Format::Custom, |_| {}).await;
    bed.list_pictures(manifest, &[&key]);
    let report = bed.drill().await.unwrap();
    ends(&report, Verdict::Verified, "");
    assert_eq!(report.images, 1);
    bed.yard.pictures.delete(&key).await.unwrap();
    let report = bed.drill().await.unwrap();
    ends(&report, Verdict::Failed, &key);
    assert_eq!(report.differences, [Difference::Picture { key }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_of_the_source_are_there() {
    let bed = Bed::make(CATS);
    let role = format!("keeper_{}", bed.database);
    bed.sql(&format!("CREATE ROLE {role} LOGIN; ALTER TABLE cats OWNER TO {role}; GRANT SELECT ON fleas TO {role}"));
    bed.back_up(Format::Custom, |_| {}).await;
    ends(&bed.drill().await.unwrap(), Verdict::Verified, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_at_any_stage_it_leaves_nothing() {
    let bed = Bed::make(CATS);
    bed.back_up(Format::Custom, |_| {}).await;
    for stage in ["reading the manifest", "scratch cluster", "restoring", "looking for damage", "comparing what"] {
        let stopper = Arc::new(Mischief::stop(stage));
        let failure = bed.drill_as(stopper.clone()).await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Cancelled, "{stage}: {failure}");
        assert!(stopper.was_done(), "{stage}");
        // What was about to start may still have to be stopped.
        eventually("the scratch cluster to go", async || bed.leftovers().is_empty()).await;
        assert!(!bed.file("drill.json").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_says_nothing_about_the_backup() {
    let mut bed = Bed::make(CATS);
    let mut manifest = bed.back_up(Format::Custom, |_| {}).await;
    let folder = temporary_folder();
    let Some(disk) = bed::SmallDisk::mount(folder.path(), 192) else {
        eprintln!("skipped: file systems cannot be mounted here");
        return;
    };
    bed.yard.scratch_folder = folder.path().to_owned();
    let fill = Mischief::at("restoring", At::Fill(folder.path().join("filler")));
    let failure = bed.drill_with(fill).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Environment, "{failure}");
    assert!(failure.what().contains("is full"), "{failure}");
    fs::remove_file(folder.path().join("filler")).unwrap();
    bed.check_nothing_left();
    ends(&bed.drill().await.unwrap(), Verdict::Verified, "");
    // Too little to begin with.
    manifest.files[0].raw_bytes = 1 << 30;
    bed.write_manifest(&manifest);
    let failure = bed.drill().await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Environment);
    assert!(failure.what().contains("MB left"), "{failure}");
    bed.check_nothing_left();
    drop(disk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_guard_was_killed_is_swept() {
    let bed = Bed::make(CATS);
    let manifest = bed.back_up(Format::Custom, |_| {}).await;
    // The guard of the scratch cluster dies together with the drill.
    let killed = Mischief::at("restoring", At::KillGuard(bed.yard.scratch_folder.clone()));
    let scratch = bed.yard.scratch_folder.join(format!("{}-killed", manifest.name));
    let stranger = bed.yard.scratch_folder.join("cats");
    fs::create_dir_all(scratch.join("postgres/data")).unwrap();
    fs::create_dir_all(&stranger).unwrap();
    // Whatever comes of it, it goes.
    drop(bed.drill_with(killed).await);
    assert!(!scratch.exists() && stranger.exists());
    fs::remove_dir(stranger).unwrap();
    eventually("the scratch cluster to go", async || bed.leftovers().is_empty()).await;
    ends(&bed.drill().await.unwrap(), Verdict::Verified, "");
    assert_eq!(processes_below(&bed.yard.scratch_folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_drill_leaves_nothing() {
    let bed = Bed::make(CATS);
    // Its restore takes a minute, when a view is made anew.
    bed.sql(
        "CREATE TABLE naps (seconds integer);
         CREATE MATERIALIZED VIEW napped AS SELECT pg_sleep(seconds) IS NULL AS woke FROM naps;
         INSERT INTO naps VALUES (60)",
    );
    let mut manifest = bed.back_up(Format::Custom, |_| {}).await;
    let mut killed = bed.verify();
    eventually("the restore to begin", async || {
        assert!(killed.try_wait().unwrap().is_none(), "it ended by itself: {:?}", killed.wait());
        bed.sessions_of_restores() > 0
    })
    .await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    eventually("the scratch server to go", async || processes_below(&bed.yard.scratch_folder).is_empty()).await;
    // The next drill removes the rest, whatever comes of it.
    manifest.source.extensions.push(bed::extension("no_such_extension"));
    bed.write_manifest(&manifest);
    ends(&bed.drill().await.unwrap(), Verdict::Unverifiable, "no_such_extension");
    bed.check_nothing_left();
}

/// Processes that have their folder, or a word of their command, below `folder`.
fn processes_below(folder: &Path) -> Vec<String> {
    let listed = Command::new("pgrep").arg("-af").arg(folder).output().unwrap();
    String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect()
}
