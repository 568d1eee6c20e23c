//! Listening connections.

use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::time::timeout;
use uuid::Uuid;

use crate::db::Db;
use crate::db::connect::takes_writes;
use crate::model::failure::{Failure, Kind, Result};

/// Where [`sleepers`](crate::db::sleepers) are woken.
const JOBS: &str = "queue_jobs";
/// Where workers are told what somebody did to the queue: the id of a worker one of whose jobs was cancelled, or nothing
/// where a kind was paused, resumed or limited.
pub(super) const CONTROL: &str = "queue_control";
/// How often a silent connection is asked whether it is well: nobody enqueues any more where a server was demoted.
const CHECK_EVERY: Duration = Duration::from_secs(15);
/// The same where there is one server only. A worker that is not woken looks by itself, and sooner.
const CHECK_EVERY_SINGLE: Duration = Duration::from_mins(2);

/// What a worker hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// There are jobs for who sleeps.
    Jobs,
    /// A job of this worker was cancelled.
    Cancelled(Uuid),
    /// Something is due earlier than was thought.
    Due,
    /// Kinds were paused, resumed or limited.
    Steered,
}

/// A connection that listens, of its own and through no pooler.
#[derive(Debug)]
pub(super) struct Ear {
    listener: PgListener,
    patience: Duration,
    check_every: Duration,
}

impl Ear {
    /// Begins to listen on these channels.
    pub async fn open(db: &Db, channels: &[&str]) -> Result<Self> {
        let connector = &db.direct;
        if connector.has_choice() {
            // The listener connects by itself, but to one host: the right one must be known first.
            drop(connector.connect().await?.close().await);
        }
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(connector.wait());
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(connector.options())).await?;
        listener.eager_reconnect(false);
        listener.listen_all(channels.iter().copied()).await?;
        let check_every = if connector.has_choice() { CHECK_EVERY } else { CHECK_EVERY_SINGLE };
        Ok(Self { listener, patience: connector.wait(), check_every })
    }

    /// Waits for a notification. An error means that some may have been missed.
    pub async fn heard(&mut self) -> Result<PgNotification> {
        let cut = |how| Failure::new(Kind::Database, format!("the listening connection {how}"));
        loop {
            match timeout(self.check_every, self.listener.try_recv()).await {
                Ok(heard) => return heard?.ok_or_else(|| cut("was cut")),
                Err(_) => match timeout(self.patience, takes_writes(&mut self.listener)).await {
                    Ok(Ok(true)) => {}
                    Ok(Ok(false)) => return Err(cut("is to a server that takes no writes any more")),
                    Ok(Err(error)) => return Err(error.into()),
                    Err(_) => return Err(cut("does not answer")),
                },
            }
        }
    }
}

/// Hears of jobs, and of what people do to them.
#[derive(Debug)]
pub struct Listener(Ear);

impl Db {
    /// Begins to listen for what concerns a worker.
    pub async fn listen(&self) -> Result<Listener> {
        Ear::open(self, &[JOBS, CONTROL]).await.map(Listener)
    }
}

impl Listener {
    /// Waits for word. An error means that some may have been missed.
    pub async fn heard(&mut self) -> Result<Word> {
        Ok(meaning(&self.0.heard().await?))
    }
}

fn meaning(word: &PgNotification) -> Word {
    match (word.channel(), word.payload().parse()) {
        (JOBS, _) => Word::Jobs,
        (_, Ok(worker)) => Word::Cancelled(worker),
        _ if word.payload() == "due" => Word::Due,
        _ => Word::Steered,
    }
}
