//! Random histories of the queue against a model that fits on a page.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use repo_to_cat::db::workers::Heartbeat;
use repo_to_cat::db::{inspect, jobs};
use repo_to_cat::model::job::{ClaimedJob, JobState, NewJob};
use repo_to_cat::queue::enqueue::enqueue_all;
use uuid::Uuid;

use super::bed::{Bed, LONG, plain_job};

const MAX_DEATHS: i32 = 3;

/// What may happen. Numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Event {
    Enqueue { key: Option<u8> },
    Register { worker: usize },
    Lapse { worker: usize },
    Heartbeat { worker: usize },
    Rescue,
    Claim { worker: usize, limit: usize },
    Complete { claim: usize },
    RetryLater { claim: usize },
    Discard { claim: usize },
    HandBack { claim: usize },
    Cancel { job: usize },
    Retry { job: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let many = 0..1000_usize;
    prop_oneof![
        4 => prop::option::of(0..3_u8).prop_map(|key| Event::Enqueue { key }),
        1 => (0..3_usize).prop_map(|worker| Event::Register { worker }),
        1 => (0..3_usize).prop_map(|worker| Event::Lapse { worker }),
        2 => (0..3_usize).prop_map(|worker| Event::Heartbeat { worker }),
        2 => Just(Event::Rescue),
        5 => ((0..3_usize), 1..4_usize).prop_map(|(worker, limit)| Event::Claim { worker, limit }),
        2 => many.clone().prop_map(|claim| Event::Complete { claim }),
        1 => many.clone().prop_map(|claim| Event::RetryLater { claim }),
        1 => many.clone().prop_map(|claim| Event::Discard { claim }),
        1 => many.clone().prop_map(|claim| Event::HandBack { claim }),
        1 => many.clone().prop_map(|job| Event::Cancel { job }),
        2 => many.prop_map(|job| Event::Retry { job }),
    ]
}

#[derive(Debug, Clone, PartialEq)]
struct Job {
    id: Uuid,
    key: Option<u8>,
    state: JobState,
    claims: i32,
    attempts: i16,
    deaths: i16,
    worker: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Hold {
    None,
    Good,
    Lapsed,
}

/// The model: what the queue should hold.
struct Model {
    bed: Bed,
    jobs: Vec<Job>,
    workers: [(Uuid, Hold); 3],
    /// Every claim ever made, with its worker: most are stale.
    claims: Vec<(usize, ClaimedJob)>,
}

impl Model {
    async fn new() -> Self {
        let workers = [(); 3].map(|()| (Uuid::now_v7(), Hold::None));
        Self { bed: Bed::make().await, jobs: Vec::new(), workers, claims: Vec::new() }
    }

    async fn happen(&mut self, event: Event) {
        let before: Vec<_> = self.jobs.iter().map(|job| job.state).collect();
        match event {
            Event::Enqueue { key } => self.enqueue(key).await,
            Event::Register { worker } => {
                self.bed.register(self.workers[worker].0).await;
                self.workers[worker].1 = Hold::Good;
            }
            Event::Lapse { worker } => {
                self.bed.lapse(self.workers[worker].0).await;
                if self.workers[worker].1 == Hold::Good {
                    self.workers[worker].1 = Hold::Lapsed;
                }
            }
            Event::Heartbeat { worker } => self.heartbeat(worker).await,
            Event::Rescue => self.rescue().await,
            Event::Claim { worker, limit } => self.claim(worker, limit).await,
            Event::Complete { claim } => {
                let Some((job, held)) = self.held(claim) else { return };
                let mine = self.bed.complete(&held).await;
                self.ended(job, held.claim, JobState::Completed, mine);
            }
            Event::RetryLater { claim } => {
                let Some((job, held)) = self.held(claim) else { return };
                let mine = self.bed.retry_later(&held, LONG).await;
                if let Some(job) = self.ended(job, held.claim, JobState::Scheduled, mine) {
                    job.attempts += 1;
                }
            }
            Event::Discard { claim } => {
                let Some((job, held)) = self.held(claim) else { return };
                let mine = self.bed.discard(&held).await;
                if let Some(job) = self.ended(job, held.claim, JobState::Discarded, mine) {
                    job.attempts += 1;
                }
            }
            Event::HandBack { claim } => {
                let Some((job, held)) = self.held(claim) else { return };
                let mine = self.bed.hand_back(&held).await;
                self.ended(job, held.claim, JobState::Available, mine);
            }
            Event::Cancel { job } => self.cancel(job).await,
            Event::Retry { job } => self.retry(job).await,
        }
        for (was, job) in before.into_iter().zip(&self.jobs) {
            assert!(was == job.state || was.may_become(job.state), "{was} became {} by {event:?}", job.state);
        }
        self.compare(event).await;
    }

    async fn enqueue(&mut self, key: Option<u8>) {
        let new = NewJob { unique_key: key.map(|key| format!("key {key}")), ..plain_job() };
        let enqueued = enqueue_all(&self.bed.db, &[new]).await.unwrap()[0];
        let holder = self.jobs.iter().find(|job| key.is_some() && job.key == key && holds_key(job));
        assert_eq!(enqueued.is_new, holder.is_none());
        match holder {
            Some(holder) => assert_eq!(enqueued.id, holder.id),
            None => self.jobs.push(Job {
                id: enqueued.id,
                key,
                state: JobState::Available,
                claims: 0,
                attempts: 0,
                deaths: 0,
                worker: None,
            }),
        }
    }

    async fn heartbeat(&mut self, worker: usize) {
        let (id, hold) = self.workers[worker];
        let claims = self.claims.iter().filter(|(of, _)| *of == worker);
        let claims: Vec<_> = claims.map(|(_, job)| job).collect();
        let found = self.bed.beat(id, &claims).await;
        if hold == Hold::None {
            assert_eq!(found, Heartbeat::Lapsed);
            return;
        }
        let own = |held: &ClaimedJob| {
            self.jobs.iter().any(|job| job.id == held.id && job.claims == held.claim && job.worker == Some(worker))
        };
        let mut lost: Vec<_> = claims.iter().filter(|held| !own(held)).map(|held| held.id).collect();
        let Heartbeat::Renewed { lost: mut named } = found else { panic!("{found:?}") };
        lost.sort();
        named.sort();
        assert_eq!(named, lost);
        self.workers[worker].1 = Hold::Good;
    }

    async fn rescue(&mut self) {
        for (_, hold) in &mut self.workers {
            if *hold == Hold::Lapsed {
                *hold = Hold::None;
            }
        }
        let (mut freed, mut quarantined) = (0, 0);
        for job in &mut self.jobs {
            if job.worker.is_some_and(|worker| self.workers[worker].1 == Hold::None) {
                job.worker = None;
                job.deaths += 1;
                let many = i32::from(job.deaths) >= MAX_DEATHS;
                job.state = if many { JobState::Discarded } else { JobState::Available };
                *(if many { &mut quarantined } else { &mut freed }) += 1;
            }
        }
        assert_eq!(self.bed.rescue(MAX_DEATHS).await, (freed, quarantined));
    }

    async fn claim(&mut self, worker: usize, limit: usize) {
        let (id, hold) = self.workers[worker];
        let claimed = self.bed.claim_up_to(id, limit).await;
        let there = self.jobs.iter().filter(|job| job.state == JobState::Available).count();
        let expected = if hold == Hold::Good { there.min(limit) } else { 0 };
        assert_eq!(claimed.len(), expected);
        for held in claimed {
            let job = self.jobs.iter_mut().find(|job| job.id == held.id).unwrap();
            assert_eq!(job.state, JobState::Available);
            job.state = JobState::Running;
            job.claims += 1;
            job.worker = Some(worker);
            assert_eq!((held.claim, held.attempts), (job.claims, job.attempts));
            self.claims.push((worker, held));
        }
    }

    /// A claim out of all that were ever made, and its job.
    fn held(&self, chosen: usize) -> Option<(usize, ClaimedJob)> {
        // The later ones more often: they are more often still good.
        let (_, held) = self.claims.iter().rev().nth((chosen * chosen / 1000) % self.claims.len().max(1))?;
        Some((self.jobs.iter().position(|job| job.id == held.id)?, held.clone()))
    }

    /// Notes an outcome that the fence let through, or must have refused.
    fn ended(&mut self, job: usize, claim: i32, state: JobState, accepted: bool) -> Option<&mut Job> {
        let job = &mut self.jobs[job];
        // Two workers never hold the same claim, so the claim's number tells.
        let good = job.state == JobState::Running && job.claims == claim;
        assert_eq!(accepted, good, "accepted, and should have been");
        if !accepted {
            return None;
        }
        job.state = state;
        job.worker = None;
        Some(job)
    }

    async fn cancel(&mut self, chosen: usize) {
        let count = self.jobs.len().max(1);
        let Some(job) = self.jobs.get_mut(chosen % count) else { return };
        let done = jobs::cancel(&self.bed.db, job.id).await.is_ok();
        assert_eq!(done, !job.state.is_final());
        if done {
            job.state = JobState::Cancelled;
            job.worker = None;
        }
    }

    async fn retry(&mut self, chosen: usize) {
        let count = self.jobs.len().max(1);
        let Some(job) = self.jobs.get(chosen % count) else { return };
        let taken = job.key.is_some()
            && self.jobs.iter().any(|other| other.id != job.id && other.key == job.key && holds_key(other));
        let reopened = matches!(job.state, JobState::Discarded | JobState::Cancelled);
        let woken = matches!(job.state, JobState::Scheduled | JobState::Available);
        let done = jobs::retry(&self.bed.db, job.id).await.is_ok();
        assert_eq!(done, woken || (reopened && !taken));
        let job = &mut self.jobs[chosen % count];
        if done {
            job.state = JobState::Available;
            if reopened {
                (job.attempts, job.deaths) = (0, 0);
            }
        }
    }

    /// The database says what the model says.
    async fn compare(&self, event: Event) {
        for job in &self.jobs {
            let row = inspect::job(&self.bed.db, job.id).await.unwrap();
            let found = (row.state().unwrap(), row.claims, row.attempts, row.deaths);
            assert_eq!(found, (job.state, job.claims, job.attempts, job.deaths), "after {event:?}");
        }
        let count = |wanted: JobState| self.jobs.iter().filter(|job| job.state == wanted).count();
        assert_eq!(self.bed.rows("public.generations").await, count(JobState::Completed));
        let live = self.jobs.iter().filter(|job| !job.state.is_final()).count();
        assert_eq!(self.bed.rows("queue.jobs").await, live);
        assert_eq!(self.bed.rows("queue.history").await, self.jobs.len() - live);
    }
}

fn holds_key(job: &Job) -> bool {
    !matches!(job.state, JobState::Discarded | JobState::Cancelled)
}

#[test]
fn the_queue_does_what_its_model_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = if std::env::var_os("TEST_LARGE").is_some() { 200 } else { 16 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 50, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(event(), 20..60), |events| {
            runtime.block_on(async {
                let mut model = Model::new().await;
                for event in events {
                    model.happen(event).await;
                }
            });
            Ok(())
        })
        .unwrap();
}
