//! Hearing of enqueued jobs.

use sqlx::Connection;
use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::db::connect::Connector;
use crate::model::failure::{Failure, Kind, Result};

/// Hears of enqueued jobs, on a connection of its own that goes through no pooler.
#[derive(Debug)]
pub struct JobListener(PgListener);

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
        Ok(Self(listener))
    }

    /// Waits until somebody enqueued a job. An error means that word may have been missed.
    pub async fn heard(&mut self) -> Result<()> {
        self.0
            .try_recv()
            .await?
            .map(drop)
            .ok_or_else(|| Failure::new(Kind::Database, "the listening connection was cut"))
    }
}
