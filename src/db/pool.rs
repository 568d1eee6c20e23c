//! The pool, for statements that wait for nobody else: see [`crate::db::Line`] for those that must not wait.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgPoolOptions, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Error, Execute, Executor, Postgres, SqlStr};
use tokio::pin;
use tokio::time::timeout;

use crate::config;
use crate::db::connect::{Connector, HEAD_START, takes_writes};
use crate::db::session::{Session, Step, Transaction, first_row};

/// How long a connection that comes back to the pool may take to show that it is well.
const RELEASE_PATIENCE: Duration = Duration::from_secs(5);

/// A pool of connections. Statements run on `&` of it; their rows are gathered first. For rows that are too many to
/// gather, [`acquire`](Self::acquire) a session.
#[derive(Debug, Clone)]
pub struct Pool {
    inner: PgPool,
    connector: Arc<Connector>,
}

impl Pool {
    pub(super) fn new(connector: Arc<Connector>, settings: &config::Database) -> Self {
        let options = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(connector.wait())
            .idle_timeout(Duration::from_secs(300))
            // A connection whose server has vanished without a word never answers. Who gave up waiting on it must get
            // its place in the pool back. (The pool tests once more, without a limit: a server that falls silent just
            // between the two costs that place.) One to a server that takes no writes any more is not kept either.
            .after_release(|connection, _| {
                Box::pin(async {
                    Ok(matches!(timeout(RELEASE_PATIENCE, takes_writes(connection)).await, Ok(Ok(true))))
                })
            });
        let options = if connector.has_choice() {
            // Of several hosts only the one that takes writes is ours.
            options
                .test_before_acquire(false)
                .before_acquire(|connection, _| Box::pin(takes_writes(connection)))
                .after_connect(|connection, _| {
                    Box::pin(async {
                        if takes_writes(connection).await? {
                            Ok(())
                        } else {
                            Err(Error::protocol("it takes no writes"))
                        }
                    })
                })
        } else {
            options
        };
        let inner = options.connect_lazy_with(connector.options());
        connector.steer(inner.clone());
        Self { inner, connector }
    }

    /// A connection, which goes back when it is dropped.
    pub async fn acquire(&self) -> Result<Session<'static>, Error> {
        Ok(Session::of_pool(self.connection().await?, self.connector.pooler()))
    }

    /// A connection, if one is free now.
    #[must_use]
    pub fn try_acquire(&self) -> Option<Session<'static>> {
        Some(Session::of_pool(self.inner.try_acquire()?, self.connector.pooler()))
    }

    /// Begins a transaction. It is rolled back unless it is committed.
    pub async fn begin(&self) -> Result<Transaction<'static>, Error> {
        Transaction::of_pool(self.connection().await?, self.connector.pooler()).await
    }

    pub(super) async fn close(&self) {
        self.inner.close().await;
    }

    /// Where hosts are to choose from, one that keeps us waiting may be the wrong one by now.
    async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        let acquiring = self.inner.acquire();
        if !self.connector.has_choice() {
            return acquiring.await;
        }
        pin!(acquiring);
        match timeout(HEAD_START, &mut acquiring).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(_)) => {
                Arc::clone(&self.connector).look_again().await;
                self.inner.acquire().await
            }
            Err(_) => {
                tokio::spawn(Arc::clone(&self.connector).look_again());
                acquiring.await
            }
        }
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let gathered = async move {
            let mut session = self.acquire().await?;
            let steps: Vec<Step> = session.fetch_many(query).try_collect().await?;
            Ok::<_, Error>(stream::iter(steps.into_iter().map(Ok)))
        };
        stream::once(gathered).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(first_row(self.fetch_many(query)))
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        (&self.inner).prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        (&self.inner).describe(sql)
    }
}
