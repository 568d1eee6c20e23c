//! Where live jobs stand, for many callers at once: those that ask while one look is under way go together in the next, on a
//! connection of their own. Services ask this again and again for each of their jobs.
//!
//! What a place in the queue is told by is remembered: the pace for a second, and what waits in a lane for as many
//! milliseconds as jobs were counted. So little is counted anew each time, and much at most once in a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::db::inspect::JobRow;
use crate::db::stats::forecast::{self, Forecast, LANES, LiveJob, OWN, Pace};
use crate::db::{Db, Line, Session};
use crate::model::failure::{Failure, Kind, Result};

/// Jobs of one look, at most.
const MOST: usize = 200;
/// Callers that wait for their turn; more wait to ask.
const WAITING: usize = 4096;
/// How long a look may take before its connection is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long something is remembered, at most.
const MEMORY: Duration = Duration::from_secs(1);
/// Lanes whose fronts are remembered, at most.
const REMEMBERED: usize = 500;

/// Tells where live jobs stand. Cheap to clone; it ends with its last clone.
#[derive(Debug, Clone)]
pub struct Lookout {
    sender: mpsc::Sender<Asked>,
}

/// A live job, and what it has before it.
#[derive(Debug, Clone)]
pub struct Sight {
    /// The job.
    pub job: JobRow,
    /// Whether it was claimed ever, or begins with steps that another one has done.
    pub has_begun: bool,
    /// What it has before it.
    pub forecast: Forecast,
}

/// A job, and who waits for the sight of it.
#[derive(Debug)]
struct Asked {
    id: Uuid,
    answer: oneshot::Sender<Result<Option<Sight>>>,
}

impl Lookout {
    /// Begins to look. To be called in a runtime.
    #[must_use]
    pub fn begin(db: &Db) -> Self {
        let (sender, asked) = mpsc::channel(WAITING);
        tokio::spawn(watch(db.line(), asked));
        Self { sender }
    }

    /// Where a job stands; none where no such job is live.
    pub async fn look(&self, id: Uuid) -> Result<Option<Sight>> {
        let (answer, answered) = oneshot::channel();
        let gone = || Failure::new(Kind::Unavailable, "the service is stopping").hint("ask again");
        self.sender.send(Asked { id, answer }).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

async fn watch(line: Line, mut asked: mpsc::Receiver<Asked>) {
    let (mut memory, mut group) = (Memory::default(), Vec::new());
    while asked.recv_many(&mut group, MOST).await > 0 {
        group.retain(|one: &Asked| !one.answer.is_closed());
        let mut ids: Vec<Uuid> = group.iter().map(|one| one.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let seen = timeout(PATIENCE, look(&line, &mut memory, &ids)).await.unwrap_or_else(|_| {
            Err(Failure::new(Kind::Database, format!("the database did not answer within {} s", PATIENCE.as_secs())))
        });
        let seen = seen.map_err(Arc::new);
        for Asked { id, answer } in group.drain(..) {
            drop(answer.send(match &seen {
                Ok(seen) => Ok(seen.get(&id).cloned()),
                Err(failure) => Err(Failure::new(failure.kind(), failure.what()).source(Arc::clone(failure))),
            }));
        }
    }
    line.close().await;
}

#[allow(clippy::similar_names)]
async fn look(line: &Line, memory: &mut Memory, ids: &[Uuid]) -> Result<HashMap<Uuid, Sight>> {
    let mut held = line.take().await?;
    let live = forecast::live(held.connection(), ids).await?;
    if !live.is_empty() {
        memory.refresh(held.connection(), &live).await?;
    }
    held.give_back();
    let sights = live.into_iter().map(|live| {
        let forecast = memory.forecast(&live)?;
        Ok((live.job.id, Sight { job: live.job, has_begun: live.has_begun, forecast }))
    });
    sights.collect()
}

/// What was found out lately.
#[derive(Debug, Default)]
struct Memory {
    pace: Remembered<Option<Pace>>,
    lanes: Remembered<HashMap<i64, u64>>,
    fronts: HashMap<i64, Remembered<Vec<DateTime<Utc>>>>,
}

/// Something, and until when it holds; never where nothing was found out yet.
#[derive(Debug, Default)]
struct Remembered<T> {
    what: T,
    until: Option<Instant>,
}

impl<T> Remembered<T> {
    /// For as many milliseconds as it is long.
    fn of(what: T, length: u64) -> Self {
        Self { what, until: Some(Instant::now() + Duration::from_millis(length).min(MEMORY)) }
    }

    fn holds(&self) -> bool {
        self.until.is_some_and(|until| until > Instant::now())
    }
}

impl Memory {
    /// Finds out what the forecasts of these jobs take, and is not known.
    async fn refresh(&mut self, session: &mut Session<'_>, live: &[LiveJob]) -> Result<()> {
        if !self.pace.holds() {
            self.pace = Remembered::of(Some(forecast::pace(session).await?), u64::MAX);
        }
        let spots: Vec<_> = live.iter().filter_map(LiveJob::spot).collect();
        let mut unknown: Vec<i64> =
            spots.iter().filter(|(lane, rank)| !self.has_front(*lane, *rank)).map(|(lane, _)| *lane).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            if self.fronts.len() >= REMEMBERED {
                self.fronts.retain(|_, front| front.holds());
            }
            for (lane, front) in forecast::fronts(session, &unknown).await? {
                let length = front.len() as u64;
                self.fronts.insert(lane, Remembered::of(front, length));
            }
        }
        let lanes = &self.lanes.what;
        let is_new = |lane: &i64| lanes.len() < LANES && !lanes.contains_key(lane);
        if !spots.is_empty() && (!self.lanes.holds() || spots.iter().any(|(lane, _)| is_new(lane))) {
            let lanes = forecast::lanes(session).await?;
            let length = lanes.values().map(|waiting| 1 + waiting).sum();
            self.lanes = Remembered::of(lanes, length);
        }
        Ok(())
    }

    /// Whether it is known who is before this place. Who is not where they should be came later.
    fn has_front(&self, lane: i64, rank: DateTime<Utc>) -> bool {
        self.fronts.get(&lane).filter(|front| front.holds()).is_some_and(|front| {
            let is_behind = front.what.len() >= OWN && front.what.last().is_some_and(|last| *last < rank);
            is_behind || front.what.binary_search(&rank).is_ok()
        })
    }

    fn forecast(&self, live: &LiveJob) -> Result<Forecast> {
        let Some(pace) = self.pace.what else { return Ok(Forecast::default()) };
        let position = live.spot().and_then(|(lane, rank)| {
            let front = self.fronts.get(&lane)?;
            Some(forecast::position(lane, rank, &front.what, &self.lanes.what))
        });
        forecast::forecast(live, position, pace)
    }
}
