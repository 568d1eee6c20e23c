//! What the queue should hold after anything that may happen to it.

use std::collections::HashMap;

use repo_to_cat::db::outcomes::{End, PutBack};
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::db::workers::Heartbeat;
use repo_to_cat::model::job::{ClaimedJob, JobState, NewJob, Start};
use repo_to_cat::model::unique::Unique;
use repo_to_cat::queue::enqueue::enqueue_all;
use uuid::Uuid;

use super::bed::{Bed, LONG, plain_job, probe};

const MAX_DEATHS: i32 = 3;
/// The kinds, by their numbers in events.
const KINDS: [&str; 2] = ["generation", "probe"];

/// What may happen. Numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    Enqueue {
        key: Option<u8>,
        kind: usize,
        user: u8,
        later: bool,
    },
    Register {
        worker: usize,
    },
    Lapse {
        worker: usize,
    },
    Heartbeat {
        worker: usize,
    },
    Rescue,
    Claim {
        worker: usize,
        limit: usize,
    },
    Complete {
        claim: usize,
    },
    RetryLater {
        claim: usize,
    },
    Snooze {
        claim: usize,
    },
    Park {
        claim: usize,
    },
    HandBack {
        claim: usize,
    },
    Discard {
        claim: usize,
    },
    /// Its handler finds that nobody wants it any more.
    Abandon {
        claim: usize,
    },
    /// A kind is paused or resumed.
    Steer {
        kind: usize,
        paused: bool,
    },
    /// The time of a scheduled job comes.
    Due {
        job: usize,
    },
    /// The deadline of a job passes.
    Expire {
        job: usize,
    },
    /// Somebody looks what time has brought.
    Pulse,
    Cancel {
        job: usize,
    },
    Retry {
        job: usize,
    },
}

#[derive(Debug, Clone)]
struct Job {
    id: Uuid,
    kind: usize,
    key: Option<u8>,
    state: JobState,
    claims: i32,
    attempts: i16,
    deaths: i16,
    worker: Option<usize>,
    is_due: bool,
    is_expired: bool,
    endings: Vec<&'static str>,
}

impl Job {
    fn holds(&self, kind: usize, key: Option<u8>) -> bool {
        key.is_some()
            && (self.kind, self.key) == (kind, key)
            && !matches!(self.state, JobState::Discarded | JobState::Cancelled)
    }

    fn end(&mut self, state: JobState, ending: &'static str) {
        (self.state, self.worker) = (state, None);
        self.endings.push(ending);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Hold {
    None,
    Good,
    Lapsed,
}

/// What the queue should hold, and the queue.
pub struct Model {
    bed: Bed,
    jobs: Vec<Job>,
    workers: [(Uuid, Hold); 3],
    paused: [bool; 2],
    /// Every claim ever made, with its worker: most are stale.
    claims: Vec<(usize, ClaimedJob)>,
}

/// A row as the database has it.
type Row = (Uuid, String, i32, i16, i16, Vec<String>);

impl Model {
    /// An empty queue.
    pub async fn new() -> Self {
        let workers = [(); 3].map(|()| (Uuid::now_v7(), Hold::None));
        Self { bed: Bed::make().await, jobs: Vec::new(), workers, paused: [false; 2], claims: Vec::new() }
    }

    /// Lets it happen to both, and compares them.
    pub async fn happen(&mut self, event: Event) {
        let before: Vec<_> = self.jobs.iter().map(|job| job.state).collect();
        match event {
            Event::Enqueue { key, kind, user, later } => self.enqueue(key, kind, user, later).await,
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
            Event::Complete { .. }
            | Event::RetryLater { .. }
            | Event::Snooze { .. }
            | Event::Park { .. }
            | Event::HandBack { .. }
            | Event::Discard { .. }
            | Event::Abandon { .. } => self.settle(event).await,
            Event::Steer { kind, paused } => {
                self.paused[kind] = paused;
                sqlx::query(
                    "INSERT INTO queue.kinds (kind, paused_at) VALUES ($1, CASE WHEN $2 THEN queue.now() END)
                     ON CONFLICT (kind) DO UPDATE SET paused_at = excluded.paused_at",
                )
                .bind(KINDS[kind])
                .bind(paused)
                .execute(&self.bed.gate.pool)
                .await
                .unwrap();
            }
            Event::Due { job } => {
                let due = "UPDATE queue.jobs SET run_at = queue.now(), due_at = queue.now()
                           WHERE id = $1 AND state = 'scheduled'";
                if let Some(job) = self.time_passes(job, due).await {
                    job.is_due = job.state == JobState::Scheduled;
                }
            }
            Event::Expire { job } => {
                let expire = "UPDATE queue.jobs SET deadline = queue.now() WHERE id = $1";
                if let Some(job) = self.time_passes(job, expire).await {
                    job.is_expired = !job.state.is_final();
                }
            }
            Event::Pulse => self.pulse().await,
            Event::Cancel { job } => self.cancel(job).await,
            Event::Retry { job } => self.retry(job).await,
        }
        for (was, job) in before.into_iter().zip(&self.jobs) {
            assert!(was == job.state || was.may_become(job.state), "{was} became {} by {event:?}", job.state);
        }
        self.compare(event).await;
    }

    async fn enqueue(&mut self, key: Option<u8>, kind: usize, user: u8, later: bool) {
        let new = NewJob {
            unique: key.map(|key| Unique::key(format!("key {key}"))),
            user_id: (user > 0).then(|| Uuid::from_u128(user.into())),
            start: if later { Start::After(LONG) } else { Start::Now },
            ..if kind == 0 { plain_job() } else { probe() }
        };
        let enqueued = enqueue_all(&self.bed.db, &[new]).await.unwrap()[0];
        let holder = self.jobs.iter().find(|job| job.holds(kind, key));
        assert_eq!(enqueued.is_new, holder.is_none());
        match holder {
            Some(holder) => assert_eq!(enqueued.id, holder.id),
            None => self.jobs.push(Job {
                id: enqueued.id,
                kind,
                key,
                state: if later { JobState::Scheduled } else { JobState::Available },
                claims: 0,
                attempts: 0,
                deaths: 0,
                worker: None,
                is_due: false,
                is_expired: false,
                endings: Vec::new(),
            }),
        }
    }

    async fn heartbeat(&mut self, worker: usize) {
        let (id, hold) = self.workers[worker];
        let claims: Vec<_> = self.claims.iter().filter(|(of, _)| *of == worker).map(|(_, job)| job).collect();
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
                job.deaths += 1;
                let many = i32::from(job.deaths) >= MAX_DEATHS;
                job.end(if many { JobState::Discarded } else { JobState::Available }, "worker_lost");
                *(if many { &mut quarantined } else { &mut freed }) += 1;
            }
        }
        assert_eq!(self.bed.rescue(MAX_DEATHS).await, (freed, quarantined));
    }

    async fn claim(&mut self, worker: usize, limit: usize) {
        let (id, hold) = self.workers[worker];
        let claimed = self.bed.claim_up_to(id, limit).await;
        let waits = |job: &&Job| job.state == JobState::Available && !job.is_expired && !self.paused[job.kind];
        let there = [0, 1].map(|kind| self.jobs.iter().filter(waits).filter(|job| job.kind == kind).count().min(limit));
        assert_eq!(claimed.len(), if hold == Hold::Good { there.iter().sum() } else { 0 });
        for held in claimed {
            let job = self.jobs.iter_mut().find(|job| job.id == held.id).unwrap();
            assert!(job.state == JobState::Available && !job.is_expired && !self.paused[job.kind], "{job:?}");
            job.state = JobState::Running;
            job.claims += 1;
            job.worker = Some(worker);
            assert_eq!((held.claim, held.attempts), (job.claims, job.attempts));
            self.claims.push((worker, held));
        }
    }

    /// An attempt ends, of any claim that was ever made. Only the last one of a job that runs may write.
    async fn settle(&mut self, event: Event) {
        let (Event::Complete { claim: chosen }
        | Event::RetryLater { claim: chosen }
        | Event::Snooze { claim: chosen }
        | Event::Park { claim: chosen }
        | Event::HandBack { claim: chosen }
        | Event::Discard { claim: chosen }
        | Event::Abandon { claim: chosen }) = event
        else {
            return;
        };
        // The later ones more often: they are more often still good.
        let place = (chosen * chosen / 1000) % self.claims.len().max(1);
        let Some((_, held)) = self.claims.iter().rev().nth(place) else { return };
        let bed = &self.bed;
        let (accepted, state, ending) = match event {
            Event::Complete { .. } => (bed.complete(held).await, JobState::Completed, None),
            Event::RetryLater { .. } => (bed.retry_later(held, LONG).await, JobState::Scheduled, Some("retried")),
            Event::Snooze { .. } => {
                (bed.put_back(held, PutBack::Snooze(LONG, "not now")).await, JobState::Scheduled, Some("snoozed"))
            }
            Event::Park { .. } => (bed.put_back(held, PutBack::Park("why")).await, JobState::Parked, Some("parked")),
            Event::HandBack { .. } => (bed.hand_back(held).await, JobState::Available, Some("handed_back")),
            Event::Discard { .. } => (bed.discard(held).await, JobState::Discarded, Some("discarded")),
            _ => (bed.end(held, End::Cancel("why")).await, JobState::Cancelled, Some("cancelled")),
        };
        let job = self.jobs.iter_mut().find(|job| job.id == held.id).unwrap();
        // Two workers never hold the same claim, so the claim's number tells.
        assert_eq!(accepted, job.state == JobState::Running && job.claims == held.claim, "accepted: {event:?}");
        if accepted {
            (job.state, job.worker, job.is_due) = (state, None, false);
            job.endings.extend(ending);
            job.attempts += i16::from(matches!(event, Event::RetryLater { .. } | Event::Discard { .. }));
        }
    }

    /// Moves a time of one job into the past.
    async fn time_passes(&mut self, chosen: usize, statement: &'static str) -> Option<&mut Job> {
        let count = self.jobs.len().max(1);
        let job = self.jobs.get_mut(chosen % count)?;
        sqlx::query(statement).bind(job.id).execute(&self.bed.gate.pool).await.unwrap();
        Some(job)
    }

    async fn pulse(&mut self) {
        let (mut due, mut expired) = (0, Vec::new());
        for job in &mut self.jobs {
            if job.is_expired && !job.state.is_final() && job.state != JobState::Running {
                // Its end stands among its attempts, as one that was never begun.
                job.claims += 1;
                job.end(JobState::Discarded, "discarded");
                expired.push(job.id);
            } else if job.state == JobState::Scheduled && job.is_due {
                job.state = JobState::Available;
                due += 1;
            }
        }
        let (promoted, mut discarded) = self.bed.pulse().await;
        discarded.sort();
        expired.sort();
        assert_eq!((promoted, discarded), (due, expired));
    }

    async fn cancel(&mut self, chosen: usize) {
        let count = self.jobs.len().max(1);
        let Some(job) = self.jobs.get_mut(chosen % count) else { return };
        let done = steer::one(&self.bed.db, Change::Cancel, job.id).await.is_ok();
        assert_eq!(done, !job.state.is_final());
        if done && job.state == JobState::Running {
            job.end(JobState::Cancelled, "cancelled");
        } else if done {
            job.state = JobState::Cancelled;
        }
    }

    async fn retry(&mut self, chosen: usize) {
        let count = self.jobs.len().max(1);
        let Some(job) = self.jobs.get(chosen % count) else { return };
        let taken = self.jobs.iter().any(|other| other.id != job.id && other.holds(job.kind, job.key));
        let reopened = matches!(job.state, JobState::Discarded | JobState::Cancelled);
        let woken = matches!(job.state, JobState::Scheduled | JobState::Parked);
        let done = steer::one(&self.bed.db, Change::Retry, job.id).await.is_ok();
        assert_eq!(done, woken || (reopened && !taken));
        let job = &mut self.jobs[chosen % count];
        if done {
            (job.state, job.is_due) = (JobState::Available, false);
            if reopened {
                (job.attempts, job.deaths, job.is_expired) = (0, 0, false);
            }
        }
    }

    /// The database says what the model says.
    async fn compare(&self, event: Event) {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT job.*, ARRAY (SELECT outcome FROM queue.attempts WHERE job_id = job.id ORDER BY claim)
             FROM (SELECT id, state, claims, attempts, deaths FROM queue.jobs
                   UNION ALL SELECT id, state, claims, attempts, deaths FROM queue.history) AS job",
        )
        .fetch_all(&self.bed.gate.pool)
        .await
        .unwrap();
        assert_eq!(rows.len(), self.jobs.len(), "each job is there once");
        let found: HashMap<_, _> = rows.iter().map(|row| (row.0, row)).collect();
        for job in &self.jobs {
            let (_, state, claims, attempts, deaths, endings) = found[&job.id];
            let found = (JobState::from_name(state).unwrap(), *claims, *attempts, *deaths);
            assert_eq!(found, (job.state, job.claims, job.attempts, job.deaths), "after {event:?}");
            assert_eq!(*endings, job.endings, "after {event:?}");
        }
        let is_painted = |job: &&Job| job.state == JobState::Completed && job.kind == 0;
        assert_eq!(self.bed.rows("public.generations").await, self.jobs.iter().filter(is_painted).count());
        let live = self.jobs.iter().filter(|job| !job.state.is_final()).count();
        assert_eq!(self.bed.rows("queue.jobs").await, live);
        let ranked = self.bed.rows("queue.jobs WHERE rank IS NOT NULL").await;
        let in_line = |job: &&Job| matches!(job.state, JobState::Available | JobState::Running);
        assert_eq!(ranked, self.jobs.iter().filter(in_line).count(), "only who waits or runs has a place in line");
    }
}
