//! Backups and drills as jobs of the queue.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use repo_to_cat::db::backups;
use repo_to_cat::model::job::JobKind;
use repo_to_cat::schedule::declared::apply;
use repo_to_cat::schedule::job::job;
use rustix::process::Signal;
use serde_json::json;

use crate::schedules::bed::{Bed, add, outcomes, spec, utc};
use crate::support::cli::{Ran, Shell};
use crate::support::gate::eventually;

const NIGHTLY: &str =
    "[schedules.nightly]\ncron = \"0 3 * * *\"\nkind = \"backup\"\npayload = { database = \"cats\" }\n";

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

/// A database with some rows, and a folder that its workers share.
struct Scene {
    bed: Bed,
    shell: Shell,
}

impl Scene {
    async fn make(shell: impl FnOnce(&str) -> Shell) -> Self {
        let bed = Bed::make();
        bed.execute(
            "CREATE TABLE public.toys AS SELECT n AS id, 'toy ' || n AS name FROM generate_series(1, 500) AS n",
        )
        .await;
        Self { shell: shell(&bed.url), bed }
    }

    /// What is in the store, drafts included; without the pointer to the last one.
    fn stored(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.shell.path("data/backups")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.ends_with("_latest")).collect();
        names.sort();
        names
    }

    /// Sessions of dumps that are connected to our database.
    async fn sessions(&self) -> i64 {
        self.bed
            .count(
                "pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'repo-to-cat/backup/%'",
            )
            .await
    }

    /// Returns when the dump waits for a lock.
    async fn until_it_waits(&self) {
        self.until(
            "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
             AND application_name LIKE 'repo-to-cat/backup/%'",
        )
        .await;
    }

    async fn until(&self, rows: &str) {
        eventually(rows, async || self.bed.count(rows).await > 0).await;
    }

    async fn database(&self) -> String {
        sqlx::query_scalar("SELECT current_database()").fetch_one(&self.bed.gate.pool).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_and_proven_at_the_command_line() {
    let scene = Scene::make(Shell::on).await;
    let shell = &scene.shell;
    let made = shell.json(&["backup", "now"]);
    assert_eq!(made[0]["drill"]["verdict"], "verified", "{made}");
    let name = made[0]["name"].as_str().unwrap();
    assert_eq!(scene.stored(), [name]);
    let recorded = format!("backup.backups WHERE name = '{name}' AND verdict = 'verified' AND rows >= 500");
    assert_eq!((scene.bed.count(&recorded).await, scene.bed.count("backup.drills").await), (1, 1));
    assert_eq!(scene.bed.count("queue.jobs").await, 0);
    assert!(shell.succeeds(&["backup", "check", "--freshness"]).contains(name));

    // One changed byte, and it is no backup any more.
    let folder = shell.path("data/backups").join(name);
    let dump = folder.join(format!("{name}.dump.zst"));
    let mut bytes = std::fs::read(&dump).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dump, bytes).unwrap();
    let told = shell.fails(3, &["backup", "verify", "latest"]);
    assert!(told.contains(name) && told.contains("failed"), "{told}");
    let failed = format!("backup.backups WHERE name = '{name}' AND verdict = 'failed'");
    assert_eq!((scene.bed.count(&failed).await, scene.bed.count("backup.drills").await), (1, 2));
    assert_eq!(scene.bed.count("queue.history WHERE kind = 'drill' AND state = 'completed'").await, 2);
    shell.fails(3, &["backup", "verify", name, "--standalone"]);
    assert_eq!(scene.bed.count("backup.drills").await, 2, "nothing is written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_becomes_a_proven_backup() {
    let scene = Scene::make(Shell::on).await;
    let host = scene.bed.set_clock("2027-06-01T12:00:00Z").await;
    let payload = json!({"database": scene.database().await});
    add(&host, "nightly", &json!({"cron": "0 3 * * *", "kind": "backup", "payload": payload})).await;
    let host = scene.bed.set_clock("2027-06-02T03:00:10Z").await;
    assert_eq!(host.fire_due().await.unwrap(), 1);
    let worker = scene.shell.service("worker");
    scene.until("backup.backups WHERE verdict = 'verified' AND job_id IS NOT NULL").await;
    let standing = &backups::standings(&host.db).await.unwrap()[0];
    assert!(standing.verified.as_ref().unwrap().contains("_20270602_0300"), "{standing:?}");
    assert!(standing.is_fresh(1) && standing.restore_seconds.is_some());
    scene.until("queue.history WHERE kind = 'drill' AND state = 'completed'").await;
    drop(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_is_not_made_again_where_it_could_not_be_written_down() {
    let scene = Scene::make(Shell::on).await;
    scene.bed.execute("ALTER TABLE backup.backups ADD CONSTRAINT not_now CHECK (false) NOT VALID").await;
    let enqueued = scene.shell.json(&["backup", "now", "--queue", "--no-drill"]);
    let again = scene.shell.json(&["backup", "now", "--queue"]);
    assert_eq!((&again[0]["id"], &again[0]["is_new"]), (&enqueued[0]["id"], &json!(false)), "one at a time");
    let workers = [scene.shell.service("worker"), scene.shell.service("worker")];
    scene.until("queue.attempts WHERE outcome = 'retried'").await;
    let made = scene.stored();
    assert_eq!(made.len(), 1);
    let latest = scene.shell.path("data/backups").join(format!("{}_latest", scene.database().await));
    _ = std::fs::remove_file(&latest);
    scene.bed.execute("ALTER TABLE backup.backups DROP CONSTRAINT not_now").await;
    scene.until("queue.history WHERE kind = 'backup' AND state = 'completed'").await;
    assert_eq!(scene.stored(), made);
    assert_eq!(std::fs::read_link(latest).unwrap().to_str(), Some(made[0].as_str()), "the pointer is mended");
    assert_eq!(scene.bed.count(&format!("backup.backups WHERE name = '{}'", made[0])).await, 1);
    assert_eq!(scene.bed.count("queue.jobs").await, 0, "no drill was wanted");
    drop(workers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_worker_is_killed_is_made_by_another_and_once() {
    let scene = Scene::make(Shell::on).await;
    let mut lock = scene.bed.gate.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE public.toys").execute(&mut *lock).await.unwrap();
    scene.shell.json(&["backup", "now", "--queue", "--no-drill"]);
    let first = scene.shell.service("worker");
    scene.until("queue.steps WHERE step = 'dump'").await;
    scene.until_it_waits().await;
    first.stop(Signal::KILL);
    scene.bed.execute("UPDATE queue.workers SET lease_until = '-infinity'").await;
    let second = scene.shell.service("worker");
    scene.until("queue.jobs WHERE state = 'running' AND claims = 2").await;
    lock.rollback().await.unwrap();
    scene.until("queue.history WHERE kind = 'backup' AND state = 'completed'").await;
    assert_eq!((scene.stored().len(), scene.bed.count("backup.backups").await), (1, 1));
    eventually("its sessions to end", async || scene.sessions().await == 0).await;
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_cancelled_leaves_nothing() {
    let scene = Scene::make(Shell::on).await;
    let mut lock = scene.bed.gate.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE public.toys").execute(&mut *lock).await.unwrap();
    let enqueued = scene.shell.json(&["backup", "now", "--queue"]);
    let worker = scene.shell.service("worker");
    scene.until_it_waits().await;
    scene.shell.succeeds(&["jobs", "cancel", enqueued[0]["id"].as_str().unwrap()]);
    // The lock is still held: nothing but the cancellation ends them.
    eventually("its sessions to end", async || scene.sessions().await == 0).await;
    eventually("its draft to go", async || scene.stored().is_empty()).await;
    assert_eq!(scene.bed.count("queue.history WHERE state = 'cancelled'").await, 1);
    drop((worker, lock));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_proven_lets_older_ones_go_and_is_told() {
    let scene = Scene::make(Shell::on).await;
    let (url, heard) = listen();
    let now = || {
        let mut command = scene.shell.command(&["--json", "backup", "now"]);
        for rule in ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"] {
            command.env(format!("REPO_TO_CAT_BACKUP__KEEP_{rule}"), "0");
        }
        command.env("REPO_TO_CAT_BACKUP__KEEP_LAST", "1").env("REPO_TO_CAT_BACKUP__PING_URL", &url);
        Ran::of(&mut command)
    };
    let name = |ran: &Ran| {
        let made: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
        made[0]["name"].as_str().unwrap().to_owned()
    };
    let first = name(&now());
    assert_eq!(scene.stored(), [first.as_str()], "the last verified one always stays");
    let second = name(&now());
    assert_eq!(scene.stored(), [second.as_str()]);
    assert_eq!(scene.bed.count(&format!("backup.backups WHERE name = '{first}' AND pruned_at IS NOT NULL")).await, 1);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["/cats/start", "/cats", "/cats/start", "/cats"]);

    std::fs::remove_dir_all(scene.shell.path("data/backups")).unwrap();
    std::fs::write(scene.shell.path("data/backups"), "no folder").unwrap();
    let ran = now();
    assert_ne!(ran.code, Some(0), "{}", ran.out);
    assert_eq!(heard.try_iter().last().as_deref(), Some("/cats/fail"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_on_which_the_store_was_never_mounted_makes_no_backup() {
    let scene = Scene::make(Shell::on).await;
    let nas = scene.shell.path("nas");
    std::fs::create_dir(&nas).unwrap();
    let now = || {
        let mut command = scene.shell.command(&["--json", "backup", "now", "--no-drill"]);
        // As many attempts as always: on a machine that stalls, one of them may be lost for a reason of its own.
        Ran::of(command.env("REPO_TO_CAT_BACKUP__STORE", &nas))
    };
    let made = now();
    assert_eq!(made.code, Some(0), "{}", made.err);
    // Another host: it has the folder, and has noted nothing.
    std::fs::remove_dir_all(&nas).unwrap();
    std::fs::create_dir(&nas).unwrap();
    _ = std::fs::remove_file(scene.shell.path("data/stores"));
    let ran = now();
    assert!(ran.code == Some(7) && ran.err.contains("is it mounted?"), "{:?} {}", ran.code, ran.err);
    assert_eq!(std::fs::read_dir(&nas).unwrap().count(), 0);
    std::fs::write(nas.join(".repo-to-cat-store"), "").unwrap();
    let anew = now();
    assert_eq!(anew.code, Some(0), "it is to begin anew: {}", anew.err);
}

/// Hears pings: a URL, and the paths that were asked for.
fn listen() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/cats", listener.local_addr().unwrap());
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let asked = lines.next().unwrap_or_default();
            lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
            let path = asked.split(' ').nth(1).unwrap_or_default().to_owned();
            _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if tell.send(path).is_err() {
                return;
            }
        }
    });
    (url, heard)
}
