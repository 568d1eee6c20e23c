//! The moments at which something is done to a worker. A moment follows from its seed alone.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use repo_to_cat::model::job::JobKind;
use repo_to_cat::model::progress::Step;

/// Where the job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the statement that claims it.
    Claim,
    /// In the statement that ends the step before and begins this one.
    Begin(Step),
    /// In the completing statement, before it removes the job.
    Remove,
    /// In the completing statement, before it writes the generation.
    Result,
    /// In the completing statement, before it writes history.
    History,
    /// In the commit of the completing statement.
    Commit,
    /// Inside this step, which has begun.
    Inside(Step),
}

/// What becomes of the statement that was caught at the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is committed at once, though nobody hears of it.
    Commits,
    /// It is undone.
    Aborts,
    /// It is committed only after the rescuers had their chance.
    CommitsLate,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The worker is killed.
    Kill(Fate),
    /// The worker is frozen until its lease has lapsed and another has done its work; then it goes on.
    Freeze(Fate),
    /// All connections are cut by the server.
    Cut,
    /// The statement is committed, but its answer is lost with the connections.
    LoseAnswer,
    /// The worker is asked to stop.
    Stop,
    /// The server is killed and starts again.
    Crash,
    /// The server stops fast and starts again.
    Restart,
}

impl Blow {
    /// Whether it needs a server of its own.
    pub fn hits_the_server(self) -> bool {
        matches!(self, Self::Crash | Self::Restart)
    }
}

/// One moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// From what all the rest follows.
    pub seed: u64,
    /// Where the job is.
    pub place: Place,
    /// What is done.
    pub blow: Blow,
    /// How long after the place was reached.
    pub delay: Duration,
    /// Which of the repositories it is about.
    pub repository: usize,
}

impl Moment {
    /// The moment of a seed: the seeds go through all places and blows in turn, with other delays each time.
    pub fn of(seed: u64) -> Self {
        let all = combinations();
        // Neighbours should differ, so that a short run sees much: a stride without common factor.
        let index = (seed as usize * 59) % all.len();
        let (place, blow) = all[index];
        let chance = scatter(seed);
        let longest = if matches!(place, Place::Inside(_)) { 250_000 } else { 20_000 };
        let delay = Duration::from_micros(chance % longest);
        Self { seed, place, blow, delay, repository: (chance >> 32) as usize }
    }

    /// How often the job may have been claimed in the end: once, and once more if the blow took it from its worker.
    pub fn claims(&self) -> RangeInclusive<i32> {
        use Blow::{Freeze, Kill, LoseAnswer, Stop};
        use Fate::{Aborts, Commits, CommitsLate};
        use Place::{Begin, Claim, Commit, History, Inside, Remove, Result};
        match (self.place, self.blow) {
            // The grace time may be none. Inside a step, that step and all others may be done when the blow falls.
            (Claim | Begin(_) | Inside(_), Stop) | (Inside(_), Kill(_) | Freeze(_)) => 1..=2,
            // Claimed for nobody, under way, or completed in vain.
            (Claim, Kill(Commits | CommitsLate) | Freeze(Commits | CommitsLate) | LoseAnswer)
            | (Begin(_), Kill(_) | Freeze(_))
            | (Remove | Result | History | Commit, Kill(Aborts) | Freeze(Aborts)) => 2..=2,
            // The worker lives and tries again; or it was not claimed yet; or it was completed.
            _ => 1..=1,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EXACTLY_ONCE_SEED={}: {:?} at {:?} after {:?}", self.seed, self.blow, self.place, self.delay)
    }
}

/// Every place with every blow that can fall there.
pub fn combinations() -> Vec<(Place, Blow)> {
    use Fate::{Aborts, Commits, CommitsLate};
    let gates = [Place::Claim, Place::Remove, Place::Result, Place::History, Place::Commit];
    let gates = gates.into_iter().chain(generation_steps().map(Place::Begin));
    let mut all = Vec::new();
    for place in gates {
        let fates = [Commits, Aborts, CommitsLate];
        all.extend(fates.map(|fate| (place, Blow::Kill(fate))));
        all.extend(fates.map(|fate| (place, Blow::Freeze(fate))));
        let others = [Blow::Cut, Blow::LoseAnswer, Blow::Stop, Blow::Crash, Blow::Restart];
        all.extend(others.map(|blow| (place, blow)));
    }
    for place in generation_steps().map(Place::Inside) {
        let blows = [Blow::Kill(Commits), Blow::Freeze(Commits), Blow::Cut, Blow::Stop, Blow::Crash, Blow::Restart];
        all.extend(blows.map(|blow| (place, blow)));
    }
    all
}

fn generation_steps() -> impl Iterator<Item = Step> {
    Step::of(JobKind::Generation).iter().copied()
}

/// A number that looks like chance. Source: `SplitMix64`.
fn scatter(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
