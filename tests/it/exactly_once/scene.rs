//! A scene: a database with a gate, a worker behind a wire, and jobs, one a moment.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use repo_to_cat::model::job::{GenerationRequest, JobKind, NewJob};
use repo_to_cat::model::progress::Step;
use repo_to_cat::queue::enqueue::enqueue;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::account;
use super::moment::{Blow, Fate, Moment, Place};
use crate::support::gate::{Gate, eventually};
use crate::support::postgres::temporary_folder;
use crate::support::proxy::Proxy;
use crate::support::repository::BRANCHES;
use crate::support::worker::{Setup, Worker};

/// One stage of the campaign.
pub struct Scene {
    runtime: Runtime,
    url: String,
    proxy: Proxy,
    gate: Gate,
    worker: Option<Worker>,
    folder: TempDir,
    repositories: PathBuf,
    /// Workers here are given this long to stop: none, or enough.
    grace: &'static str,
    jobs: Vec<Uuid>,
}

impl Scene {
    /// Sets a scene in a database that has the gate. Every second stage has workers without grace.
    pub fn set(url: &str, repositories: &Path, stage: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let gate = runtime.block_on(async { Gate::of(url) });
        Self {
            runtime,
            url: url.to_owned(),
            proxy: Proxy::to(url),
            gate,
            worker: None,
            folder: temporary_folder(),
            repositories: repositories.to_owned(),
            grace: if stage.is_multiple_of(2) { "0" } else { "60" },
            jobs: Vec::new(),
        }
    }

    /// What the worker said last.
    pub fn log(&self) -> String {
        self.worker.as_ref().map(Worker::log).unwrap_or_default()
    }

    fn start_worker(&self) -> Worker {
        Worker::start(&Setup {
            url: self.proxy.url(),
            folder: self.folder.path(),
            repositories: &self.repositories,
            // What a lost answer brought is given back after two leases, so the lease is shorter than that of other tests.
            settings: &[
                ("WORKER__GRACE_SECONDS", self.grace),
                ("WORKER__LEASE_SECONDS", "8"),
                ("DATABASE__CONNECT_SECONDS", "60"),
            ],
        })
    }

    /// Plays one moment and checks what came of its job.
    pub fn play(&mut self, moment: &Moment, mut hit_server: impl FnMut(Blow)) {
        let mut worker = self.worker.take().unwrap_or_else(|| self.start_worker());
        self.worker_holds_a_lease(&worker);
        if let Some(place) = gate_of(moment.place) {
            self.runtime.block_on(self.gate.close_at(&place));
        }
        let id = self.enqueue(moment.repository);
        self.jobs.push(id);
        let session = self.arrive(moment, id);
        thread::sleep(moment.delay);
        self.worker = Some(match moment.blow {
            Blow::Kill(fate) => {
                worker.kill();
                self.take_over(&worker, fate, session)
            }
            Blow::Freeze(fate) => {
                worker.signal(Signal::STOP);
                let other = self.take_over(&worker, fate, session);
                self.completed(id);
                worker.signal(Signal::CONT);
                self.worker_holds_a_lease(&worker);
                worker.signal(Signal::TERM);
                dismissed(&mut worker);
                other
            }
            Blow::Cut => {
                self.runtime.block_on(self.gate.cut_all());
                self.runtime.block_on(self.gate.open());
                worker
            }
            Blow::LoseAnswer => {
                self.lose_answer(moment.place, id);
                worker
            }
            Blow::Stop => {
                worker.signal(Signal::TERM);
                thread::sleep(moment.delay);
                self.runtime.block_on(self.gate.open());
                dismissed(&mut worker);
                self.start_worker()
            }
            Blow::Crash | Blow::Restart => {
                hit_server(moment.blow);
                self.runtime.block_on(self.gate.open());
                worker
            }
        });
        self.completed(id);
        let claims = self.runtime.block_on(account::of_job(&self.gate.pool, id));
        assert!(moment.claims().contains(&claims), "claimed {claims} times, not {:?}", moment.claims());
    }

    /// Counts everything, once nothing is left to be done.
    pub fn close(mut self) {
        if let Some(mut worker) = self.worker.take() {
            // One that was started a moment ago may not hear signals yet.
            self.registered(&worker);
            worker.signal(Signal::TERM);
            dismissed(&mut worker);
        }
        self.runtime.block_on(account::of_all(&self.url, &self.gate.pool, &self.jobs, self.folder.path()));
    }

    fn enqueue(&self, repository: usize) -> Uuid {
        let request = GenerationRequest {
            github_url: format!("file://{}", self.repositories.join("cats").display()),
            reference: Some(BRANCHES[repository % BRANCHES.len()].to_owned()),
            webhook_url: None,
        };
        let payload = serde_json::to_value(request).unwrap();
        let job = NewJob { max_attempts: 1, ..NewJob::new(JobKind::Generation, payload) };
        self.runtime.block_on(async {
            let mut connection = self.gate.pool.acquire().await.unwrap();
            enqueue(&mut *connection, &job).await.unwrap().id
        })
    }

    /// Waits until the job is at the moment's place; the session that was caught there.
    fn arrive(&mut self, moment: &Moment, id: Uuid) -> Option<i32> {
        match moment.place {
            Place::Inside(step) => {
                self.runtime.block_on(has_begun(&self.gate, id, step));
                None
            }
            _ => Some(self.runtime.block_on(self.gate.caught())),
        }
    }

    /// Another worker takes over from one that is dead or frozen, whose lease lapses now.
    fn take_over(&mut self, from: &Worker, fate: Fate, session: Option<i32>) -> Worker {
        self.runtime.block_on(async {
            match (fate, session) {
                (Fate::Commits, _) => {
                    self.gate.open().await;
                    eventually("the statement to end", async || self.gate.waiting().await.is_none()).await;
                }
                (Fate::Aborts, Some(session)) => {
                    self.gate.terminate(session).await;
                    self.gate.open().await;
                }
                (Fate::Aborts | Fate::CommitsLate, _) => {}
            }
            sqlx::query("UPDATE queue.workers SET lease_until = '-infinity' WHERE name LIKE $1")
                .bind(format!("%:{}", from.pid()))
                .execute(&self.gate.pool)
                .await
                .unwrap();
        });
        let other = self.start_worker();
        if fate == Fate::CommitsLate {
            self.worker_holds_a_lease(&other);
            // Time for a rescue. Too short a time makes the moment an easier one, never a wrong one.
            thread::sleep(Duration::from_millis(200));
        }
        self.runtime.block_on(self.gate.open());
        other
    }

    /// The statement is committed, its answer swallowed, and then the connections are cut.
    fn lose_answer(&mut self, place: Place, id: Uuid) {
        self.proxy.mute();
        self.runtime.block_on(async {
            self.gate.open().await;
            eventually("the statement to end", async || {
                let busy: bool = sqlx::query_scalar(
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'repo-to-cat'
                       AND datname = current_database() AND state <> 'idle')",
                )
                .fetch_one(&self.gate.pool)
                .await
                .unwrap();
                !busy
            })
            .await;
            if place == Place::Claim {
                // Who has waited for the answer that long will not get it any more.
                sqlx::query("UPDATE queue.jobs SET started_at = started_at - interval '1 hour' WHERE id = $1")
                    .bind(id)
                    .execute(&self.gate.pool)
                    .await
                    .unwrap();
            }
        });
        self.proxy.cut();
    }

    fn worker_holds_a_lease(&self, worker: &Worker) {
        let name = format!("%:{}", worker.pid());
        self.runtime.block_on(eventually("a worker to hold a lease", async || {
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM queue.workers WHERE name LIKE $1 AND lease_until > now())")
                .bind(&name)
                .fetch_one(&self.gate.pool)
                .await
                .unwrap()
        }));
    }

    fn registered(&self, worker: &Worker) {
        self.runtime.block_on(eventually("the worker to register", async || {
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM queue.workers WHERE name LIKE '%:' || $1)")
                .bind(worker.pid().to_string())
                .fetch_one(&self.gate.pool)
                .await
                .unwrap()
        }));
    }

    fn completed(&self, id: Uuid) {
        self.runtime.block_on(eventually("the job to end", async || {
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM queue.history WHERE id = $1)")
                .bind(id)
                .fetch_one(&self.gate.pool)
                .await
                .unwrap()
        }));
    }
}

/// Waits for the end of a worker that was asked to stop.
fn dismissed(worker: &mut Worker) {
    let status = worker.wait();
    assert!(status.success(), "a graceful stop ended with {status}\n{}", worker.log());
}

/// The gate's name of a place.
fn gate_of(place: Place) -> Option<String> {
    Some(match place {
        Place::Claim => "claim".to_owned(),
        Place::Begin(step) => format!("begin {}", step.name()),
        Place::Remove => "remove".to_owned(),
        Place::Result => "result".to_owned(),
        Place::History => "history".to_owned(),
        Place::Commit => "commit".to_owned(),
        Place::Inside(_) => return None,
    })
}

/// Waits until the step has begun, or the job is past it.
async fn has_begun(gate: &Gate, id: Uuid, step: Step) {
    eventually("a step to begin", async || {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM queue.steps WHERE job_id = $1 AND step = $2)
                 OR EXISTS (SELECT FROM queue.history WHERE id = $1)",
        )
        .bind(id)
        .bind(step.name())
        .fetch_one(&gate.pool)
        .await
        .unwrap()
    })
    .await;
}
