//! The fetcher: claims as many jobs as there are free slots, and sleeps when there are none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::db::claims::{self, Lane, Share, Taken};
use crate::db::{Db, Line, quota};
use crate::model::failure::Result;
use crate::model::job::{ClaimedJob, JobKind};
use crate::queue::lease::Lease;
use crate::queue::rest::Rest;
use crate::queue::ring::Ring;
use crate::queue::{Assignment, Trouble, answer_within};
use crate::telemetry::metrics;

/// Most jobs of one claim.
const BATCH: usize = 1000;
/// Most lanes in the ring: with more of them waiting, the ring goes on to the next so many.
const LANES: i64 = 64;
/// How long lanes are gone by before others are looked for: a new user or a more urgent job waits no longer.
const STALE: Duration = Duration::from_millis(100);
/// How much longer than a look took it is until the next: where looking is dear, it is a tenth of the time at most.
const REST_OF_LOOKS: u32 = 10;
/// How long to wait for half of the slots, so that a claim is worth its commit.
const GATHER: Duration = Duration::from_millis(2);
/// How long lanes are left alone that a claim brought nothing of.
const BREATH: Duration = Duration::from_millis(10);
/// When a lane whose limit is reached is asked for again, and the longest that a rate makes it wait for that.
const AGAIN: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// Where the jobs of one kind go, and how many of them may run at once.
#[derive(Debug, Clone)]
pub struct Desk {
    kind: String,
    slots: Arc<Semaphore>,
    size: usize,
    assign: mpsc::Sender<Assignment>,
}

impl Desk {
    fn has_room(&self) -> bool {
        self.slots.available_permits() > 0
    }

    /// A desk for `slots` jobs at once.
    #[must_use]
    pub fn new(kind: JobKind, slots: usize, assign: mpsc::Sender<Assignment>) -> Self {
        Self { kind: kind.name().to_owned(), slots: Arc::new(Semaphore::new(slots)), size: slots, assign }
    }
}

/// Claims jobs for all kinds of one process.
#[derive(Debug)]
pub struct Fetcher {
    lease: Lease,
    /// One for all that the fetcher does: what is done by turns needs no second connection.
    line: Arc<Line>,
    desks: HashMap<String, Desk>,
    kinds: Vec<String>,
    rest: Rest,
    ring: Ring,
    /// Lanes that limits leave nothing, and until when they are not asked for.
    held_back: HashMap<i64, Instant>,
    /// Lane after which the next lanes are looked for.
    after: i64,
    looked: Instant,
    /// How long that look took.
    took: Duration,
    /// The length that the next claim must set the lease to.
    renew: Option<Duration>,
}

impl Fetcher {
    /// A fetcher for these desks.
    #[must_use]
    pub fn new(db: &Db, lease: Lease, desks: impl IntoIterator<Item = Desk>) -> Self {
        let desks: HashMap<_, _> = desks.into_iter().map(|desk| (desk.kind.clone(), desk)).collect();
        let kinds: Vec<String> = desks.keys().cloned().collect();
        let line = Arc::new(db.line());
        Self {
            rest: Rest::new(Arc::clone(&line), lease.clone(), kinds.clone()),
            line,
            lease,
            desks,
            kinds,
            ring: Ring::default(),
            held_back: HashMap::new(),
            after: i64::MIN,
            looked: Instant::now(),
            took: Duration::ZERO,
            renew: None,
        }
    }

    /// Fetches until `stop`. The backends end with it. A claim that is under way is waited for: dropped in its middle, its
    /// jobs would be lost to this process.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut trouble = Trouble::default();
        while !stop.is_cancelled() {
            match self.turn(&stop).await {
                Ok(()) => trouble.over("claiming jobs"),
                Err(failure) => {
                    let wait = trouble.met("claiming jobs", failure);
                    stop.run_until_cancelled(sleep(wait)).await;
                }
            }
        }
        self.rest.end().await;
        self.line.close().await;
    }

    /// Hands out this one job, which is claimed already, and claims it again after each attempt that failed; no other.
    pub async fn run_only(self, job: ClaimedJob, stop: CancellationToken) {
        let mut trouble = Trouble::default();
        let (id, kind) = (job.id, job.kind.clone());
        let mut claimed = Some(job);
        let Some(desk) = self.desks.get(&kind) else { return };
        while !stop.is_cancelled() {
            if let Some(job) = claimed.take()
                && let Ok(slot) = Arc::clone(&desk.slots).acquire_owned().await
            {
                hand_out(&self.lease, desk, job, slot).await;
            }
            stop.run_until_cancelled(timeout(STALE, self.lease.woken())).await;
            match answer_within(self.lease.length(), self.claim_one(id)).await {
                Ok(found) => {
                    trouble.over("claiming the job");
                    claimed = found;
                }
                Err(failure) => {
                    self.lease.lost_an_answer();
                    let wait = trouble.met("claiming the job", failure);
                    stop.run_until_cancelled(sleep(wait)).await;
                }
            }
        }
    }

    async fn claim_one(&self, id: uuid::Uuid) -> Result<Option<ClaimedJob>> {
        let mut line = self.line.take().await?;
        let found = claims::claim_one(line.connection(), self.lease.worker_id(), id).await?;
        line.give_back();
        Ok(found)
    }

    /// One turn: look where jobs wait, or rest if none do; then claim what there are slots for, and hand it out.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<()> {
        // What comes goes most likely into a lane of late: who was woken asks those first and looks then. Where looking is
        // dear that is left for later.
        let is_due = self.looked.elapsed() >= self.stale();
        let is_dear = self.stale() > STALE;
        let may_recall = self.ring.is_empty() && !is_due && (is_dear || self.rest.was_just_woken());
        let recalled = may_recall && self.ring.recall();
        if is_due || (self.ring.is_empty() && !self.may_peek()) {
            answer_within(self.lease.length(), self.look()).await?;
        } else if self.ring.is_empty() {
            answer_within(self.lease.length(), self.peek()).await?;
        }
        if self.ring.is_empty() {
            // Where limits hold something back nobody tells when there is room again.
            let until = self.held_back.values().min().copied();
            return self.rest.when_nothing_waits(until, stop).await;
        }
        let Some(slots) = self.free_slots(stop).await else { return Ok(()) };
        let free = slots.iter().map(|(kind, slots)| (kind.clone(), slots.num_permits())).collect();
        let shares = self.ring.shares(&free);
        if self.renew.is_none() {
            self.renew = self.lease.tighten().await;
        }
        let claimed = match answer_within(self.lease.length(), self.claim(shares, recalled)).await {
            Ok(claimed) => claimed,
            Err(failure) => {
                // What it may have brought is given back by the heartbeat.
                self.lease.lost_an_answer();
                return Err(failure);
            }
        };
        self.renew = None;
        metrics::claimed(claimed.len());
        if recalled && is_dear && claimed.is_empty() {
            self.rest.until(self.looked + self.stale(), stop).await;
        }
        let count = claimed.len();
        // First of all: whatever fails next, what is claimed must be held.
        self.hand_out(slots, claimed.into_iter().map(|taken| taken.job)).await;
        self.rest.after_a_claim_of(count).await
    }

    /// How long lanes are gone by. Where looking is dear, as under a held transaction, for longer.
    fn stale(&self) -> Duration {
        STALE.max(self.took * REST_OF_LOOKS)
    }

    /// Whether it will do to look only where jobs came from lately: it looked everywhere not so many times as long ago as
    /// that took, and will again in a moment.
    fn may_peek(&self) -> bool {
        self.rest.lingers() && self.looked.elapsed() < self.took * REST_OF_LOOKS
    }

    /// Forgets which lanes were held back until now.
    fn let_go(&mut self) {
        let now = Instant::now();
        self.held_back.retain(|_, until| *until > now);
    }

    /// Whether nothing holds back a lane.
    fn is_free(&self, lane: &Lane) -> bool {
        !self.held_back.contains_key(&lane.lane)
    }

    /// Looks which of the lanes that had jobs lately have some again.
    async fn peek(&mut self) -> Result<()> {
        self.let_go();
        let mut line = self.line.take().await?;
        let mut recent = self.ring.recent().to_vec();
        recent.retain(|lane| self.is_free(lane));
        let has_room = |lane: &Lane| self.desks.get(&lane.kind).is_some_and(Desk::has_room);
        if recent.iter().any(has_room) {
            recent.retain(has_room);
        }
        let lanes = claims::peek(line.connection(), &recent).await?;
        line.give_back();
        self.ring.refill(lanes);
        Ok(())
    }

    /// Looks which lanes have waiting jobs.
    async fn look(&mut self) -> Result<()> {
        self.let_go();
        let began = Instant::now();
        let mut line = self.line.take().await?;
        // Lanes of full kinds must not keep others out of the ring.
        let free: Vec<String> =
            self.desks.values().filter(|desk| desk.has_room()).map(|desk| desk.kind.clone()).collect();
        let kinds = if free.is_empty() { &self.kinds } else { &free };
        // A page of lanes, and the next where limits hold all of them back; once round at most.
        let (mut lanes, mut rounds) = (Vec::new(), 0);
        while lanes.is_empty() && rounds < 2 {
            lanes = claims::lanes(line.connection(), kinds, self.after, LANES).await?;
            // More than fit: the next look goes on behind them.
            let is_full = lanes.len() == usize::try_from(LANES).unwrap_or(usize::MAX);
            rounds += usize::from(!is_full);
            if !is_full && self.after == i64::MIN {
                rounds = 2;
            }
            self.after = lanes.last().filter(|_| is_full).map_or(i64::MIN, |last| last.lane);
            lanes.retain(|lane| self.is_free(lane));
        }
        if lanes.is_empty() && kinds.len() < self.kinds.len() {
            // Then those that wait for slots.
            lanes = claims::lanes(line.connection(), &self.kinds, i64::MIN, LANES).await?;
            lanes.retain(|lane| self.is_free(lane));
        }
        line.give_back();
        self.ring.refill(lanes);
        self.looked = Instant::now();
        self.took = began.elapsed();
        Ok(())
    }

    /// Claims what the shares say, within the limits where there are any, and notes what became of the lanes. Of recalled
    /// ones nobody said that they have jobs.
    async fn claim(&mut self, shares: Vec<Share>, recalled: bool) -> Result<Vec<Taken>> {
        let is_limited = |share: &Share| self.ring.lane(share.lane).is_some_and(|lane| lane.is_limited);
        let (limited, mut free): (Vec<_>, Vec<_>) = shares.into_iter().partition(is_limited);
        let worker_id = self.lease.worker_id();
        let mut line = self.line.take().await?;
        let mut taken = Vec::new();
        if !free.is_empty() {
            taken = claims::claim(line.connection(), worker_id, &free, self.renew, false).await?;
        }
        let mut held_back = 0;
        if !limited.is_empty() {
            let key = |share: &Share| self.ring.lane(share.lane).and_then(|lane| lane.limit_key.clone());
            let keys: Vec<_> = limited.iter().map(key).collect();
            let claiming = quota::claim(line.connection(), worker_id, &limited, &keys, self.renew);
            let within = match answer_within(self.lease.length() / 2, claiming).await {
                Ok(within) => within,
                Err(failure) if taken.is_empty() => return Err(failure),
                Err(failure) => {
                    // What is claimed already must not go with it. The line does: its transaction may still be open.
                    tracing::warn!(%failure, "claiming within limits fails");
                    self.lease.lost_an_answer();
                    let until = Instant::now() + LONGEST;
                    self.held_back.extend(limited.iter().map(|share| (share.lane, until)));
                    for share in &limited {
                        self.ring.leave_out(share.lane);
                    }
                    drop(line);
                    self.note(&free, &taken);
                    return Ok(taken);
                }
            };
            held_back = within.held_back.len();
            for (lane, again_in) in within.held_back {
                self.ring.leave_out(lane);
                self.held_back.insert(lane, Instant::now() + again_in.unwrap_or(AGAIN).clamp(GATHER, LONGEST));
            }
            free.extend(within.shares);
            taken.extend(within.taken);
        }
        line.give_back();
        self.note(&free, &taken);
        if taken.is_empty() && held_back == 0 && !recalled {
            // Others were faster, or hold these rows for longer; or the lease is lost, which the heartbeat finds.
            self.lease.check_now();
            let until = Instant::now() + BREATH;
            self.held_back.extend(free.iter().map(|share| (share.lane, until)));
        }
        Ok(taken)
    }

    /// Notes what became of the lanes.
    fn note(&mut self, shares: &[Share], taken: &[Taken]) {
        self.ring.claimed(shares, taken.iter().map(|taken| (taken.lane, taken.rank)));
    }

    /// The free slots of the kinds that have jobs waiting; waits for the first. None where something came in between.
    async fn free_slots(&mut self, stop: &CancellationToken) -> Option<HashMap<String, OwnedSemaphorePermit>> {
        let desks: Vec<&Desk> =
            self.desks.values().filter(|desk| self.ring.kinds().any(|kind| kind == desk.kind)).collect();
        if desks.iter().all(|desk| desk.slots.available_permits() == 0) {
            // Half of them where there are many, or what there is in a moment: each claim costs a commit.
            let some = |desk: &&Desk| {
                let (slots, many) =
                    (Arc::clone(&desk.slots), u32::try_from(desk.size.min(BATCH) / 2).unwrap_or(1).max(1));
                Box::pin(async move {
                    let half = timeout(GATHER, Arc::clone(&slots).acquire_many_owned(many)).await;
                    if half.is_err() {
                        drop(slots.acquire().await);
                    }
                })
            };
            tokio::select! {
                _ = select_all(desks.iter().map(some)) => {}
                () = self.lease.woken() => {
                    // Jobs of a kind that has slots, perhaps.
                    self.ring.refill(Vec::new());
                    self.rest.was_woken_in_vain();
                    return None;
                }
                () = stop.cancelled() => return None,
            }
        }
        let mut free = HashMap::new();
        for desk in desks {
            let many = desk.slots.available_permits().min(BATCH);
            if let Ok(slots) = Arc::clone(&desk.slots).try_acquire_many_owned(u32::try_from(many).unwrap_or(0))
                && many > 0
            {
                free.insert(desk.kind.clone(), slots);
            }
        }
        Some(free)
    }

    async fn hand_out(&self, mut slots: HashMap<String, OwnedSemaphorePermit>, jobs: impl Iterator<Item = ClaimedJob>) {
        for job in jobs {
            // Of no kind more jobs come than there were slots: its lanes' quotas say so.
            if let Some(slot) = slots.get_mut(&job.kind).and_then(|slots| slots.split(1))
                && let Some(desk) = self.desks.get(&job.kind)
            {
                hand_out(&self.lease, desk, job, slot).await;
            }
        }
    }
}

/// Holds a claimed job and gives it to its desk. One that is gone takes no jobs any more: the heartbeat
/// gives the job back, or a rescue does.
async fn hand_out(lease: &Lease, desk: &Desk, job: ClaimedJob, slot: OwnedSemaphorePermit) {
    let cancel = lease.hold(&job);
    let job = Arc::new(job);
    if desk.assign.send(Assignment { job: Arc::clone(&job), cancel, slot }).await.is_err() {
        lease.release([&*job]);
        lease.lost_an_answer();
    }
}
