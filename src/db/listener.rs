//! The listening connection of a worker.

use sqlx::postgres::PgListener;
use uuid::Uuid;

use crate::db::{Db, jobs};
use crate::model::failure::{Failure, Kind, Result};

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

/// Hears of jobs, and of what people do to them.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Db {
    /// A connection of its own that listens.
    pub async fn listen(&self) -> Result<Listener> {
        let mut listener = PgListener::connect_with(self.pool()).await?;
        listener.listen_all([jobs::CHANNEL, jobs::CONTROL]).await?;
        Ok(Listener(listener))
    }
}

impl Listener {
    /// Waits for word. An error means that some may have been missed.
    pub async fn heard(&mut self) -> Result<Word> {
        let word = self.0.try_recv().await?;
        let word = word.ok_or_else(|| Failure::new(Kind::Database, "the listening connection was cut"))?;
        Ok(match (word.channel(), word.payload().parse()) {
            (jobs::CHANNEL, _) => Word::Jobs,
            (_, Ok(worker)) => Word::Cancelled(worker),
            _ if word.payload() == "due" => Word::Due,
            _ => Word::Steered,
        })
    }
}
