//! Hearing of enqueued jobs.

use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::timeout;

use crate::db::connect::{Connector, takes_writes};
use crate::model::failure::{Failure, Kind, Result};

/// How often a silent connection is asked whether it is well: nobody enqueues any more where a server was demoted.
const CHECK_EVERY: Duration = Duration::from_secs(15);

/// Hears of enqueued jobs, on a connection of its own that goes through no pooler.
#[derive(Debug)]
pub struct JobListener {
    listener: PgListener,
    patience: Duration,
}

impl JobListener {
    pub(super) async fn connect(connector: &Connector, channel: &str) -> Result<Self> {
        if connector.has_choice() {
            // The listener connects by itself, but to one host: the right one must be known first.
            drop(connector.connect().await?.close().await);
        }
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(connector.wait());
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(connector.options())).await?;
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(Self { listener, patience: connector.wait() })
    }

    /// Waits until somebody enqueued a job. An error means that word may have been missed.
    pub async fn heard(&mut self) -> Result<()> {
        let cut = |how| Failure::new(Kind::Database, format!("the listening connection {how}"));
        loop {
            match timeout(CHECK_EVERY, self.listener.try_recv()).await {
                Ok(heard) => return heard?.map(drop).ok_or_else(|| cut("was cut")),
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
