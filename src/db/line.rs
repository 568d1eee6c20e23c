//! A connection of its own, which a hot loop holds.
//!
//! ```ignore
//! let mut held = line.take().await?;
//! query.execute(held.connection()).await?;
//! held.give_back();
//! ```

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout};

use crate::config::Pooler;
use crate::db::connect::{Connector, takes_writes};
use crate::db::session::Session;
use crate::model::failure::Result;

/// A connection that was used this recently is taken to be well. Where it is not, the statement fails, and is tried
/// again by those who would have had to try it again in any case. It is shorter than the pause between the looks of the
/// watch, which only reads: its statements would work on for ever on a server that was demoted.
const FRESH: Duration = Duration::from_millis(400);

/// One connection of one caller, made when it is first taken and anew whenever it was lost.
///
/// It is no pool: a pool tests what it is given back for as long as that takes, and would lose its only place to a
/// server that fell silent in that moment.
#[derive(Debug)]
pub struct Line {
    connector: Arc<Connector>,
    idle: Mutex<Option<Idle>>,
}

/// A connection that waits to be used again.
#[derive(Debug)]
struct Idle {
    connection: Session<'static>,
    used: Instant,
    /// How many connections had been lost when it was well last.
    losses: u64,
}

impl Line {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, idle: Mutex::default() }
    }

    /// The connection, once nobody else holds it. Unless it was used just now it is asked first whether its server takes
    /// writes, and replaced where it gets no such answer.
    pub async fn take(&self) -> Result<HeldLine<'_>> {
        let mut place = self.idle.lock().await;
        let connection = match place.take() {
            // Where another was lost meanwhile this one was most likely, too.
            Some(idle) if idle.used.elapsed() < FRESH && idle.losses == self.connector.losses() => {
                Some(idle.connection)
            }
            Some(Idle { mut connection, .. }) => self.is_well(&mut connection).await.then_some(connection),
            None => None,
        };
        let connection = match connection {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(HeldLine { place, connection, unless_given_back: Loss(Some(&self.connector)) })
    }

    /// A new connection for statements that all go by an index, whatever their parameters. The planner is told so: it
    /// would plan a claim anew each time, which takes longer than the claim; and of a table that was small or empty when it
    /// last looked it would rather read the whole, also long after that has grown. A pooler in transaction mode would give
    /// the settings to others; there it plans as it likes.
    async fn connect(&self) -> Result<Session<'static>> {
        let mut connection = self.connector.connect().await?;
        if self.connector.pooler() == Pooler::None {
            // What cannot do without costs so much on paper that it would be compiled for.
            sqlx::raw_sql("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off")
                .execute(&mut connection)
                .await?;
        }
        Ok(Session::own(connection, self.connector.pooler()))
    }

    /// Closes the connection, once nobody holds it.
    pub async fn close(&self) {
        if let Some(Idle { connection, .. }) = self.idle.lock().await.take() {
            drop(timeout(self.connector.wait(), connection.close()).await);
        }
    }

    async fn is_well(&self, connection: &mut Session<'static>) -> bool {
        let wait = self.connector.wait();
        if self.connector.has_choice() {
            return matches!(timeout(wait, takes_writes(connection.connection())).await, Ok(Ok(true)));
        }
        // No other is to be had; a sign of life is no statement, of which an idle worker sends few.
        matches!(timeout(wait, connection.connection().ping()).await, Ok(Ok(())))
    }
}

/// The connection of a [`Line`] while it is in use. Unless it is given back it is closed: what failed or was abandoned
/// half way takes it with it.
#[derive(Debug)]
pub struct HeldLine<'a> {
    place: MutexGuard<'a, Option<Idle>>,
    pub(super) connection: Session<'static>,
    unless_given_back: Loss<'a>,
}

/// Counts a loss when it is dropped.
#[derive(Debug)]
struct Loss<'a>(Option<&'a Connector>);

impl Drop for Loss<'_> {
    fn drop(&mut self) {
        if let Some(connector) = self.0 {
            connector.note_a_loss();
        }
    }
}

impl HeldLine<'_> {
    /// The connection.
    pub fn connection(&mut self) -> &mut Session<'static> {
        &mut self.connection
    }

    /// Keeps the connection for the next time.
    pub fn give_back(mut self) {
        let losses = self.unless_given_back.0.take().map_or(0, Connector::losses);
        *self.place = Some(Idle { connection: self.connection, used: Instant::now(), losses });
    }
}
