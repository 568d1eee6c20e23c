//! `backup restore`, as people type it: into a new database, in the place of one, of files of any `pg_dump`, with the
//! database lost, refused, interrupted and killed.

mod hostile;
mod site;

use std::fs;
use std::process::Stdio;

use repo_to_cat::db::Db;
use repo_to_cat::db::hold;
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::queue::bed::Bed;
use crate::support::gate::{database_with_gate, eventually, settings};
use crate::support::postgres::{kill, wait_until};
use site::Site;

#[tokio::test]
async fn a_backup_becomes_a_new_database_beside_its_source() {
    let site = Site::make().await;
    let name = site.backup(&[]);
    let told = site.shell.json(&["backup", "restore", "latest"]);
    assert_eq!((&told["from"], &told["replaces"]), (&json!(name), &json!(false)));
    let database = told["database"].as_str().unwrap();
    assert!(database.starts_with(&format!("{}_restored_", site.database)), "{told}");
    assert_eq!(told["restored"]["compared"], json!({"tables": 3, "rows": 1003}));
    assert_eq!(told["restored"]["queue"], "no_queue");
    assert_eq!(site.content(database).await, site.content(&site.database).await);
    // The proof is what a drill says; there was none.
    let proof = told["checks"].as_array().unwrap().iter().find(|check| check["name"] == "proof").unwrap();
    assert_eq!(proof["state"], "warn");

    // For people; by what is enough of its name, under a name of their own. The report of another backup is no proof.
    let report = json!({"backup": "other_20261122_030000Z", "job": null, "started_at": "2026-11-22T03:00:00Z",
        "finished_at": "2026-11-22T03:00:00Z", "verdict": "verified", "reason": null, "differences": [], "tables": 1, "rows": 1,
        "images": 0, "fetched_bytes": 1, "scratch_bytes": 1, "restore_seconds": null, "stages": [], "server_version": null});
    fs::write(site.shell.path("data/backups").join(&name).join("drill.json"), report.to_string()).unwrap();
    let looked = site.shell.succeeds(&["backup", "restore", &format!("latest:{}", site.database), "--dry-run"]);
    assert!(looked.contains("is about another backup"), "{looked}");
    // The latest is not one that is known not to restore; who names it may try.
    let mut failed = report;
    (failed["backup"], failed["verdict"]) = (json!(name), json!("failed"));
    fs::write(site.shell.path("data/backups").join(&name).join("drill.json"), failed.to_string()).unwrap();
    let told = site.shell.fails(3, &["backup", "restore", "latest", "--dry-run"]);
    assert!(told.contains("has failed its drill") && told.contains("none is verified"), "{told}");
    let own = site.other("own");
    let shown = site.shell.succeeds(&["backup", "restore", &name[..name.len() - 1], "--into", &own]);
    assert!(shown.contains(&format!("database {own}")) && shown.contains("equal"), "{shown}");
    assert_eq!(site.databases_under_way().await, 0);
}

#[tokio::test]
async fn every_format_is_restored_over_several_connections() {
    let site = Site::make().await;
    for format in ["plain", "custom", "directory"] {
        let name = site.backup(&["--format", format]);
        let own = site.other(format);
        let told = site.shell.json(&["backup", "restore", &name, "--into", &own, "--jobs", "3"]);
        assert_eq!(told["restored"]["compared"]["tables"], 3, "{format}");
        assert_eq!(site.content(&own).await, site.content(&site.database).await, "{format}");
    }
}

#[tokio::test]
async fn the_guides_recipes_are_one_command_each() {
    let site = Site::make().await;
    let plain = site.dump("backup.sql", &["-Fp"]);
    site.gzip("backup.sql");
    site.dump("generations_backup.sql", &["-t", "cats"]);
    site.dump("backup.dump", &["-Fc"]);
    site.dump("raw.dump", &["-Fc", "-Z0"]);
    for file in ["backup.sql", "backup.sql.gz", "backup.dump", "raw.dump"] {
        let own = site.other(&file.replace('.', "_"));
        let told = site.shell.json(&["backup", "restore", file, "--into", &own]);
        assert_eq!(told["restored"]["compared"], Value::Null, "a file has no manifest");
        assert_eq!(site.content(&own).await, site.content(&site.database).await, "{file}");
    }
    let one = site.other("one");
    site.shell.succeeds(&["backup", "restore", "generations_backup.sql", "--into", &one]);
    assert_eq!(site.count(&one, "pg_tables WHERE schemaname = 'public'").await, 1);

    // Drop and recreate.
    site.execute(&site.database, "DELETE FROM toys").await;
    let target = site.database.clone();
    let arguments =
        ["backup", "restore", "backup.sql.gz", "--into", &target, "--drop-existing", "--discard-old", "--yes"];
    site.shell.succeeds(&arguments);
    assert_eq!(site.count(&site.database, "toys").await, 2);
    assert_eq!(site.count("postgres", &format!("pg_database WHERE datname LIKE '{target}\\_old%'")).await, 0);
    assert!(fs::metadata(plain).is_ok());
}

#[tokio::test]
async fn some_tables_alone() {
    let site = Site::make().await;
    let name = site.backup(&[]);
    let own = site.other("some");
    let told = site.shell.json(&["backup", "restore", &name, "--into", &own, "--tables", "cats,weird.Näme"]);
    assert_eq!(told["restored"]["compared"], json!({"tables": 2, "rows": 1001}));
    assert_eq!(site.count(&own, "cats").await, 1000);
    assert_eq!(site.count(&own, "pg_tables WHERE tablename = 'toys'").await, 0);
    let why = site.shell.fails(4, &["backup", "restore", &name, "--tables", "dogs"]);
    assert!(why.contains("dogs"), "{why}");
    assert_eq!(site.databases_under_way().await, 0);
}

#[tokio::test]
async fn the_last_backup_of_a_time_is_found() {
    let site = Site::make().await;
    let first = site.backup(&[]);
    let second = site.backup(&[]);
    assert!(first < second);
    let from = |arguments: &[&str]| {
        site.shell.json(&[&["backup", "restore", "--dry-run"], arguments].concat())["from"].as_str().unwrap().to_owned()
    };
    assert_eq!(from(&[]), second);
    let (_, stamp) = first.rsplit_once(&format!("{}_", site.database)).unwrap();
    let at = format!(
        "{}-{}-{} {}:{}:{}",
        &stamp[..4],
        &stamp[4..6],
        &stamp[6..8],
        &stamp[9..11],
        &stamp[11..13],
        &stamp[13..15]
    );
    assert_eq!(from(&["--at", &at]), first);
    assert_eq!(from(&["--at", "0s ago"]), second);
    let why = site.shell.fails(4, &["backup", "restore", "--at", "10 weeks ago"]);
    assert!(why.contains("no backup of"), "{why}");
    site.shell.fails(2, &["backup", "restore", &first, "--at", &at]);
    site.shell.fails(2, &["backup", "restore", "--at", "soon"]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_touched() {
    let site = Site::make().await;
    let name = site.backup(&[]);
    let before = site.names().await;
    let refused = |code: i32, arguments: &[&str], words: &[&str]| {
        let ran = site.shell.run(&[&["backup", "restore"], arguments].concat());
        let said = ran.out + &ran.err;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{arguments:?}: {said}");
    };
    let ours = site.database.as_str();
    refused(7, &[&name, "--into", ours], &["there is a database", "--drop-existing"]);
    refused(2, &[&name, "--into", ours, "--drop-existing"], &["nobody can be asked", "--yes"]);
    refused(7, &[&name, "--into", "postgres", "--drop-existing", "--yes"], &["belongs to the server"]);
    refused(4, &["nothing.sql"], &["neither a backup nor a file"]);
    refused(4, &["cats_20200101_000000Z"], &["there is no backup"]);
    for (file, content, word) in [
        ("empty.sql", "", "empty"),
        ("all.sql", "--\n-- PostgreSQL database cluster dump\n--\n", "cluster"),
        ("cut.dump", "PGDMP\u{1}\u{e}", "ends within"),
    ] {
        fs::write(site.shell.path(file), content).unwrap();
        refused(3, &[file], &[word]);
    }
    let archive = site.files(&name).into_iter().find(|file| file.to_string_lossy().contains(".dump")).unwrap();
    let aside = site.shell.path("aside");
    fs::rename(&archive, &aside).unwrap();
    refused(3, &[&name], &["is not there"]);
    fs::rename(&aside, &archive).unwrap();
    let manifest = archive.with_file_name("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let mut newer: Value = serde_json::from_str(&text).unwrap();
    newer["source"]["server_version"] = 990_000.into();
    fs::write(&manifest, newer.to_string()).unwrap();
    refused(7, &[&name], &["older than the dump's 99"]);
    fs::write(
        &manifest,
        text.replace("\"extensions\": []", "\"extensions\": [{\"name\": \"meow\", \"version\": \"1\"}]"),
    )
    .unwrap();
    if fs::read_to_string(&manifest).unwrap().contains("meow") {
        refused(7, &[&name], &["no meow"]);
    }
    fs::write(&manifest, "{").unwrap();
    refused(3, &[&name], &["cannot be read"]);
    assert_eq!(site.names().await, before);
}

#[tokio::test]
async fn missing_roles_are_made_or_left_out() {
    let site = Site::make().await;
    let role = format!("owner of {}", site.database);
    site.execute(
        &site.database,
        &format!("CREATE ROLE \"{role}\" LOGIN CONNECTION LIMIT 7; ALTER TABLE toys OWNER TO \"{role}\""),
    )
    .await;
    let name = site.backup(&["--globals"]);
    site.execute(&site.database, &format!("ALTER TABLE toys OWNER TO CURRENT_USER; DROP ROLE \"{role}\"")).await;
    let why = site.shell.fails(7, &["backup", "restore", &name]);
    assert!(why.contains(&role) && why.contains("--create-roles"), "{why}");

    let owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'toys'";
    let mine = site.other("mine");
    site.shell.succeeds(&["backup", "restore", &name, "--into", &mine, "--no-owners"]);
    assert_ne!(site.text(&mine, owner).await, role);
    let theirs = site.other("theirs");
    site.shell.succeeds(&["backup", "restore", &name, "--into", &theirs, "--create-roles"]);
    assert_eq!(site.text(&theirs, owner).await, role);
    let as_it_was = format!("pg_roles WHERE rolname = '{role}' AND rolcanlogin AND rolconnlimit = 7");
    assert_eq!(site.count("postgres", &as_it_was).await, 1);
}

#[tokio::test]
async fn a_database_is_replaced_once_the_new_one_is_whole() {
    let site = Site::make().await;
    let name = site.backup(&[]);
    let ours = site.database.clone();
    let script = format!(
        "ALTER DATABASE {ours} SET work_mem = '5MB'; ALTER DATABASE {ours} SET search_path = \"a b\", public;
         REVOKE CONNECT ON DATABASE {ours} FROM PUBLIC; DELETE FROM toys"
    );
    site.execute(&ours, &script).await;
    let mut guest = site.connect(&ours).await;
    let replace = ["backup", "restore", &name, "--into", &ours, "--drop-existing", "--yes"];

    // Somebody is connected: everything stays as it is, and how to go on is told.
    let ran = site.shell.run(&replace);
    assert_eq!(ran.code, Some(7), "{}", ran.err);
    assert!(ran.err.contains("in use by") && ran.err.contains("as it was"), "{}", ran.err);
    assert_eq!(site.count(&ours, "toys").await, 0);
    guest.ping().await.unwrap();
    let (_, statements) = ran.err.split_once("in another database: ").unwrap();
    guest.close().await.unwrap();
    let statements = statements.trim_end().to_owned();
    eventually("everybody to go", async || site.guests(&ours).await == 0).await;
    site.execute("postgres", &statements).await;
    assert_eq!(site.count(&ours, "toys").await, 2, "the statements do it: {statements}");
    // Nobody takes it for one that a killed restore left.
    assert_eq!(site.description(&ours).await, format!("restored from {name}"));
    let told = site.shell.json(&["backup", "restore", &name, "--dry-run"]);
    let checks = told["checks"].as_array().unwrap();
    let left_over = checks.iter().find(|check| check["name"] == "left over").map(|check| check["found"].to_string());
    assert!(!left_over.unwrap_or_default().contains(&ours), "{told}");

    // Cut off, where that was said.
    site.execute(&ours, "DELETE FROM toys").await;
    let mut guest = site.connect(&ours).await;
    let told = site.shell.json(&[&replace[..], &["--terminate-sessions"]].concat());
    assert!(guest.ping().await.is_err());
    assert_eq!(site.count(&ours, "toys").await, 2);
    let old = told["restored"]["old"].as_str().unwrap();
    assert_eq!(site.count(old, "toys").await, 0);
    assert_eq!(site.text(&ours, "SHOW work_mem").await, "5MB");
    assert_eq!(site.text(&ours, "SHOW search_path").await, "\"a b\", public");
    let public = format!("SELECT has_database_privilege('public', '{ours}', 'CONNECT')::text");
    assert_eq!(site.text("postgres", &public).await, "false");
    assert_eq!(site.databases_under_way().await, 0);
}

#[tokio::test]
async fn what_fails_half_way_leaves_nothing() {
    let site = Site::make().await;
    let before = site.names().await;
    fs::write(site.shell.path("bad.sql"), "CREATE TABLE a (); SELECT 1 / 0; CREATE TABLE b ();").unwrap();
    let ours = site.database.clone();
    let why = site.shell.fails(3, &["backup", "restore", "bad.sql", "--into", &ours, "--drop-existing", "--yes"]);
    assert!(why.contains("division by zero"), "{why}");
    assert_eq!(site.names().await, before);
    assert_eq!(site.count(&ours, "cats").await, 1000);

    let why = site.shell.fails(3, &["backup", "restore", "bad.sql", "--keep-partial"]);
    let kept: Vec<_> = site.names().await.into_iter().filter(|name| !before.contains(name)).collect();
    assert!(kept.len() == 1 && why.contains(&kept[0]), "{why}: {kept:?}");

    // A manifest that tells of other rows than there are.
    let name = site.backup(&[]);
    let manifest = site.files(&name).into_iter().find(|file| file.ends_with("manifest.json")).unwrap();
    let mut changed: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    changed["tables"][0]["hash"] = "0".repeat(32).into();
    fs::write(&manifest, changed.to_string()).unwrap();
    let before = site.names().await;
    site.shell.fails(3, &["backup", "restore", &name]);
    assert_eq!(site.names().await, before);
    site.shell.succeeds(&["backup", "restore", &name, "--no-verify"]);
}

#[tokio::test]
async fn an_interrupt_takes_the_half_made_database_away() {
    let site = Site::make().await;
    let before = site.names().await;
    let mut child = site.start_endless().await;
    kill(child.id(), Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(site.names().await, before);
    assert_eq!(site.guests(&site.database).await, 0);
    site.shell.wait_for_silence();
}

#[tokio::test]
async fn a_kill_leaves_what_there_was_and_the_next_one_tells() {
    let site = Site::make().await;
    let before = site.names().await;
    let mut child = site.start_endless().await;
    kill(child.id(), Signal::KILL);
    child.wait().unwrap();
    site.shell.wait_for_silence();
    assert_eq!(site.count(&site.database, "cats").await, 1000);
    let left: Vec<_> = site.names().await.into_iter().filter(|name| !before.contains(name)).collect();
    let [left] = left.as_slice() else { panic!("{left:?}") };
    assert!(left.contains("_new_"), "not under a final name");
    let told = site.shell.json(&["backup", "restore", "endless.sql", "--dry-run"]);
    let check = told["checks"].as_array().unwrap().iter().find(|check| check["name"] == "left over").unwrap();
    assert!(check["found"].as_str().unwrap().contains(left.as_str()), "{check}");
    wait_until("its sessions to end", || {
        site.shell.run(&["backup", "restore", "endless.sql", "--dry-run"]).code == Some(0)
    });
}

#[tokio::test]
async fn a_lost_database_comes_back_from_the_store_alone_and_its_queue_waits() {
    let url = database_with_gate("lost");
    let site = Site::of(&url);
    let bed = Bed::at(url.clone()).await;
    let (running, _) = bed.running().await;
    let waiting = bed.enqueue(crate::queue::bed::probe()).await;
    let name = site.backup(&[]);
    bed.db.close().await;
    bed.gate.pool.close().await;
    site.execute("postgres", &format!("DROP DATABASE {} WITH (FORCE)", site.database)).await;

    let ours = site.database.clone();
    let shown = site.shell.succeeds(&["backup", "restore", "latest", "--into", &ours]);
    assert!(shown.contains("2 unfinished jobs are parked") && shown.contains("backup release"), "{shown}");
    let db = Db::connect(&settings(&url)).await.unwrap();
    let held = hold::current(&db).await.unwrap().expect("held");
    assert_eq!((held.jobs, held.because), (2, format!("restored from {name}")));
    // A service that starts now finds nothing more to hold.
    assert!(!hold::settle(&db).await.unwrap());
    let bed = Bed::at(url).await;
    for job in [running.id, waiting] {
        assert_eq!(bed.state(job).await, "parked");
    }
    assert_eq!(site.shell.json(&["backup", "release", "--yes"])["jobs"], 2);
    assert_eq!(bed.state(waiting).await, "available");
}

#[test]
fn with_the_servers_data_lost_the_private_cluster_is_made_anew() {
    let shell = crate::support::cli::Shell::private();
    shell.succeeds(&["migrate", "up"]);
    shell.enqueue(&["https://github.com/owner/name"]);
    shell.succeeds(&["backup", "now", "--no-drill"]);
    shell.wait_for_silence();
    fs::remove_dir_all(shell.path("data/postgres")).unwrap();
    let shown = shell.succeeds(&[
        "backup",
        "restore",
        "--into",
        "repo_to_cat",
        "--drop-existing",
        "--discard-old",
        "--create-roles",
        "--yes",
    ]);
    assert!(shown.contains("2 unfinished jobs are parked"), "{shown}");
    // The backup itself was one of them.
    assert_eq!(shell.json(&["queue", "stats"])["held"]["jobs"], 2);
    let mut command = shell.command(&["backup", "release", "--yes"]);
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
}
