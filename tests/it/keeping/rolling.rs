//! Programs of two versions side by side, as while a new one is rolled out.

use std::path::{Path, PathBuf};
use std::process::Command;

use repo_to_cat::model::job::{JobKind, NewJob};
use repo_to_cat::queue::enqueue::enqueue_all;
use rustix::process::Signal;
use serde_json::json;

use super::yard::Yard;
use crate::fetch::fixture::git;
use crate::support::cli::{Service, Shell};
use crate::support::gate::eventually;
use crate::support::repository;

/// What a newer program may do to the schema while this one runs on: it adds.
const ADDITIVE: &str = "
ALTER TABLE queue.jobs ADD COLUMN mood text;
ALTER TABLE queue.history ADD COLUMN mood text;
CREATE INDEX jobs_mood ON queue.jobs (mood) WHERE mood IS NOT NULL;
ALTER DOMAIN queue.job_kind DROP CONSTRAINT job_kind_check;
ALTER DOMAIN queue.job_kind ADD CONSTRAINT job_kind_check CHECK (VALUE ~ '^[a-z]+$');
INSERT INTO queue.jobs (id, lane, kind, payload) VALUES (gen_random_uuid(), queue.lane('novelty', NULL, NULL), 'novelty', '{}');
INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
VALUES (9999, 'mood', true, '\\x00', 1);
";

/// What it may not do unseen.
const DESTRUCTIVE: &str = "
CREATE OR REPLACE FUNCTION queue.oldest_program() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 9999';
";

async fn count(yard: &Yard, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&yard.pool).await.unwrap()
}

#[tokio::test]
async fn an_old_program_works_on_a_new_schema() {
    let yard = Yard::make().await;
    let shell = Shell::on(&yard.url);
    repository::make(&shell.path("cats"));
    // It works already when the schema changes under it: what it has prepared must go on, too.
    let service = shell.service("worker");
    let cats = shell.path("cats").display().to_string();
    shell.succeeds(&["enqueue", &cats, "--ref", "rust", "--wait"]);
    yard.run(ADDITIVE).await;
    shell.succeeds(&["enqueue", &cats, "--ref", "go", "--wait"]);

    let id = shell.enqueue(&[&cats, "--ref", "late"])[0].clone();
    let discarded = "SELECT count(*) FROM queue.history WHERE state = 'discarded'";
    eventually("a job without its branch to be discarded", async || count(&yard, discarded).await == 1).await;
    git(&shell.path("cats"), &["branch", "late", "python"]);
    shell.succeeds(&["jobs", "retry", &id]);
    let completed = "SELECT count(*) FROM queue.history WHERE state = 'completed'";
    eventually("the job to be completed", async || count(&yard, completed).await == 3).await;

    let probe = NewJob::new(JobKind::Probe, json!({"sleep_ms": 600_000}));
    let probe = enqueue_all(&yard.db, &[probe]).await.unwrap()[0].id;
    let running = "SELECT count(*) FROM queue.jobs WHERE state = 'running'";
    eventually("the probe to run", async || count(&yard, running).await == 1).await;
    let (status, log) = service.stop(Signal::TERM);
    assert!(status.success(), "{log}");
    let handed_back = "SELECT outcome FROM queue.attempts WHERE job_id = $1";
    let handed_back: String = sqlx::query_scalar(handed_back).bind(probe).fetch_one(&yard.pool).await.unwrap();
    assert_eq!(handed_back, "handed_back");
    let novelty = "SELECT count(*) FROM queue.jobs WHERE kind = 'novelty' AND state = 'available' AND claims = 0";
    assert_eq!(count(&yard, novelty).await, 1, "a kind that it does not know is left to those who do");

    // Started anew it says that it is the older one, and leaves the schema alone.
    let (_, log) = shell.service("worker").stop(Signal::TERM);
    assert_eq!(log.matches("a newer program migrated the database").count(), 1, "{log}");
    let up = shell.json(&["migrate", "up"]);
    assert_eq!((&up["current"], &up["applied"]), (&json!(9999), &json!([])));
    shell.succeeds(&["jobs", "cancel", &probe.to_string()]);
    shell.succeeds(&["prune"]);
}

#[tokio::test]
async fn an_old_program_is_refused_where_the_schema_serves_it_no_more() {
    let yard = Yard::make().await;
    let shell = Shell::on(&yard.url);
    yard.run(format!("{ADDITIVE}{DESTRUCTIVE}")).await;
    for verb in [["jobs", "list"].as_slice(), &["migrate", "up"], &["run"], &["enqueue", "https://github.com/a/b"]] {
        let told = shell.fails(6, verb);
        assert!(told.contains("programs before migration 9999 cannot work on"), "{told}");
        assert!(told.contains("hint: a newer program migrated it"), "{told}");
    }
}

/// `TEST_LARGE=1`: the oldest program that the schema says it serves, built from its commit, and this one drain a queue.
#[tokio::test]
async fn the_oldest_program_that_is_served_and_this_one_share_a_queue() {
    const JOBS: i64 = 20_000;
    if std::env::var_os("TEST_LARGE").is_none() {
        return;
    }
    let yard = Yard::make().await;
    let oldest: i64 = count(&yard, "SELECT queue.oldest_program()::bigint").await;
    let Some(commit) = oldest_commit(oldest) else {
        println!("skipped: there is no git history with an older program that this schema serves");
        return;
    };
    let old = built(&commit);
    let probe = NewJob::new(JobKind::Probe, json!({"sleep_ms": 20}));
    enqueue_all(&yard.db, &vec![probe; usize::try_from(JOBS).unwrap()]).await.unwrap();
    let shell = Shell::on(&yard.url);
    let of_old = {
        let ours = shell.command(&["run", "--only", "worker"]);
        let mut command = Command::new(old);
        command.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(shell.folder()).args(ours.get_args());
        command
    };
    let slow = |mut command: Command| {
        // So few at once that both come to some.
        Service::start({
            command.env("REPO_TO_CAT_WORKER__LIGHT_SLOTS", "50");
            command
        })
    };
    let services = [slow(of_old), slow(shell.command(&["run", "--only", "worker"]))];
    let completed = "SELECT count(*) FROM queue.history WHERE state = 'completed' AND attempts = 0 AND claims = 1";
    eventually("all to be completed", async || count(&yard, completed).await == JOBS).await;
    for service in services {
        let (status, log) = service.stop(Signal::TERM);
        assert!(status.success(), "{log}");
    }
    assert_eq!(count(&yard, "SELECT count(DISTINCT worker_id) FROM queue.history").await, 2, "both came to some");
    assert_eq!(count(&yard, "SELECT count(*) FROM queue.jobs").await, 0);
}

/// What git says of this checkout; nothing where it is none.
fn ask(arguments: &[&str]) -> Option<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The oldest commit, but not this one, that has a migration, and of whose migrations none was edited since.
fn oldest_commit(migration: i64) -> Option<String> {
    let head = ask(&["rev-parse", "HEAD"])?;
    let path = format!("migrations/{migration:04}_*.up.sql");
    let first = ask(&["log", "--first-parent", "--reverse", "--format=%H", "--", &path])?.lines().next()?.to_owned();
    let since = ask(&["log", "--first-parent", "--reverse", "--format=%H", &format!("{first}^..HEAD")])?;
    let is_served = |commit: &&str| {
        let edited = ask(&["diff", "--name-only", "--diff-filter=MDR", commit, "HEAD", "--", "migrations"]);
        *commit != head && edited.is_some_and(|edited| edited.is_empty())
    };
    since.lines().find(is_served).map(str::to_owned)
}

/// The program of a commit.
fn built(commit: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/previous");
    let checkout = folder.join(commit);
    if !checkout.exists() {
        ask(&["worktree", "prune"]);
        ask(&["worktree", "add", "--detach", &checkout.display().to_string(), commit])
            .expect("a worktree of the commit");
    }
    // Its own target folder, or its program would take the place of this one's.
    let target = folder.join("target");
    let build = ["build", "--locked", "--quiet"];
    let status =
        Command::new(env!("CARGO")).args(build).current_dir(&checkout).env("CARGO_TARGET_DIR", &target).status();
    assert!(status.unwrap().success(), "commit {commit} cannot be built");
    target.join("debug/repo-to-cat")
}
