//! `PostgreSQL`'s programs as we run them: what they can see, and who can see what we give them.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{mem, thread};

use repo_to_cat::db::server::Server;
use repo_to_cat::model::failure::{Failure, Kind};
use repo_to_cat::postgres::programs::{CLIENTS, Programs};
use repo_to_cat::postgres::tool::{Access, Running, command};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::source::Scene;
use crate::support::gate::eventually;
use crate::support::postgres::{temporary_folder, wait_until};
use crate::surviving::server;

/// What `pg_dump` writes of a database when it is asked so, run as a backup does. One letter for each byte.
pub async fn try_dump(server: &Server, database: &str, arguments: &[&str]) -> Result<String, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let url = server.url_of(database).await.unwrap();
    let (access, mut command) = pg_dump(&url, folder.path(), "repo-to-cat/backup/test/1");
    command.args(arguments);
    let ran = tokio::task::spawn_blocking(move || {
        let mut running = Running::start(command)?;
        let mut text = Vec::new();
        running.stdout().unwrap().read_to_end(&mut text).unwrap();
        running.wait().map(|()| text.into_iter().map(char::from).collect())
    });
    let ran = ran.await.unwrap();
    drop(access);
    ran
}

/// The same where it must succeed.
pub async fn dump(server: &Server, database: &str, arguments: &[&str]) -> String {
    try_dump(server, database, arguments).await.unwrap()
}

fn pg_dump(url: &str, folder: &Path, application: &str) -> (Access, std::process::Command) {
    let programs = Programs::for_server(Path::new(""), 150_000, &CLIENTS).unwrap();
    let access = Access::new(url, folder).unwrap().of_version(150_000);
    let command = command(&programs, "pg_dump", &access, application);
    (access, command)
}

/// Processes in whose `file` under `/proc` a text stands.
fn processes_with(file: &str, text: &str) -> Vec<PathBuf> {
    let holds = |process: &PathBuf| {
        let bytes = fs::read(process.join(file)).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()).filter(holds).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_in_one_file_and_nowhere_else() {
    const CANARY: &str = "c4n4ry_of_the_mine";
    let folder = temporary_folder();
    let rules = folder.path().join("hba");
    fs::write(&rules, "local all cat trust\nlocal all all scram-sha-256\n").unwrap();
    let cluster = server::Server::start(&[&format!("hba_file = '{}'", rules.display())]);
    cluster.sql(&format!("CREATE ROLE bird SUPERUSER LOGIN PASSWORD '{CANARY}: \\ @/%+'"));
    cluster.sql("CREATE TABLE seeds AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)");
    let password = format!("{CANARY}%3A%20%5C%20%40%2F%25%2B");
    let url = format!("postgres:///postgres?host={}&user=bird&password={password}", cluster.folder().display());
    let server = Server::at(&url).unwrap();
    drop(server.connect("postgres", "test").await.unwrap());

    let secrets = temporary_folder();
    let (access, command) =
        pg_dump(&server.url_of("postgres").await.unwrap(), secrets.path(), "repo-to-cat/backup/canary/1");
    let mut running = Running::start(command).unwrap();
    let mut stdout = running.stdout().unwrap();
    let mut text = vec![0; 100_000];
    // It waits for us to read on.
    stdout.read_exact(&mut text).unwrap();
    assert_eq!(processes_with("environ", "repo-to-cat/backup/canary/1").len(), 1, "pg_dump is to be seen");
    for file in ["cmdline", "environ"] {
        assert_eq!(processes_with(file, CANARY), Vec::<PathBuf>::new(), "the password is in a {file}");
    }
    let files: Vec<_> = fs::read_dir(secrets.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(fs::metadata(&files[0]).unwrap().mode() & 0o777, 0o600);
    assert!(!format!("{access:?}{running:?}{server:?}").contains(CANARY));
    drop(stdout);
    let failure = running.wait().unwrap_err();
    assert!(!format!("{failure:?}").contains(CANARY), "{failure:?}");
    drop(access);
    assert!(!files[0].exists());

    let wrong = Server::at(&url.replace("4ry", "5ry")).unwrap();
    let failure = try_dump(&wrong, "postgres", &[]).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Database);
    assert!(failure.what().contains("password authentication failed"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_ends_with_the_thread_that_started_it() {
    let scene = Scene::new("thread").await;
    let folder = tempfile::tempdir().unwrap();
    let name = format!("repo-to-cat/backup/{}/1", scene.database());
    let mut own = scene;
    own.sql("CREATE TABLE seeds AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)").await;
    let url = own.server.url_of(own.database()).await.unwrap();
    let (access, command) = pg_dump(&url, folder.path(), &name);
    let starter = thread::spawn(move || {
        let mut running = Running::start(command).unwrap();
        let mut stdout = running.stdout().unwrap();
        stdout.read_exact(&mut [0; 100]).unwrap();
        // As where this process is killed: nothing is done on the way out.
        mem::forget((running, stdout));
    });
    starter.join().unwrap();
    wait_until("pg_dump to end", || processes_with("environ", &name).is_empty());
    eventually("its session to end", async || own.all_sessions(&name).await == 0).await;
    drop(access);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_waits_for_a_lock_ends_with_its_program() {
    let mut scene = Scene::new("waiting").await;
    let folder = tempfile::tempdir().unwrap();
    let name = format!("repo-to-cat/backup/{}/1", scene.database());
    scene.sql("CREATE TABLE cats (a int)").await;
    scene.sql("BEGIN; LOCK TABLE cats").await;
    let (_access, command) = pg_dump(&scene.server.url_of(scene.database()).await.unwrap(), folder.path(), &name);
    let running = Running::start(command).unwrap();
    // The view of a transaction that has begun does not change.
    let mut looking = PgConnectOptions::from_str(&scene.url).unwrap().connect().await.unwrap();
    eventually("pg_dump to wait for the lock", async || {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
        let count: i64 = sqlx::query_scalar(waits).bind(&name).fetch_one(&mut looking).await.unwrap();
        count == 1
    })
    .await;
    running.killer().kill();
    assert_eq!(running.wait().unwrap_err().kind(), Kind::Unavailable);
    let _locked = mem::replace(&mut scene.own, looking);
    eventually("its session to end", async || scene.all_sessions(&name).await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_too_long_puts_the_dump_off() {
    let mut scene = Scene::new("put_off").await;
    scene.sql("CREATE TABLE cats (a int)").await;
    scene.sql("BEGIN; LOCK TABLE cats").await;
    let failure = try_dump(&scene.server, scene.database(), &["--lock-wait-timeout=100"]).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Throttled, "{failure}");
    let failure = try_dump(&scene.server, "no such database", &[]).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Database, "{failure}");
    let failure = try_dump(&scene.server, scene.database(), &["-t", "dogs"]).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::NotFound, "{failure}");
}
