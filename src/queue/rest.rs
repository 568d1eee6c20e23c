//! How the fetcher rests when nothing waits.
//!
//! As network drivers do: where little comes it is woken for each, where much comes it looks by itself. To be woken costs
//! those who enqueue, as commits that notify go one by one; to look costs statements. So it lies down after a moment
//! without jobs, and gets up, which spares the others their notifications, when it is woken often or finds much.
//!
//! Lying down misses no wake-up: see [`sleepers`].

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::db::{Line, sleepers};
use crate::model::failure::Result;
use crate::queue::answer_within;
use crate::queue::lease::Lease;

/// How long it goes on looking by itself after the last job.
const LINGER: Duration = Duration::from_millis(30);
/// The first pause between two looks; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(1);
/// The longest pause while an old transaction keeps it from lying still.
const LONGEST: Duration = Duration::from_secs(1);
/// How long it lies still before the lease is made a long one.
const SETTLE: Duration = Duration::from_secs(3);
/// So many jobs in one claim are much: they came while it was being woken for the first.
const MUCH: usize = 8;
/// To be woken so often within [`OFTEN_WITHIN`] is often.
const OFTEN: u32 = 80;
const OFTEN_WITHIN: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Posture {
    /// Looks by itself; nobody wakes it.
    Up,
    /// Is woken, but transactions that began before this number may not know of it yet.
    LyingDown(i64),
    /// Is woken.
    Lying,
}

/// The fetcher's rest.
#[derive(Debug)]
pub struct Rest {
    line: Arc<Line>,
    lease: Lease,
    kinds: Vec<String>,
    posture: Posture,
    /// The lease's upsets when it lay down.
    upsets: u64,
    /// Whether the lease is a long one.
    relaxed: bool,
    pause: Duration,
    last_job: Option<Instant>,
    /// Whether it was woken since the last claim.
    just_woken: bool,
    woken: u32,
    counted_since: Instant,
}

impl Rest {
    /// For a fetcher of these kinds.
    #[must_use]
    pub fn new(line: Arc<Line>, lease: Lease, kinds: Vec<String>) -> Self {
        Self {
            line,
            lease,
            kinds,
            posture: Posture::Up,
            upsets: 0,
            relaxed: false,
            pause: PAUSE,
            last_job: None,
            just_woken: false,
            woken: 0,
            counted_since: Instant::now(),
        }
    }

    /// Rests for a while after a look that found nothing, not beyond `until`. After it one must look again.
    pub async fn when_nothing_waits(&mut self, until: Option<Instant>, stop: &CancellationToken) -> Result<()> {
        match self.posture {
            Posture::Up if self.lingers() => self.nap(stop).await,
            Posture::Up => {
                self.upsets = self.lease.upsets();
                let number = answer_within(self.lease.length(), self.lie_down()).await?;
                self.posture = Posture::LyingDown(number);
                self.pause = PAUSE;
                // At once, too: nobody may have been in between.
            }
            Posture::LyingDown(number) => {
                // First who is still open, then the look: what they enqueued who are not is seen by it.
                if answer_within(self.lease.length(), self.oldest_open()).await? >= number {
                    self.posture = Posture::Lying;
                    self.lease.falls_asleep(true);
                } else {
                    self.nap(stop).await;
                }
            }
            Posture::Lying if self.upsets != self.lease.upsets() => {
                self.posture = Posture::Up;
                self.lease.falls_asleep(false);
            }
            Posture::Lying => {
                let may_relax = !self.relaxed && !self.lease.holds_jobs();
                tokio::select! {
                    () = self.lease.woken() => self.count_a_wake_up(),
                    () = sleep(SETTLE), if may_relax => {
                        self.relaxed = answer_within(self.lease.length(), self.lease.relax()).await?;
                    }
                    () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        Ok(())
    }

    /// Rests until then, unless it is woken.
    pub async fn until(&mut self, then: Instant, stop: &CancellationToken) {
        tokio::select! {
            () = sleep_until(then) => {}
            () = self.lease.woken() => self.count_a_wake_up(),
            () = stop.cancelled() => {}
        }
    }

    /// Whether it was woken since the last claim: there are new jobs somewhere.
    #[must_use]
    pub fn was_just_woken(&self) -> bool {
        self.just_woken
    }

    /// Whether it looks by itself, as there was a job a moment ago.
    #[must_use]
    pub fn lingers(&self) -> bool {
        self.posture == Posture::Up && self.last_job.is_some_and(|last| last.elapsed() < LINGER)
    }

    /// Notes how much a claim brought.
    pub async fn after_a_claim_of(&mut self, jobs: usize) -> Result<()> {
        self.just_woken = false;
        if jobs > 0 {
            self.last_job = Some(Instant::now());
            (self.pause, self.relaxed) = (PAUSE, false);
        }
        if self.posture != Posture::Up && (jobs >= MUCH || self.woken >= OFTEN) {
            answer_within(self.lease.length(), self.get_up()).await?;
        }
        Ok(())
    }

    /// Notes that it was woken while all slots were taken.
    pub fn was_woken_in_vain(&mut self) {
        self.count_a_wake_up();
    }

    /// Gets up for good.
    pub async fn end(&mut self) {
        if let Err(failure) = answer_within(self.lease.length(), self.get_up()).await {
            tracing::debug!(%failure, "a sleeper's row is left to the rescue");
        }
    }

    fn count_a_wake_up(&mut self) {
        if self.counted_since.elapsed() >= OFTEN_WITHIN {
            (self.woken, self.counted_since) = (0, Instant::now());
        }
        self.woken += 1;
        self.just_woken = true;
    }

    async fn nap(&mut self, stop: &CancellationToken) {
        tokio::select! {
            () = sleep(self.pause) => {}
            () = self.lease.woken() => {}
            () = stop.cancelled() => {}
        }
        self.pause = (self.pause * 2).min(LONGEST);
    }

    async fn lie_down(&self) -> Result<i64> {
        let mut line = self.line.take().await?;
        sleepers::lie_down(line.connection(), self.lease.worker_id(), &self.kinds).await?;
        let number = sleepers::next_number(line.connection()).await?;
        line.give_back();
        Ok(number)
    }

    async fn oldest_open(&self) -> Result<i64> {
        let mut line = self.line.take().await?;
        let number = sleepers::oldest_open(line.connection()).await?;
        line.give_back();
        Ok(number)
    }

    async fn get_up(&mut self) -> Result<()> {
        let mut line = self.line.take().await?;
        sleepers::get_up(line.connection(), self.lease.worker_id()).await?;
        line.give_back();
        self.posture = Posture::Up;
        self.lease.falls_asleep(false);
        (self.woken, self.pause) = (0, PAUSE);
        Ok(())
    }
}
