//! Folders, programs and clusters that are odd, missing or damaged: each works, or says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use repo_to_cat::config::Database;
use repo_to_cat::model::check::State;
use repo_to_cat::model::failure::{Failure, Kind};
use repo_to_cat::postgres::doctor;
use repo_to_cat::postgres::{Cluster, Settings};

use super::{open, settings, wait_for_the_end};
use crate::support;
use crate::support::postgres::{program, temporary_folder};

/// The chain of causes as one text.
fn whole(failure: &Failure) -> String {
    format!("{failure}\n{}\n{}", failure.causes().join("\n"), failure.hint_text().unwrap_or_default())
}

#[test]
fn odd_and_long_folders_work() {
    let parent = temporary_folder();
    for name in [
        "with space, comma and 'quotes\" %41 & more".to_owned(),
        "Kätzchen/\u{1f408}".to_owned(),
        format!("{}/{}", "x".repeat(120), "y".repeat(120)),
    ] {
        let folder = parent.path().join(name);
        let cluster = open(&folder);
        let status = cluster.status();
        assert!(status.ready);
        assert!(!status.socket.starts_with(parent.path()), "{}", status.socket.display());
        assert!(cluster.url().is_ascii());
        drop(cluster);
        wait_for_the_end(&status);
        assert!(!status.socket.exists(), "nothing is left outside the data folder");
    }
    let failure = Cluster::open(settings(&parent.path().join("two\nlines"))).unwrap_err();
    assert_eq!(failure.kind(), Kind::Invalid);
    assert!(failure.what().contains("line break"), "{failure}");
}

#[test]
fn what_is_in_the_way_is_named_with_what_to_do() {
    let folder = temporary_folder();
    let refused = |settings: Settings| {
        let failure = Cluster::open(settings).unwrap_err();
        assert_eq!(failure.kind(), Kind::Environment, "{failure:?}");
        assert!(failure.hint_text().is_some(), "{failure:?}");
        whole(&failure)
    };

    let text = refused(settings(Path::new("/sys/repo-to-cat")));
    assert!(text.contains("cannot make /sys/repo-to-cat"), "{text}");

    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let text = refused(settings(&file));
    assert!(text.contains(&*file.to_string_lossy()) && text.contains("in the way"), "{text}");

    let empty = folder.path().join("bin");
    fs::create_dir(&empty).unwrap();
    let text = refused(Settings { bin_folder: empty.clone(), ..settings(folder.path()) });
    assert!(text.contains(&*empty.to_string_lossy()) && text.contains("there is no postgres"), "{text}");
    assert!(!folder.path().join("postgres/data").exists());

    let text = refused(Settings { program: PathBuf::from("/nowhere/repo-to-cat"), ..settings(folder.path()) });
    assert!(text.contains("cannot run /nowhere/repo-to-cat"), "{text}");

    let mut odd = settings(folder.path());
    odd.extra_options.push(("max_connections".to_owned(), "many".to_owned()));
    let text = refused(odd);
    assert!(text.contains("invalid value for parameter \"max_connections\""), "the server's words are quoted: {text}");

    if rustix::process::geteuid().is_root() {
        let closed = folder.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let text = refused(settings(&closed.join("data")));
        assert!(text.contains(&format!("cannot enter {} (mode 0700)", closed.display())), "{text}");
        assert!(text.contains("chmod o+x"), "{text}");
    }
}

#[test]
fn a_damaged_or_foreign_cluster_is_reported_and_left_alone() {
    let folder = temporary_folder();
    let first = open(folder.path());
    let status = first.status();
    drop(first);
    wait_for_the_end(&status);
    let data = &status.data;

    let control = data.join("global/pg_control");
    fs::rename(&control, data.join("elsewhere")).unwrap();
    let failure = Cluster::open(settings(folder.path())).unwrap_err();
    assert_eq!(failure.kind(), Kind::Environment);
    assert!(whole(&failure).contains("pg_control"), "the server's words are quoted: {}", whole(&failure));
    fs::rename(data.join("elsewhere"), &control).unwrap();

    let version = fs::read_to_string(data.join("PG_VERSION")).unwrap();
    fs::write(data.join("PG_VERSION"), "12\n").unwrap();
    let failure = Cluster::open(settings(folder.path())).unwrap_err();
    assert!(whole(&failure).contains("apt-get install postgresql-12"), "{}", whole(&failure));

    fs::remove_file(data.join("PG_VERSION")).unwrap();
    let failure = Cluster::open(settings(folder.path())).unwrap_err();
    assert!(failure.what().contains("not a PostgreSQL cluster"), "{failure}");

    fs::write(data.join("PG_VERSION"), version).unwrap();
    assert!(open(folder.path()).status().ready, "nothing was lost");
}

#[test]
fn doctor_finds_this_machine_fit_and_says_what_a_bad_one_lacks() {
    let folder = temporary_folder();
    let mut database = Database { bin_folder: PathBuf::new(), ..support::gate::settings("") };
    let checks = doctor::checks(&database, folder.path(), program());
    assert!(checks.iter().all(|check| check.state == State::Ok), "{checks:?}");
    assert!(checks.iter().any(|check| check.name == "private cluster" && check.found.contains(" starts")));

    database.bin_folder = folder.path().join("nowhere");
    let checks = doctor::checks(&database, folder.path(), program());
    let missing: Vec<_> = checks.iter().filter(|check| check.state != State::Ok).map(|check| check.name).collect();
    assert_eq!(missing, ["PostgreSQL server"], "clients may come from elsewhere");
    assert!(checks.iter().all(|check| check.state == State::Ok || check.todo.is_some()));

    database.url = "postgres://elsewhere/cats".to_owned();
    let checks = doctor::checks(&database, folder.path(), program());
    assert!(checks.iter().all(|check| check.state != State::Fail), "the programs are not needed: {checks:?}");
}
