//! Databases and machines that are not as they should be: each with a clear message and its exit code.

use std::fs;
use std::net::TcpListener;

use repo_to_cat::postgres::DATABASE;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{count, honest};
use crate::support::cli::{Ran, Service, Shell};
use crate::support::disk::SmallDisk;
use crate::support::postgres::{PrivateCluster, fresh_database, wait_until};

const URL: &str = "https://github.com/owner/name";

/// Runs statements, each by itself.
async fn sql(url: &str, statements: &[String]) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

fn database_of(url: &str) -> &str {
    url.split_once("///").unwrap().1.split_once('?').unwrap().0
}

/// `url` for another user of the same server.
fn as_user(url: &str, user: &str, password: &str) -> String {
    let (database, query) = url.split_once("///").unwrap().1.split_once('?').unwrap();
    let socket = query.split('&').find_map(|pair| pair.strip_prefix("host=")).unwrap();
    let port = query.split('&').find_map(|pair| pair.strip_prefix("port=")).unwrap();
    format!("postgres://{user}:{password}@localhost:{port}/{database}?host={socket}")
}

#[test]
fn a_server_that_is_not_there_is_told_with_its_place() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let shell = Shell::on(&format!("postgres://cat:s3cret@127.0.0.1:{free}/cats"));
    let told = shell.fails(5, &["jobs", "list"]).replace(&free.to_string(), "[port]");
    insta::assert_snapshot!(told);
    for verb in [["migrate", "up"].as_slice(), &["enqueue", URL], &["demo", URL]] {
        assert!(!shell.fails(5, verb).contains("s3cret"));
    }
    let shell = Shell::on("postgres:///cats?host=/no/such/folder&user=cat");
    insta::assert_snapshot!(shell.fails(5, &["jobs", "list"]));
    let shell = Shell::on("postgres://cat@no-such-host.invalid/cats");
    let told = shell.fails(5, &["jobs", "list"]);
    assert!(told.contains("no-such-host.invalid:5432/cats") && told.contains("hint:"), "{told}");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let shell = Shell::on(&format!("postgres://cat@127.0.0.1:{port}/cats?sslmode=disable"));
    let mut command = shell.command(&["jobs", "list"]);
    let ran = Ran::of(command.env("REPO_TO_CAT_DATABASE__CONNECT_SECONDS", "1"));
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    assert!(ran.err.contains(&format!("127.0.0.1:{port}/cats did not answer within 1 s")), "{}", ran.err);
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_why() {
    let private = PrivateCluster::start();
    let url = private.cluster.url_of(DATABASE);
    Shell::migrated(&url);
    let rules = private.cluster.status().data.join("pg_hba.conf");
    let before = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, format!("local all locked scram-sha-256\nlocal all stranger reject\n{before}")).unwrap();
    sql(
        &url,
        &[
            "SET password_encryption = 'scram-sha-256'".to_owned(),
            "CREATE ROLE locked LOGIN PASSWORD 'right'".to_owned(),
            "CREATE ROLE stranger LOGIN".to_owned(),
            "CREATE ROLE poor LOGIN".to_owned(),
            "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0".to_owned(),
            "SELECT pg_reload_conf()".to_owned(),
        ],
    )
    .await;
    let mut all = String::new();
    let mut told = |what: &str, code: i32, url: &str| {
        let text = Shell::on(url).fails(code, &["jobs", "list"]);
        assert!(!text.contains("s3cret"), "{text}");
        all.extend([what, ": ", &text]);
    };
    told("wrong password", 5, &as_user(&url, "locked", "s3cret"));
    told("no password", 5, &as_user(&url, "locked", "").replace(":@", "@"));
    told("no such user", 5, &as_user(&url, "nobody", "s3cret"));
    told("rejected", 5, &as_user(&url, "stranger", "s3cret"));
    told("no such database", 5, &url.replacen("repo_to_cat", "no_such_cats", 1));
    told("too many connections", 5, &as_user(&url, "crowded", "s3cret"));
    told("no rights", 5, &as_user(&url, "poor", "s3cret"));
    let socket = private.cluster.status().socket;
    insta::assert_snapshot!(all.replace(socket.to_str().unwrap(), "[socket]"));
    let migrated = Shell::on(&as_user(&url, "locked", "right"));
    assert!(migrated.fails(5, &["jobs", "list"]).contains("permission denied"), "the right password lets in");
}

#[tokio::test]
async fn a_read_only_database_loses_nothing() {
    let url = fresh_database("read_only");
    let shell = Shell::migrated(&url);
    let id = shell.enqueue(&[URL]).remove(0);
    let set = |value: &str| format!("ALTER DATABASE {} SET default_transaction_read_only = {value}", database_of(&url));
    sql(&url, &[set("on")]).await;
    for verb in [["enqueue", URL].as_slice(), &["jobs", "cancel", &id], &["jobs", "retry", &id]] {
        let told = shell.fails(5, verb);
        assert!(told.contains("read-only transaction") && told.contains("hint: is it a standby"), "{verb:?}: {told}");
    }
    assert_eq!(count(&shell), 1, "reading works");
    let empty = fresh_database("read_only_empty");
    sql(&empty, &[format!("ALTER DATABASE {} SET default_transaction_read_only = on", database_of(&empty))]).await;
    let told = Shell::on(&empty).fails(5, &["migrate", "up"]);
    assert!(told.contains("hint: is it a standby"), "{told}");
    sql(&url, &["SET default_transaction_read_only = off".to_owned(), set("off")]).await;
    shell.succeeds(&["jobs", "cancel", &id]);
}

#[test]
fn without_the_programs_of_postgresql_it_says_what_to_install() {
    let shell = Shell::private();
    fs::create_dir(shell.path("bin")).unwrap();
    let mut command = shell.command(&["jobs", "list"]);
    let ran = Ran::of(command.env("REPO_TO_CAT_DATABASE__BIN_FOLDER", shell.path("bin")));
    assert_eq!(ran.code, Some(7), "{}", ran.err);
    insta::assert_snapshot!(super::redacted(&shell, &ran.err));
    shell.wait_for_silence();
}

#[test]
fn a_data_folder_that_cannot_be_used_is_told() {
    let shell = Shell::private();
    honest(&shell.path("repo"));
    fs::write(shell.path("file"), "").unwrap();
    for folder in ["file", "file/below", "/proc/no-such-folder", "/dev/null"] {
        for verb in [["jobs", "list"].as_slice(), &["demo", "repo"]] {
            let ran = Ran::of(shell.command(&["--data-folder", folder]).args(verb));
            assert_eq!(ran.code, Some(7), "{folder}: {}", ran.err);
            assert!(ran.err.contains(folder) && ran.err.contains("hint:"), "{folder}: {}", ran.err);
        }
    }
}

#[test]
fn pictures_that_cannot_be_stored_are_told_before_work_begins() {
    let shell = super::shell("store");
    for verb in [["run"].as_slice(), &["demo", "repo"]] {
        let mut command = shell.command(verb);
        let ran = Ran::of(command.env("REPO_TO_CAT_IMAGES__STORE", "/proc/no-such-folder"));
        assert_eq!(ran.code, Some(7), "{}", ran.err);
        assert!(
            ran.err.contains("picture store /proc/no-such-folder") && ran.err.contains("images.store"),
            "{}",
            ran.err
        );
    }
    assert_eq!(count(&shell), 0, "nothing was queued that could not be done");
}

#[test]
fn a_disk_too_small_for_a_cluster_is_told() {
    let shell = Shell::private();
    honest(&shell.path("repo"));
    let folder = shell.path("data");
    let Some(disk) = SmallDisk::mount(&folder, 8) else {
        eprintln!("skipped: file systems cannot be mounted here");
        return;
    };
    let ran = shell.run(&["demo", "repo"]);
    assert_eq!(ran.code, Some(7), "{}", ran.err);
    assert!(ran.err.contains("No space left on device") && ran.err.contains("hint:"), "{}", ran.err);
    shell.wait_for_silence();
    drop(disk);
    shell.succeeds(&["demo", "repo"]);
    shell.wait_for_silence();
}

#[test]
fn pictures_that_do_not_fit_are_told_and_the_job_can_be_run_again() {
    let shell = super::shell("full");
    let store = shell.path("store");
    let Some(disk) = SmallDisk::mount(&store, 1) else {
        eprintln!("skipped: file systems cannot be mounted here");
        return;
    };
    fill(&store.join("ballast"));
    let mut command = shell.command(&["demo", "repo"]);
    command.env("REPO_TO_CAT_IMAGES__STORE", &store).env("REPO_TO_CAT_WORKER__MAX_ATTEMPTS", "2");
    let ran = Ran::of(&mut command);
    assert_eq!(ran.code, Some(7), "{}", ran.err);
    for word in ["Attempt 1 of 2 failed: ", "No space left on device", "hint: is the disk full"] {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
    fs::remove_file(store.join("ballast")).unwrap();
    let left = fs::read_dir(&store).unwrap().flatten().filter(|entry| entry.path().is_file()).count();
    assert_eq!((left, &shell.json(&["jobs", "retry", "--all"])["changed"]), (0, &1.into()));
    let mut command = shell.command(&["run", "--only", "worker"]);
    command.env("REPO_TO_CAT_IMAGES__STORE", &store);
    let worker = Service::start(command);
    wait_until("the cat", || !shell.json(&["generations", "list"]).as_array().unwrap().is_empty());
    drop((worker, disk));
}

/// Writes until there is no room left.
fn fill(file: &std::path::Path) {
    use std::io::Write;
    let mut file = fs::File::create(file).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}

#[test]
fn doctor_looks_at_the_database_that_is_given() {
    let url = fresh_database("doctor");
    let shell = Shell::on(&url);
    let ran = shell.run(&["doctor"]);
    assert_eq!(ran.code, Some(7), "{}", ran.out);
    assert!(ran.out.contains("✗ database") && ran.out.contains("repo-to-cat migrate up"), "{}", ran.out);
    shell.succeeds(&["migrate", "up"]);
    let told = shell.run(&["doctor"]).out;
    assert!(told.contains("✓ database"), "{told}");
    let absent = Shell::on("postgres://cat:s3cret@127.0.0.1:1/cats").run(&["doctor"]);
    assert!(absent.out.contains("cannot connect to PostgreSQL at 127.0.0.1:1/cats"), "{}", absent.out);
    assert!(!absent.out.contains("s3cret"), "{}", absent.out);
}
