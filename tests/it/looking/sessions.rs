//! Who is connected, who waits for whom, and ending sessions.

use std::io::Write;
use std::process::Stdio;
use std::str::FromStr;

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::support::cli::{Ran, Shell};
use crate::support::gate::eventually;
use crate::support::postgres::{fresh_database, program};

async fn session(url: &str, application: &str) -> PgConnection {
    PgConnectOptions::from_str(url).unwrap().application_name(application).connect().await.unwrap()
}

async fn pid(session: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(session).await.unwrap()
}

/// Three sessions: one holds a lock, one waits for it, one waits for that.
struct Row {
    holder: PgConnection,
    pids: [i32; 3],
    waiting: [JoinHandle<Result<(), sqlx::Error>>; 2],
    looking: PgConnection,
}

impl Row {
    async fn form(url: &str) -> Self {
        let mut holder = session(url, "holder").await;
        holder.execute("CREATE TABLE bowl (a int)").await.unwrap();
        holder.execute("BEGIN; LOCK TABLE bowl IN ACCESS SHARE MODE").await.unwrap();
        let mut looking = session(url, "test").await;
        let mut pids = [pid(&mut holder).await, 0, 0];
        let mut waiting = Vec::new();
        for (at, statement) in [
            "DROP TABLE bowl; SELECT 'c4n4ry'",
            "SELECT 'a long statement', 'of many more than the eighty characters that are shown', 'such as this one' FROM bowl",
        ]
        .into_iter()
        .enumerate()
        {
            let mut waiter = session(url, &format!("waiter {at}")).await;
            pids[at + 1] = pid(&mut waiter).await;
            waiting.push(tokio::spawn(async move { waiter.execute(statement).await.map(drop) }));
            eventually("a session to wait", async || {
                let waits = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted";
                let count: i64 = sqlx::query_scalar(waits).bind(pids[at + 1]).fetch_one(&mut looking).await.unwrap();
                count == 1
            })
            .await;
        }
        let waiting = waiting.try_into().expect("there are two");
        Self { holder, pids, waiting, looking }
    }
}

async fn run(shell: Shell, arguments: Vec<String>) -> (Shell, Ran) {
    spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = shell.run(&arguments);
        (shell, ran)
    })
    .await
    .unwrap()
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&argument| argument.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_stands_below_the_one_that_is_waited_for() {
    let url = fresh_database("row");
    let row = Row::form(&url).await;
    let [holder, first, second] = row.pids;
    let (shell, ran) = run(Shell::on(&url), words(&["db", "sessions"])).await;
    let lines: Vec<&str> = ran.out.lines().collect();
    let at = |start: &str| {
        lines.iter().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {}", ran.out))
    };
    let places = [at(&format!("{holder} ")), at(&format!("└ {first} ")), at(&format!("  └ {second} "))];
    assert_eq!([places[1] - places[0], places[2] - places[1]], [1, 1], "{}", ran.out);
    assert!(lines[places[0]].contains("idle in transaction") && lines[places[0]].contains("holder"), "{}", ran.out);
    assert!(lines[places[1]].contains(&format!("lock: AccessExclusiveLock on bowl, held by {holder}")), "{}", ran.out);
    assert!(!ran.out.contains("such as this one") && ran.out.contains('…'), "statements are cut: {}", ran.out);
    assert!(!ran.out.contains("repo-to-cat"), "it does not show itself: {}", ran.out);
    let (shell, ran) = run(shell, words(&["db", "sessions", "--full"])).await;
    assert!(ran.out.contains("such as this one"), "{}", ran.out);
    let (shell, ran) = run(shell, words(&["--json", "db", "sessions"])).await;
    let all: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let one = |pid: i32| all.iter().find(|session| session["pid"] == pid).unwrap();
    assert_eq!((&one(first)["blocked_by"], &one(second)["blocked_by"]), (&vec![holder].into(), &vec![first].into()));
    assert_eq!((&one(first)["application"], &one(first)["is_ours"]), (&"waiter 0".into(), &false.into()));

    let (_, ran) = run(shell, words(&["db", "terminate", &holder.to_string(), "--yes"])).await;
    assert_eq!((ran.code, ran.out.contains(&format!("{holder}  ended"))), (Some(0), true), "{}{}", ran.out, ran.err);
    let [dropping, reading] = row.waiting;
    dropping.await.unwrap().unwrap();
    let gone = reading.await.unwrap().unwrap_err();
    assert!(gone.to_string().contains("does not exist"), "{gone}");
    drop((row.holder, row.looking));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_ends_without_a_word() {
    let url = fresh_database("terminate");
    let mut theirs = session(&url, "theirs").await;
    let mut ours = session(&url, "repo-to-cat").await;
    let alive = async |session: &mut PgConnection| session.execute("SELECT 1").await.is_ok();
    let number = pid(&mut theirs).await.to_string();

    let (shell, ran) = run(Shell::on(&url), words(&["db", "terminate", &number])).await;
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("1 session would be ended") && ran.err.contains("--yes"), "{}", ran.err);
    let (shell, ran) = run(shell, words(&["db", "terminate", "--all", "--json"])).await;
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(alive(&mut theirs).await);

    let (shell, ran) = run(shell, words(&["db", "terminate", "--all", "--yes"])).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out.contains(&format!("{number}  ended")) && ran.out.contains("1 session of this program left alone"),
        "{}",
        ran.out
    );
    assert!(!alive(&mut theirs).await && alive(&mut ours).await);
    let (shell, ran) = run(shell, words(&["db", "terminate", "--all", "--workers", "--yes", "--json"])).await;
    let told: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((told.len(), &told[0]["ending"]), (1, &"ended".into()), "{}", ran.out);
    assert!(!alive(&mut ours).await);
    let (shell, ran) = run(shell, words(&["db", "terminate", "--all", "--yes"])).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "No session was ended.\n"), "{}", ran.err);
    let (shell, ran) = run(shell, words(&["db", "terminate", &number, "--yes"])).await;
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(ran.err.contains(&format!("no session has the process {number}")), "{}", ran.err);
    for wrong in [["db", "terminate"].as_slice(), &["db", "terminate", "1", "--all"], &["db", "terminate", "0"]] {
        assert_eq!(shell.run(wrong).code, Some(2), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_ours_to_end_stays() {
    let url = fresh_database("forbidden");
    let mut theirs = session(&url, "theirs").await;
    let role = format!("poor_{}", pid(&mut theirs).await);
    theirs.execute(AssertSqlSafe(format!("CREATE ROLE {role} LOGIN"))).await.unwrap();
    let poor = PgConnectOptions::from_str(&url).unwrap();
    let socket = poor.get_socket().unwrap().display().to_string();
    let poor =
        format!("postgres:///{}?host={socket}&port={}&user={role}", poor.get_database().unwrap(), poor.get_port());
    let number = pid(&mut theirs).await.to_string();
    let (shell, ran) = run(Shell::on(&poor), words(&["db", "terminate", &number, "--yes"])).await;
    assert_eq!(ran.code, Some(5), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("is not ours to end") && ran.err.contains("pg_signal_backend"), "{}", ran.err);
    theirs.execute("SELECT 1").await.unwrap();
    let (_, ran) = run(shell, words(&["db", "sessions"])).await;
    assert!(ran.out.contains("<insufficient privilege>"), "what others do is theirs: {}", ran.out);
    theirs.execute(AssertSqlSafe(format!("DROP ROLE {role}"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_shows_them_and_asks() {
    let url = fresh_database("asks");
    let mut theirs = session(&url, "theirs").await;
    let answer = async |answer: &'static str| {
        let shell = Shell::on(&url);
        let mut command = std::process::Command::new("script");
        let wanted = shell.command(&[]);
        command.env_clear().envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["-qec", &format!("{} db terminate --all", program().display()), "/dev/null"]);
        command.current_dir(shell.folder()).stdin(Stdio::piped()).stdout(Stdio::piped());
        spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            child.stdin.as_mut().unwrap().write_all(answer.as_bytes()).unwrap();
            let ran = child.wait_with_output().unwrap();
            drop(shell);
            String::from_utf8_lossy(&ran.stdout).into_owned()
        })
        .await
        .unwrap()
    };
    let said = answer("n\n").await;
    assert!(said.contains("theirs") && said.contains("1 session would be ended"), "{said}");
    theirs.execute("SELECT 1").await.unwrap();
    let said = answer("y\n").await;
    assert!(said.contains("ended (") && theirs.execute("SELECT 1").await.is_err(), "{said}");
}
