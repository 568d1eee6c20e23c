//! What happens, looked up once for all who listen: by one task, and only while somebody does.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::places::Places;
use crate::db::Db;
use crate::db::depth::{self, Depth};
use crate::db::events::{self, Mark, Moment, Story};
use crate::db::generations;
use crate::model::failure::Result;

/// Events that are kept for those who come back, and are told to one at most.
pub(super) const KEPT: usize = 1000;
/// How far back whoever comes back is told.
pub(super) const LONGEST: TimeDelta = TimeDelta::hours(1);
/// How long a transaction may take to commit what is told all the same to those who listen.
const LATE: TimeDelta = TimeDelta::seconds(2);
/// Rows that one look reads at most.
pub(super) const ROWS: i64 = 5000;

/// How often what is done.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Looks at the database.
    pub look: Duration,
    /// Counts of what is in the queue.
    pub count: Duration,
    /// Signs of life on a stream on which nothing happens.
    pub heartbeat: Duration,
    /// Looks whether who listens may still do so.
    pub check: Duration,
    /// Streams of this process at most.
    pub streams: usize,
    /// Streams of one token at most.
    pub streams_each: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_millis(500),
            count: Duration::from_secs(2),
            heartbeat: Duration::from_secs(15),
            check: Duration::from_secs(30),
            streams: 1000,
            streams_each: 500,
        }
    }
}

/// What happens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pace: Pace,
    places: Places,
    desk: Mutex<Desk>,
    /// The number of the last event.
    news: watch::Sender<u64>,
    /// Tells the ids of this process from those of others.
    process: u32,
    counts: watch::Sender<Option<Arc<str>>>,
}

#[derive(Debug, Default)]
struct Desk {
    is_looking: bool,
    followed: HashMap<Uuid, watch::Sender<Arc<Story>>>,
    ring: VecDeque<Arc<Entry>>,
    /// What was told of the last moments, which are looked at again for what was committed late.
    told: HashSet<(DateTime<Utc>, Key)>,
    mark: Option<Mark>,
    last: u64,
}

/// An event of all jobs.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) happened: Happened,
    pub(super) data: String,
}

/// What happened, and how far somebody has read who was told so.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    pub(super) key: Key,
    pub(super) at: DateTime<Utc>,
    pub(super) mark: Mark,
}

impl Happened {
    /// What it is called.
    pub(super) const fn name(&self) -> &'static str {
        if self.key.1 { "end" } else { "state" }
    }

    /// Whether somebody with that mark was told.
    pub(super) fn is_before(&self, mark: Mark) -> bool {
        if self.key.1 { (self.at, self.key.0) <= (mark.ended_at, mark.ended) } else { self.key.0 <= mark.enqueued }
    }
}

/// A job, and whether it ended.
pub(super) type Key = (Uuid, bool);

impl Default for Feed {
    fn default() -> Self {
        Self::new(Pace::default())
    }
}

impl Feed {
    /// One with its own pace.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self(Arc::new(Inner {
            pace,
            places: Places::new(pace.streams, pace.streams_each),
            desk: Mutex::default(),
            news: watch::Sender::new(0),
            process: Uuid::new_v4().as_fields().0,
            counts: watch::Sender::new(None),
        }))
    }

    /// How often there is a sign of life.
    pub(super) fn heartbeat(&self) -> Duration {
        self.0.pace.heartbeat
    }

    /// How often it is looked whether who listens may still do so.
    pub(super) fn check(&self) -> Duration {
        self.0.pace.check
    }

    /// The places for streams.
    pub(super) fn places(&self) -> &Places {
        &self.0.places
    }

    /// Follows one generation; its life as it is now is there at once. Fails (`NotFound`) where the job is none.
    pub(super) async fn follow(
        &self,
        db: &Db,
        stop: &CancellationToken,
        id: Uuid,
    ) -> Result<Option<watch::Receiver<Arc<Story>>>> {
        let Some(story) = events::stories(db, &[id]).await?.pop().map(Arc::new) else { return Ok(None) };
        generations::check_kind(id, &story.kind)?;
        let mut desk = self.desk();
        let sender = desk.followed.entry(id).or_insert_with(|| watch::Sender::new(Arc::clone(&story)));
        sender.send_replace(story);
        let mut receiver = sender.subscribe();
        receiver.mark_changed();
        self.look_up(&mut desk, db, stop);
        Ok(Some(receiver))
    }

    /// Listens to what happens to all jobs: told when there is news, and the counts.
    pub(super) fn listen(
        &self,
        db: &Db,
        stop: &CancellationToken,
    ) -> (watch::Receiver<u64>, watch::Receiver<Option<Arc<str>>>) {
        let mut desk = self.desk();
        let mut counts = self.0.counts.subscribe();
        counts.mark_changed();
        let news = self.0.news.subscribe();
        self.look_up(&mut desk, db, stop);
        (news, counts)
    }

    /// The event with this id, if this process told it and still knows what came after.
    pub(super) fn find(&self, id: &Id) -> Option<u64> {
        let is_ours = id.process == self.0.process && id.number <= self.last();
        (is_ours && self.after(id.number).is_some()).then_some(id.number)
    }

    /// The id of an event of all jobs.
    pub(super) fn id(&self, mark: Mark, number: u64) -> Id {
        Id { mark, process: self.0.process, number }
    }

    /// Some of the events after a number; none where they are not known any more.
    pub(super) fn after(&self, number: u64) -> Option<Vec<Arc<Entry>>> {
        let desk = self.desk();
        let oldest = desk.ring.front().map_or(desk.last + 1, |entry| entry.number);
        let skipped = usize::try_from((number + 1).checked_sub(oldest)?).unwrap_or(usize::MAX);
        Some(desk.ring.iter().skip(skipped).take(64).cloned().collect())
    }

    /// The number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.desk().last
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody look, unless somebody does.
    fn look_up(&self, desk: &mut Desk, db: &Db, stop: &CancellationToken) {
        if !std::mem::replace(&mut desk.is_looking, true) {
            let (feed, db, stop) = (self.clone(), db.clone(), stop.clone());
            tokio::spawn(async move {
                stop.run_until_cancelled(Box::pin(feed.keep_looking(&db))).await;
            });
        }
    }

    async fn keep_looking(&self, db: &Db) {
        let mut counted: Option<(Instant, Depth)> = None;
        while self.is_wanted() {
            if let Err(failure) = self.look(db, &mut counted).await {
                tracing::debug!(%failure, "what happens cannot be looked up now");
            }
            sleep(self.0.pace.look).await;
        }
    }

    /// Whether somebody listens; if not, whoever comes next has it looked up again.
    fn is_wanted(&self) -> bool {
        let mut desk = self.desk();
        desk.followed.retain(|_, sender| sender.receiver_count() > 0);
        desk.is_looking = !desk.followed.is_empty() || self.0.news.receiver_count() > 0;
        desk.is_looking
    }

    async fn look(&self, db: &Db, counted: &mut Option<(Instant, Depth)>) -> Result<()> {
        let ids: Vec<Uuid> = self.desk().followed.keys().copied().collect();
        if !ids.is_empty() {
            for story in events::stories(db, &ids).await? {
                if let Some(sender) = self.desk().followed.get(&story.id) {
                    sender.send_if_modified(|known| {
                        let is_new = **known != story;
                        if is_new {
                            *known = Arc::new(story);
                        }
                        is_new
                    });
                }
            }
        }
        if self.0.news.receiver_count() > 0 {
            self.look_at_all(db).await?;
            if counted.as_ref().is_none_or(|(at, _)| at.elapsed() >= self.0.pace.count) {
                let depth = depth::look(db).await?;
                if !counted.as_ref().is_some_and(|(_, before)| is_like(before, &depth))
                    || self.0.counts.borrow().is_none()
                {
                    self.0.counts.send_replace(Some(told(&depth).into()));
                }
                *counted = Some((Instant::now(), depth));
            }
        }
        Ok(())
    }

    async fn look_at_all(&self, db: &Db) -> Result<()> {
        let now = events::now(db).await?;
        // After a long time in which nobody listened, what is told begins anew.
        let known = self.desk().mark.filter(|mark| now - mark.ended_at.max(mark.enqueued_at()) < LONGEST);
        let mark = known.unwrap_or_else(|| Mark::at(now));
        let early = mark.earlier(LATE);
        let (enqueued, ended) = events::since(db, early, ROWS).await?;
        let is_flood = i64::try_from(enqueued.len().max(ended.len())).unwrap_or(ROWS) >= ROWS;
        let mut desk = self.desk();
        if is_flood || known.is_none() {
            // Who listens, or comes back, finds the gap.
            desk.ring.clear();
            desk.last += u64::from(is_flood);
            desk.mark = Some(Mark::at(now));
        }
        if !is_flood {
            for (happened, moment) in in_order(mark, early.enqueued, &enqueued, &ended) {
                desk.push(happened, &moment);
            }
            desk.forget();
        }
        if desk.last != *self.0.news.borrow() {
            self.0.news.send_replace(desk.last);
        }
        Ok(())
    }
}

impl Desk {
    fn push(&mut self, happened: Happened, moment: &Moment) {
        if !self.told.insert((happened.at, happened.key)) {
            return;
        }
        self.last += 1;
        self.mark = Some(happened.mark);
        self.ring.push_back(Arc::new(Entry { number: self.last, happened, data: json!(moment).to_string() }));
        if self.ring.len() > KEPT {
            self.ring.pop_front();
        }
    }

    /// Forgets to have told what is not looked at again.
    fn forget(&mut self) {
        if let Some(early) = self.mark.map(|mark| mark.earlier(LATE)) {
            self.told
                .retain(|(at, (id, is_over))| if *is_over { *at >= early.ended_at } else { *id >= early.enqueued });
        }
    }
}

/// What happened, in the order of time. What has ended was enqueued once, too: after `earliest`, that is told as well.
pub(super) fn in_order(from: Mark, earliest: Uuid, enqueued: &[Moment], ended: &[Moment]) -> Vec<(Happened, Moment)> {
    let begun = enqueued.iter().chain(ended.iter().filter(|moment| moment.id > earliest)).map(|moment| {
        let begun = Moment { finished_at: None, state: "enqueued".to_owned(), ..moment.clone() };
        (moment.created_at, (moment.id, false), begun)
    });
    let over = ended.iter().map(|moment| (moment.finished_at.unwrap_or_default(), (moment.id, true), moment.clone()));
    let mut all: Vec<_> = begun.chain(over).collect();
    all.sort_by_key(|(at, (id, is_over), _)| (*at, *is_over, *id));
    let mut mark = from;
    let moved = all.into_iter().map(|(at, key, moment)| {
        if key.1 {
            (mark.ended_at, mark.ended) = (mark.ended_at, mark.ended).max((at, key.0));
        } else {
            mark.enqueued = mark.enqueued.max(key.0);
        }
        (Happened { key, at, mark }, moment)
    });
    moved.collect()
}

/// Whether two counts say the same, but for how long jobs have waited.
fn is_like(one: &Depth, other: &Depth) -> bool {
    let counts = |depth: &Depth| -> Vec<_> {
        depth.jobs.iter().map(|of| (of.kind.clone(), of.state.clone(), of.jobs as u64)).collect()
    };
    one.workers == other.workers && counts(one) == counts(other)
}

fn told(depth: &Depth) -> String {
    let jobs: Vec<_> = depth
        .jobs
        .iter()
        .map(|of| json!({"kind": of.kind, "state": of.state, "jobs": of.jobs, "oldest_seconds": of.oldest_seconds}))
        .collect();
    json!({"jobs": jobs, "sampled": depth.sampled, "workers": depth.workers}).to_string()
}

/// The id of an event of all jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) mark: Mark,
    process: u32,
    number: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mark: Mark { ended_at, ended, enqueued }, process, number } = self;
        write!(f, "{}.{}.{}.{process}.{number}", ended_at.timestamp_micros(), ended.simple(), enqueued.simple())
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split('.').collect();
        let [at, ended, enqueued, process, number] = words[..] else { return Err(()) };
        let id = |text: &str| Uuid::try_parse(text).map_err(|_| ());
        let ended_at: DateTime<Utc> = at.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or(())?;
        if ended_at < DateTime::UNIX_EPOCH {
            // PostgreSQL's calendar begins later than ours.
            return Err(());
        }
        Ok(Self {
            mark: Mark { ended_at, ended: id(ended)?, enqueued: id(enqueued)? },
            process: process.parse().map_err(|_| ())?,
            number: number.parse().map_err(|_| ())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(id: u128, seconds: i64, finished: Option<i64>) -> Moment {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        Moment {
            id: Uuid::from_u128(id),
            kind: "probe".to_owned(),
            state: "completed".to_owned(),
            created_at: at(seconds),
            finished_at: finished.map(at),
        }
    }

    #[test]
    fn what_came_and_went_is_told_in_its_order_and_marks_only_grow() {
        let from = Mark { enqueued: Uuid::nil(), ..Mark::at(DateTime::UNIX_EPOCH) };
        let ended = [moment(1, 1, Some(40)), moment(3, 30, Some(60))];
        let told = in_order(from, Uuid::from_u128(1), &[moment(5, 50, None)], &ended);
        let keys: Vec<_> = told.iter().map(|(happened, _)| (happened.key.0.as_u128(), happened.key.1)).collect();
        assert_eq!(keys, [(3, false), (1, true), (5, false), (3, true)]);
        let last = told.last().unwrap().0.mark;
        assert_eq!((last.ended.as_u128(), last.enqueued.as_u128(), last.ended_at.timestamp()), (3, 5, 60));
        assert!(told.iter().all(|(happened, _)| happened.is_before(last)));
    }

    #[test]
    fn who_is_too_late_is_told_so_and_ids_come_back() {
        let feed = Feed::default();
        let from = Mark { enqueued: Uuid::nil(), ..Mark::at(DateTime::UNIX_EPOCH) };
        let all: Vec<_> = (2..3000).map(|id| moment(id, i64::try_from(id).unwrap(), None)).collect();
        for (happened, moment) in in_order(from, Uuid::nil(), &all, &[]) {
            feed.desk().push(happened, &moment);
        }
        assert_eq!(feed.desk().ring.len(), KEPT, "a slow client holds no memory");
        assert!(feed.after(10).is_none());
        let last = feed.last();
        assert_eq!(feed.after(last - 1).unwrap().len(), 1);
        assert_eq!(feed.after(last).unwrap().len(), 0);
        let id = feed.id(Mark::at(DateTime::UNIX_EPOCH), last - 3);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!((feed.find(&id), Feed::default().find(&id)), (Some(last - 3), None));
        let ancient = format!("-8334601228800000000.{}.{}.1.1", Uuid::nil(), Uuid::max());
        assert_eq!(("1.2.3".parse::<Id>(), ancient.parse::<Id>()), (Err(()), Err(())));
    }
}
