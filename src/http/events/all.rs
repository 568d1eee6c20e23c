//! The events of all jobs, for one who listens.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use axum::response::sse::Event;
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::event;
use super::feed::{Feed, Id, KEPT, Key, LONGEST, ROWS, in_order};
use super::places::Place;
use crate::db::events::{self, Mark};
use crate::http::Site;
use crate::model::failure::Result;

/// One who listens.
struct Listener {
    feed: Feed,
    news: watch::Receiver<u64>,
    counts: watch::Receiver<Option<Arc<str>>>,
    /// The last event that it was told, or passed over.
    number: u64,
    /// What it was told before it came, or need not know.
    floor: Option<Mark>,
    replayed: HashSet<Key>,
    pending: VecDeque<Event>,
    /// Held for as long as it listens.
    _place: Place,
}

/// What happens from now on, or after the event with the id `last`.
pub(super) async fn stream(
    site: &Site,
    last: Option<&str>,
    place: Place,
) -> Result<impl Stream<Item = Event> + Send + use<>> {
    let feed = site.feed.clone();
    let now = events::now(&site.db).await?;
    let (news, counts) = feed.listen(&site.db, &site.stop);
    let mut listener = Listener {
        number: feed.last(),
        floor: Some(Mark::at(now)),
        feed,
        news,
        counts,
        replayed: HashSet::new(),
        pending: VecDeque::new(),
        _place: place,
    };
    // What came while this was being set up is news, too.
    listener.news.mark_changed();
    match last.map(str::parse::<Id>) {
        None => {}
        Some(Ok(id)) => match listener.feed.find(&id) {
            Some(number) => (listener.number, listener.floor) = (number, None),
            None if now - id.mark.ended_at.max(id.mark.enqueued_at()) < LONGEST => {
                listener.replay(site, id.mark).await?;
            }
            None => listener.reset(),
        },
        Some(Err(())) => listener.reset(),
    }
    Ok(stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((event, listener))
    }))
}

impl Listener {
    /// Tells what happened since a mark that another process gave, or this one long ago.
    async fn replay(&mut self, site: &Site, mark: Mark) -> Result<()> {
        let (enqueued, ended) = events::since(&site.db, mark, ROWS).await?;
        let missed = in_order(mark, mark.enqueued, &enqueued, &ended);
        if missed.len() > KEPT {
            self.reset();
            return Ok(());
        }
        self.floor = Some(mark);
        for (happened, moment) in missed {
            let id = self.feed.id(happened.mark, 0).to_string();
            self.pending.push_back(event(happened.name(), &id, serde_json::json!(moment).to_string()));
            self.replayed.insert(happened.key);
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.pending.push_back(Event::default().event("reset").data("{}"));
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            tokio::select! {
                biased;
                changed = self.counts.changed() => {
                    changed.ok()?;
                    let counts = self.counts.borrow_and_update().clone();
                    self.pending.extend(counts.map(|counts| Event::default().event("stats").data(&*counts)));
                }
                changed = self.news.changed() => {
                    changed.ok()?;
                    self.read();
                }
            }
        }
    }

    /// Takes over some of the events that are new; asks to be called again where there are more.
    fn read(&mut self) {
        let Some(entries) = self.feed.after(self.number) else {
            // It read too slowly.
            self.number = self.feed.last();
            return self.reset();
        };
        for entry in &entries {
            self.number = entry.number;
            let happened = &entry.happened;
            if self.replayed.contains(&happened.key) || self.floor.is_some_and(|floor| happened.is_before(floor)) {
                continue;
            }
            let id = self.feed.id(happened.mark, entry.number).to_string();
            self.pending.push_back(event(happened.name(), &id, entry.data.clone()));
        }
        if !entries.is_empty() {
            self.news.mark_changed();
        }
    }
}
