//! `backup list`, `show`, `diff`, `prune` and `check --freshness`: by the store alone, with the database lost.

use chrono::{DateTime, TimeDelta, Utc};
use repo_to_cat::model::backup::manifest::{FileRole, Manifest, Source, StoredFile, Table, Tools, VERSION};
use repo_to_cat::model::backup::{BackupName, Compression, DrillReport, Format, Selection, Verdict};
use repo_to_cat::providers::vault::{Bytes, DRILL, S3, Vault};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::cli::Shell;
use crate::support::s3::{BUCKET, KEY, S3Server, SECRET};

/// Our database, where no other is named.
const OURS: &str = "repo_to_cat";

/// A store to put backups into.
struct Scene {
    shell: Shell,
    vault: Vault,
    runtime: Runtime,
}

impl Scene {
    /// In the data folder, with a database that is not there.
    fn new() -> Self {
        let shell = Shell::private();
        let vault = Vault::open(shell.path("data/backups").to_str().unwrap(), &S3::default()).unwrap();
        Self { shell, vault, runtime: Runtime::new().unwrap() }
    }

    /// Puts a backup there that was made so long ago; returns its name.
    fn put(&self, database: &str, age: TimeDelta, rows: u64, verdict: Option<Verdict>) -> String {
        self.put_it(&manifest(database, Utc::now() - age, rows), verdict)
    }

    /// Puts a backup of one table there.
    fn put_part(&self, database: &str, age: TimeDelta) -> String {
        let mut manifest = manifest(database, Utc::now() - age, 1);
        manifest.selection.tables.push("cats".into());
        self.put_it(&manifest, Some(Verdict::Verified))
    }

    fn put_it(&self, manifest: &Manifest, verdict: Option<Verdict>) -> String {
        self.runtime.block_on(async {
            let draft = self.vault.begin(&manifest.name).await.unwrap();
            let mut upload = draft.create(&manifest.files[0].name).await.unwrap();
            upload.write(Bytes::from_static(b"meow")).await.unwrap();
            upload.finish().await.unwrap();
            draft.publish(serde_json::to_vec(manifest).unwrap()).await.unwrap();
            if let Some(verdict) = verdict {
                let report = serde_json::to_vec(&drill(&manifest.name, verdict)).unwrap();
                self.vault.put(&manifest.name, DRILL, report).await.unwrap();
            }
        });
        manifest.name.to_string()
    }

    fn names(&self) -> Vec<String> {
        let names = self.runtime.block_on(self.vault.list()).unwrap();
        names.iter().map(BackupName::to_string).collect()
    }
}

fn manifest(database: &str, moment: DateTime<Utc>, rows: u64) -> Manifest {
    let name = BackupName::new(database, moment);
    let mut table = Table {
        schema: "public".into(),
        name: "cats".into(),
        columns: "(id)".into(),
        fingerprint: repo_to_cat::model::backup::Fingerprint::default(),
    };
    (0..rows).for_each(|row| table.fingerprint.add(row.to_string().as_bytes()));
    Manifest {
        version: VERSION,
        job: None,
        started_at: moment,
        finished_at: moment,
        format: Format::Custom,
        compression: Compression::Zstd,
        level: 3,
        recipients: vec![],
        selection: Selection::default(),
        source: Source { database: database.into(), server_version: 150_018, ..Source::default() },
        tools: Tools::default(),
        files: vec![StoredFile {
            name: format!("{name}.dump.zst"),
            role: FileRole::Archive,
            bytes: 4,
            raw_bytes: 8,
            sha256: "00".repeat(32),
        }],
        tables: vec![table],
        sequences: vec![],
        large_objects: None,
        images: None,
        stages: vec![],
        name,
    }
}

fn drill(name: &BackupName, verdict: Verdict) -> DrillReport {
    DrillReport {
        backup: name.clone(),
        job: None,
        started_at: name.moment(),
        finished_at: name.moment(),
        verdict,
        reason: (verdict != Verdict::Verified).then(|| "as this test has it".into()),
        differences: vec![],
        tables: 1,
        rows: 1,
        images: 0,
        fetched_bytes: 4,
        scratch_bytes: 8,
        restore_seconds: Some(1.5),
        stages: vec![],
        server_version: Some(150_018),
    }
}

#[test]
fn backups_are_looked_at_without_a_database() {
    let scene = Scene::new();
    let shell = &scene.shell;
    let empty = shell.succeeds(&["backup", "list"]);
    assert!(empty.starts_with("No backups in ") && empty.contains("repo-to-cat backup now"), "{empty}");
    assert_eq!(shell.json(&["backup", "list"]), json!([]));

    let old = scene.put(OURS, TimeDelta::days(2), 1000, Some(Verdict::Verified));
    let new = scene.put(OURS, TimeDelta::days(1), 1010, None);
    let dogs = scene.put("big dogs", TimeDelta::hours(1), 1, Some(Verdict::Failed));
    let list = shell.json(&["backup", "list"]);
    let of = |field: &str| list.as_array().unwrap().iter().map(|row| row[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("name"), [dogs.as_str(), &new, &old]);
    assert_eq!(of("verdict"), ["failed", "unverified", "verified"]);
    assert_eq!(of("rows"), [1, 1010, 1000]);
    let text = shell.succeeds(&["backup", "list", "--database", OURS]);
    assert!(text.contains("verified, restored in 1.5 s") && !text.contains("dogs"), "{text}");

    let shown = shell.json(&["backup", "show", "latest"]);
    assert_eq!((&shown["name"], &shown["manifest"]["tables"][0]["rows"]), (&json!(new), &json!(1010)));
    assert_eq!(shell.json(&["backup", "show", "latest:big dogs"])["drill"]["verdict"], "failed");
    let text = shell.succeeds(&["backup", "show", &old[..old.len() - 3]]);
    assert!(text.contains("public.cats") && text.contains("verified"), "{text}");
    shell.fails(4, &["backup", "show", "latest:birds"]);
    assert!(shell.fails(2, &["backup", "show", "repo_to_cat_"]).contains("2 backups begin with"));

    let diff = shell.json(&["backup", "diff", &old, "latest"]);
    assert_eq!((&diff["changed"][0]["table"], &diff["changed"][0]["rows"]), (&json!("public.cats"), &json!(10)));
    assert!(shell.succeeds(&["backup", "diff", &old, &new]).contains("1,000 → 1,010 rows, 10 more"));
    assert!(shell.succeeds(&["backup", "diff", &old, &old]).contains("Both hold the same."));
    assert_eq!(shell.processes(), [""; 0]);
    assert!(!shell.path("data/postgres").exists(), "no server was needed");
}

#[test]
fn nothing_is_removed_before_somebody_says_so_and_never_the_last_good_one() {
    let scene = Scene::new();
    let shell = &scene.shell;
    let oldest = scene.put(OURS, TimeDelta::days(9), 1, Some(Verdict::Verified));
    let good = scene.put(OURS, TimeDelta::days(3), 1, Some(Verdict::Verified));
    let bad = scene.put(OURS, TimeDelta::days(2), 1, Some(Verdict::Failed));
    let untried = scene.put(OURS, TimeDelta::days(1), 1, None);
    let leftover = BackupName::new(OURS, Utc::now() - TimeDelta::days(4));
    scene.runtime.block_on(async { std::mem::forget(scene.vault.begin(&leftover).await.unwrap()) });
    let keep =
        ["backup", "prune", "--keep-last", "1", "--keep-daily", "0", "--keep-weekly", "0", "--keep-monthly", "0"];

    let told = shell.succeeds(&keep);
    assert!(told.contains("A dry run: 1 backup") && told.contains("--no-dry-run"), "{told}");
    assert_eq!(scene.names(), [&oldest, &good, &bad, &untried].map(String::as_str));

    let done = shell.json(&[&keep[..], &["--no-dry-run"]].concat());
    assert_eq!((&done["removed"], &done["leftovers"]), (&json!([oldest]), &json!([])), "{done}");
    assert_eq!(scene.names(), [&good, &bad, &untried].map(String::as_str));
    let again = shell.succeeds(&[&keep[..], &["--yes"]].concat());
    assert!(again.contains("Nothing is to be removed."), "{again}");
    assert!(shell.path("data/backups").join(format!(".{leftover}.draft")).is_dir(), "it may be somebody's at work");
}

#[test]
fn a_backup_that_is_too_old_or_not_proven_is_an_exit_code() {
    let scene = Scene::new();
    let shell = &scene.shell;
    let check = ["backup", "check", "--freshness"];
    assert!(shell.fails(7, &check).contains("there is no verified backup of repo_to_cat"));
    let old = scene.put(OURS, TimeDelta::hours(40), 1, Some(Verdict::Verified));
    scene.put(OURS, TimeDelta::hours(2), 1, Some(Verdict::Failed));
    scene.put(OURS, TimeDelta::hours(1), 1, None);
    let told = shell.fails(7, &check);
    assert!(told.contains(&old) && told.contains("26 h are allowed"), "{told}");
    let fresh = scene.put(OURS, TimeDelta::hours(3), 1, Some(Verdict::Verified));
    let told = shell.succeeds(&check);
    assert!(told.contains(&fresh) && told.lines().count() == 1, "{told}");
    shell.fails(7, &["backup", "check", "--freshness", "--database", "dogs"]);
}

#[test]
fn a_part_and_a_spoilt_one_and_one_of_the_future_are_not_fresh() {
    let scene = Scene::new();
    let shell = &scene.shell;
    let check = ["backup", "check", "--freshness"];
    let old = scene.put(OURS, TimeDelta::hours(40), 1, Some(Verdict::Verified));
    scene.put_part(OURS, TimeDelta::hours(1));
    assert!(shell.fails(7, &check).contains(&old));
    let spoilt = scene.put(OURS, TimeDelta::hours(2), 1, Some(Verdict::Verified));
    std::fs::write(shell.path("data/backups").join(&spoilt).join("manifest.json"), "{").unwrap();
    assert!(shell.fails(7, &check).contains(&old));
    let future = scene.put(OURS, TimeDelta::days(-400), 1, Some(Verdict::Verified));
    let told = shell.fails(7, &check);
    assert!(told.contains(&old) && told.contains(&format!("{future} is from the future")), "{told}");
    assert_eq!(shell.json(&["backup", "show", &future])["name"], future.as_str());
    assert!(shell.json(&["backup", "list"]).as_array().unwrap().iter().any(|row| row["verdict"] == "unverified"));

    // Nor do they take the place of what is good.
    let keep =
        ["backup", "prune", "--keep-last", "1", "--keep-daily", "0", "--keep-weekly", "0", "--keep-monthly", "0"];
    assert_eq!(shell.json(&keep)["remove"], json!([]));
    let fresh = scene.put(OURS, TimeDelta::hours(3), 1, Some(Verdict::Verified));
    assert_eq!(shell.json(&keep)["remove"][0]["name"], old.as_str());
    assert!(shell.succeeds(&check).contains(&fresh));
    // The spoilt one is the latest: nobody takes an older one unawares.
    assert!(shell.json(&["backup", "show", "latest"])["problem"].as_str().unwrap().contains("cannot be read"));
}

#[test]
fn a_store_that_is_not_mounted_is_no_new_one() {
    let scene = Scene::new();
    let mounted = scene.shell.path("nas");
    let list = || {
        let mut command = scene.shell.command(&["--json", "backup", "list"]);
        crate::support::cli::Ran::of(command.env("REPO_TO_CAT_BACKUP__STORE", mounted.join("backups")))
    };
    let ran = list();
    assert!(ran.code == Some(7) && ran.err.contains("is it mounted?") && !mounted.exists(), "{}", ran.err);
    let name = scene.put(OURS, TimeDelta::hours(1), 1, None);
    std::fs::create_dir(&mounted).unwrap();
    std::fs::rename(scene.shell.path("data/backups"), mounted.join("backups")).unwrap();
    assert!(list().out.contains(&name));
    std::fs::rename(&mounted, scene.shell.path("away")).unwrap();
    std::fs::create_dir(&mounted).unwrap();
    let ran = list();
    assert!(ran.code == Some(7) && ran.err.contains("is it mounted?"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_bucket_is_listed_and_its_secret_is_not_shown() {
    let server = S3Server::start();
    let shell = Shell::private();
    let run = |arguments: &[&str]| {
        let mut command = shell.command(arguments);
        command.env("REPO_TO_CAT_BACKUP__STORE", format!("s3://{BUCKET}/prod"));
        command.env("AWS_ENDPOINT_URL", server.endpoint()).env("AWS_ACCESS_KEY_ID", KEY);
        crate::support::cli::Ran::of(command.env("AWS_SECRET_ACCESS_KEY", SECRET))
    };
    let manifest = manifest(OURS, Utc::now(), 3);
    let name = manifest.name.to_string();
    server.place(&format!("prod/{name}/manifest.json"), &serde_json::to_vec(&manifest).unwrap());
    server.place("prod/spoilt_20261122_030000Z/manifest.json", b"{");
    let listed = run(&["backup", "list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    assert!(listed.out.contains(&name) && listed.out.contains("manifest.json cannot be read"), "{}", listed.out);
    let shown = run(&["config", "show"]);
    for ran in [listed, shown, run(&["backup", "show", "none"])] {
        assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET), "{}{}", ran.out, ran.err);
    }
}
