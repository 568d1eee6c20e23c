//! The real program as a worker, asked to stop.

use std::time::Duration;

use repo_to_cat::db::{generations, inspect};
use repo_to_cat::model::job::{GenerationRequest, NewJob};
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::schedule::upkeep::sweep;
use rustix::process::Signal;
use tempfile::TempDir;
use uuid::Uuid;

use super::bed::{Bed, plain_job};
use crate::support::gate::eventually;
use crate::support::postgres::{temporary_folder, wait_until};
use crate::support::repository;
use crate::support::worker::{Setup, Worker};

/// A worker whose one job is caught at a place.
struct Caught {
    bed: Bed,
    worker: Worker,
    id: Uuid,
    folder: TempDir,
}

async fn caught_at(place: &str, settings: &[(&str, &str)]) -> Caught {
    let mut bed = Bed::make().await;
    let folder = temporary_folder();
    let repositories = folder.path().join("repositories");
    repository::make(&repositories.join("cats"));
    let request = GenerationRequest {
        github_url: format!("file://{}", repositories.join("cats").display()),
        reference: Some("rust".into()),
        webhook_url: None,
    };
    bed.gate.close_at(place).await;
    let id = bed.enqueue(NewJob { payload: serde_json::to_value(request).unwrap(), ..plain_job() }).await;
    let worker = Worker::start(&Setup { url: &bed.url, folder: folder.path(), repositories: &repositories, settings });
    bed.gate.caught().await;
    Caught { bed, worker, id, folder }
}

impl Caught {
    /// Asks it to stop, and waits until it has understood.
    fn terminate(&self) {
        self.worker.signal(Signal::TERM);
        wait_until("the worker to stop claiming", || self.worker.log().contains("stopping"));
    }
}

#[tokio::test]
async fn a_graceful_stop_finishes_what_runs() {
    let mut caught = caught_at("begin paint", &[("WORKER__GRACE_SECONDS", "60")]).await;
    let waiting = caught.bed.enqueue(plain_job()).await;
    caught.terminate();
    caught.bed.gate.open().await;
    assert!(caught.worker.wait().success(), "{}", caught.worker.log());
    assert_eq!(caught.bed.state(caught.id).await, "completed");
    assert!(caught.bed.state(waiting).await != "running", "nothing is left in between");
    assert_eq!(caught.bed.rows("queue.workers").await, 0);
}

#[tokio::test]
async fn a_graceful_stop_without_grace_hands_back_what_runs() {
    let mut caught = caught_at("begin paint", &[("WORKER__GRACE_SECONDS", "0")]).await;
    caught.terminate();
    caught.bed.gate.open().await;
    assert!(caught.worker.wait().success(), "{}", caught.worker.log());
    assert_eq!(caught.bed.state(caught.id).await, "available");
    assert_eq!(caught.bed.endings(caught.id).await, ["handed_back"]);
    let row = inspect::job(&caught.bed.db, caught.id).await.unwrap();
    assert_eq!((row.attempts, row.deaths), (0, 0), "what a deploy interrupts is no attempt");
    assert_eq!(caught.bed.rows("queue.workers").await, 0);
}

#[tokio::test]
async fn a_claim_that_is_under_way_at_a_stop_is_handed_back() {
    let mut caught = caught_at("claim", &[("WORKER__GRACE_SECONDS", "0")]).await;
    caught.terminate();
    caught.bed.gate.open().await;
    assert!(caught.worker.wait().success(), "{}", caught.worker.log());
    assert_eq!(caught.bed.state(caught.id).await, "available");
    assert_eq!(caught.bed.endings(caught.id).await, ["handed_back"]);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever_for_an_answer() {
    let settings = [("WORKER__GRACE_SECONDS", "0"), ("WORKER__LEASE_SECONDS", "3")];
    let mut caught = caught_at("commit", &settings).await;
    caught.terminate();
    assert!(caught.worker.wait().success(), "{}", caught.worker.log());
    // Nobody waits for it any more, and still it counts.
    caught.bed.gate.open().await;
    eventually("the commit", async || caught.bed.state(caught.id).await == "completed").await;
    assert_eq!(caught.bed.rows("public.generations").await, 1);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut caught = caught_at("begin paint", &[("WORKER__GRACE_SECONDS", "3600")]).await;
    caught.terminate();
    caught.worker.signal(Signal::TERM);
    assert_eq!(caught.worker.wait().code(), Some(130));
    assert_eq!(caught.bed.state(caught.id).await, "running", "the lease sees to it");
    caught.bed.gate.open().await;
}

#[tokio::test]
async fn pictures_are_there_before_the_row_that_names_them() {
    let mut caught = caught_at("result", &[]).await;
    let pictures = Pictures::open(&caught.folder.path().join("pictures")).unwrap();
    let there = pictures.older_than(Duration::ZERO).await.unwrap();
    assert_eq!(there.len(), 2, "with and without caption: {there:?}");
    let swept = sweep(&caught.bed.db, &pictures, Duration::from_mins(30)).await.unwrap();
    assert_eq!(swept, 0, "no sweep takes them away in between");
    caught.bed.gate.open().await;
    eventually("the commit", async || caught.bed.state(caught.id).await == "completed").await;
    let row = generations::get(&caught.bed.db, caught.id).await.unwrap().unwrap();
    let named = [row.image_path.unwrap(), row.original_image_path.unwrap()];
    assert!(named.iter().all(|key| there.contains(key)), "{named:?}");
    assert_eq!(sweep(&caught.bed.db, &pictures, Duration::ZERO).await.unwrap(), 0, "they are named");
    generations::delete(&caught.bed.db, caught.id).await.unwrap();
    assert_eq!(sweep(&caught.bed.db, &pictures, Duration::ZERO).await.unwrap(), 2, "nothing names them any more");
}
