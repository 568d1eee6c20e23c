//! The listening connection of a worker.

use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::time::timeout;
use uuid::Uuid;

use crate::db::connect::takes_writes;
use crate::db::{Db, jobs};
use crate::model::failure::{Failure, Kind, Result};

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

/// Hears of jobs, and of what people do to them, on a connection of its own that goes through no pooler.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
    patience: Duration,
    check_every: Duration,
}

impl Db {
    /// A connection of its own that listens.
    pub async fn listen(&self) -> Result<Listener> {
        let connector = &self.direct;
        if connector.has_choice() {
            // The listener connects by itself, but to one host: the right one must be known first.
            drop(connector.connect().await?.close().await);
        }
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(connector.wait());
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(connector.options())).await?;
        listener.eager_reconnect(false);
        listener.listen_all([jobs::CHANNEL, jobs::CONTROL]).await?;
        let check_every = if connector.has_choice() { CHECK_EVERY } else { CHECK_EVERY_SINGLE };
        Ok(Listener { listener, patience: connector.wait(), check_every })
    }
}

impl Listener {
    /// Waits for word. An error means that some may have been missed.
    pub async fn heard(&mut self) -> Result<Word> {
        let cut = |how| Failure::new(Kind::Database, format!("the listening connection {how}"));
        loop {
            match timeout(self.check_every, self.listener.try_recv()).await {
                Ok(heard) => return heard?.map(|word| meaning(&word)).ok_or_else(|| cut("was cut")),
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

fn meaning(word: &PgNotification) -> Word {
    match (word.channel(), word.payload().parse()) {
        (jobs::CHANNEL, _) => Word::Jobs,
        (_, Ok(worker)) => Word::Cancelled(worker),
        _ if word.payload() == "due" => Word::Due,
        _ => Word::Steered,
    }
}
