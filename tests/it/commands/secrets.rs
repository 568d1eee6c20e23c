//! The password of `DATABASE_URL` is nowhere to be seen.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use repo_to_cat::postgres::DATABASE;
use rustix::process::Signal;
use sqlx::{Connection, PgConnection};

use super::many_files;
use crate::support::cli::Shell;
use crate::support::postgres::PrivateCluster;

const CANARY: &str = "canary-5up3r-s3cret";

/// Command lines and environments of all processes below `ancestor`, as anybody with a right to look sees them.
fn look_at_children(ancestor: u32, seen: &mut BTreeSet<String>) {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    for process in processes {
        let parent = fs::read_to_string(process.join("stat"))
            .ok()
            .and_then(|stat| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok());
        // Between fork and exec a child is still its parent's picture, environment and all.
        let is_itself = fs::read(process.join("cmdline")).ok() != fs::read(format!("/proc/{ancestor}/cmdline")).ok();
        if parent == Some(ancestor) && is_itself {
            for file in ["cmdline", "environ"] {
                seen.extend(fs::read(process.join(file)).ok().map(|text| String::from_utf8_lossy(&text).into_owned()));
            }
        }
    }
}

#[tokio::test]
async fn a_password_is_in_no_output_no_log_and_no_child() {
    let private = PrivateCluster::start();
    let url = private.cluster.url_of(DATABASE);
    let status = private.cluster.status();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(
        "SET password_encryption = 'scram-sha-256'; CREATE ROLE cat SUPERUSER LOGIN PASSWORD 'canary-5up3r-s3cret'",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let rules = status.data.join("pg_hba.conf");
    let before = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, format!("local all cat scram-sha-256\n{before}")).unwrap();
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut connection).await.unwrap();

    let place = format!("localhost:5432/{DATABASE}?host={}", status.socket.display());
    let shell = Shell::migrated(&format!("postgres://cat:{CANARY}@{place}"));
    many_files(&shell.path("repo"));
    let mut service = shell.command(&["run"]);
    service.env("REPO_TO_CAT_LOG__FILTER", "trace");
    let service = crate::support::cli::Service::start(service);

    let (stop, process) = (AtomicBool::new(false), service.id());
    let (id, seen) = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !stop.load(Ordering::SeqCst) {
                look_at_children(process, &mut seen);
            }
            seen
        });
        let cats = shell.json(&["enqueue", "repo", "--wait"]);
        stop.store(true, Ordering::SeqCst);
        (cats[0]["id"].as_str().unwrap().to_owned(), looking.join().unwrap())
    });
    assert!(seen.iter().any(|text| text.contains("__parse")), "a child was seen: {seen:?}");
    let mut texts: Vec<String> = seen.into_iter().collect();
    let (status, log) = service.stop(Signal::TERM);
    assert!(status.success());
    texts.push(log);

    let wrong = Shell::on(&format!("postgres://cat:{CANARY}x@{place}"));
    let malformed = Shell::on(&format!("postgres://cat:{CANARY}@"));
    let other_form = Shell::on(&format!("postgres://cat@localhost/{DATABASE}?host=/nowhere&password={CANARY}"));
    for (shell, arguments) in [
        (&shell, ["config", "show"].as_slice()),
        (&shell, &["--json", "config", "show"]),
        (&shell, &["doctor"]),
        (&shell, &["--json", "jobs", "show", &id]),
        (&shell, &["--log", "trace", "generations", "show", &id]),
        (&wrong, &["--log", "trace", "jobs", "list"]),
        (&malformed, &["jobs", "list"]),
        (&other_form, &["--log", "trace", "jobs", "list"]),
        (&other_form, &["config", "show"]),
        (&other_form, &["doctor"]),
    ] {
        let ran = shell.run(arguments);
        texts.extend([ran.out, ran.err]);
    }
    for text in texts {
        assert!(!text.contains(CANARY), "{text}");
    }
    drop(private);
}
