//! What is left of a job's run: its log, its trace and what was counted.

use std::process::Command;

use repo_to_cat::db::logs;
use repo_to_cat::telemetry::joblog::JobLog;
use rustix::process::Signal;
use serde_json::Value;
use uuid::Uuid;

use super::Database;
use super::metrics::samples;
use crate::fetch::fixture::honest;
use crate::support::cli::{Ran, Service, Shell};
use crate::support::gate::eventually;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A shell on a database that the test sees, too, with a repository in its folder.
async fn shell() -> (Shell, Database) {
    let database = Database::make().await;
    let shell = Shell::on(&database.url);
    honest(&shell.path("repo"));
    (shell, database)
}

fn enqueued(command: &mut Command) -> Uuid {
    let ran = Ran::of(command);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let jobs: Value = serde_json::from_str(&ran.out).unwrap();
    jobs[0]["id"].as_str().unwrap().parse().unwrap()
}

async fn kept(database: &Database, job: Uuid) -> Vec<JobLog> {
    eventually("the log of a run", async || !logs::of_job(&database.db, job).await.unwrap().is_empty()).await;
    logs::of_job(&database.db, job).await.unwrap()
}

async fn traceparent(database: &Database, job: Uuid) -> Option<String> {
    let both = "SELECT traceparent FROM queue.jobs WHERE id = $1
                UNION ALL SELECT traceparent FROM queue.history WHERE id = $1";
    sqlx::query_scalar(both).bind(job).fetch_one(&database.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_keeps_its_log_even_where_the_terminal_shows_nothing() {
    let (shell, database) = shell().await;
    let id = enqueued(&mut shell.command(&["--json", "enqueue", "repo"]));
    let mut command = shell.command(&["--log", "error,repo_to_cat::commands=info,repo_to_cat::http=info", "run"]);
    command.env("REPO_TO_CAT_HTTP__LISTEN", "127.0.0.1:0");
    let service = Service::start(command);
    let log = kept(&database, id).await;
    assert_eq!((log.len(), log[0].claim, log[0].dropped), (1, 1, 0));
    let done = log[0].lines.last().unwrap();
    assert_eq!((&*done.level, &*done.target), ("INFO", "repo_to_cat::worker"));
    assert!(done.message.starts_with("done ") && done.message.contains("/repo"), "{}", done.message);

    // The log is written after the outcome is counted.
    let counted = samples(&service.address());
    for (name, count) in [
        ("repo_to_cat_attempts_total{kind=\"generation\",ending=\"completed\"}", "1"),
        ("repo_to_cat_attempts_total{kind=\"generation\",ending=\"refused\"}", "0"),
        ("repo_to_cat_job_wait_seconds_count{kind=\"generation\"}", "1"),
        ("repo_to_cat_job_run_seconds_count{kind=\"generation\"}", "1"),
        ("repo_to_cat_commit_attempts_sum", "1"),
        ("repo_to_cat_claim_jobs_sum", "1"),
        ("repo_to_cat_lost_logs_total", "0"),
    ] {
        assert_eq!(counted[name], count, "{name}");
    }
    let (_, said) = service.stop(Signal::TERM);
    assert!(!said.contains("done "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_belongs_to_the_trace_of_who_enqueued_it() {
    let (shell, database) = shell().await;
    let by_flag = enqueued(&mut shell.command(&["--json", "enqueue", "repo", "--traceparent", PARENT]));
    let by_variable = enqueued(shell.command(&["--json", "enqueue", "repo"]).env("TRACEPARENT", PARENT));
    let by_nobody = enqueued(shell.command(&["--json", "enqueue", "repo"]).env("TRACEPARENT", "nonsense"));
    assert_eq!(traceparent(&database, by_flag).await.as_deref(), Some(PARENT));
    assert_eq!(traceparent(&database, by_variable).await.as_deref(), Some(PARENT));
    assert_eq!(traceparent(&database, by_nobody).await, None);

    let mut command = shell.command(&["run", "--only", "worker"]);
    command.env("REPO_TO_CAT_LOG__FORMAT", "json");
    let service = Service::start_when(command, "\"ready\"");
    for id in [by_flag, by_variable, by_nobody] {
        kept(&database, id).await;
        assert!(traceparent(&database, id).await.is_some() == (id != by_nobody), "history keeps it");
    }
    let (_, said) = service.stop(Signal::TERM);
    let ends: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["message"] == "the attempt ended")
        .collect();
    let mut spans: Vec<&str> = Vec::new();
    for end in &ends {
        let span = &end["span"];
        assert_eq!((&span["trace_id"], &span["parent_id"]), (&TRACE.into(), &"00f067aa0ba902b7".into()), "{end}");
        assert!(end["seconds"].as_f64().unwrap() > 0.0);
        spans.push(span["span_id"].as_str().unwrap());
    }
    assert_eq!(ends.len(), 2, "{said}");
    assert_ne!(spans[0], spans[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_s_trace_is_its_job_s() {
    let (shell, database) = shell().await;
    let service = shell.service("http");
    let ask = |headers: &str| {
        let (head, body) = super::metrics::ask(
            &service.address(),
            &format!("POST /v1/generations HTTP/1.1\r\ncontent-type: application/json{headers}"),
            r#"{"github_url": "https://github.com/owner/name"}"#,
        );
        assert!(head.starts_with("http/1.1 202"), "{head}{body}");
        let job: Value = serde_json::from_str(&body).unwrap();
        job["id"].as_str().unwrap().parse::<Uuid>().unwrap()
    };
    let traced = ask(&format!("\r\ntraceparent: {PARENT}"));
    let untraced = [
        ask(""),
        ask("\r\ntraceparent: 00-nonsense"),
        ask(&format!("\r\ntraceparent: {PARENT}\r\ntraceparent: {PARENT}")),
    ];
    assert_eq!(traceparent(&database, traced).await.as_deref(), Some(PARENT));
    for job in untraced {
        assert_eq!(traceparent(&database, job).await, None);
    }
}
