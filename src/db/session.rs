//! A connection in use, whatever stands between it and the server.
//!
//! Where nothing does, statements are prepared once per connection and kept. A pooler in transaction mode may carry out
//! each transaction on another server connection, so there a statement is never given a name, and one that is part of no
//! transaction gets one of its own: between its preparing and its execution the server connection would else be free to
//! change.

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgQueryResult, PgRow, PgStatement, PgTransaction, PgTypeInfo};
use sqlx::{Connection, Describe, Either, Error, Execute, Executor, Postgres, SqlStr};

use crate::config::Pooler;

/// A connection. Statements run on `&mut` of it.
#[derive(Debug)]
pub struct Session<'c> {
    holder: Holder<'c>,
    pooler: Pooler,
}

#[derive(Debug)]
enum Holder<'c> {
    Own(PgConnection),
    OfPool(PoolConnection<Postgres>),
    Begun(PgTransaction<'c>),
    Lent(&'c mut PgConnection),
    LentIdle(&'c mut PgConnection),
}

impl Session<'static> {
    pub(super) fn own(connection: PgConnection, pooler: Pooler) -> Self {
        Self { holder: Holder::Own(connection), pooler }
    }

    pub(super) fn of_pool(connection: PoolConnection<Postgres>, pooler: Pooler) -> Self {
        Self { holder: Holder::OfPool(connection), pooler }
    }
}

impl<'c> Session<'c> {
    /// The caller's own transaction, or connection, for as long as it is lent. `pooler` is what stands between it and the
    /// server; with one in transaction mode the caller must have begun a transaction.
    pub fn lent(connection: &'c mut PgConnection, pooler: Pooler) -> Self {
        Self { holder: Holder::Lent(connection), pooler }
    }

    /// Begins a transaction. It is rolled back unless it is committed.
    pub async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let pooler = self.pooler;
        let begun = self.connection().begin().await?;
        Ok(Transaction(Session { holder: Holder::Begun(begun), pooler }))
    }

    /// Closes a connection of its own; one that belongs to somebody else goes back.
    pub async fn close(self) -> Result<(), Error> {
        match self.holder {
            Holder::Own(connection) => connection.close().await,
            _ => Ok(()),
        }
    }

    /// The bare connection, for what needs no care about poolers.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match &mut self.holder {
            Holder::Own(connection) => connection,
            Holder::OfPool(connection) => connection,
            Holder::Begun(transaction) => transaction,
            Holder::Lent(connection) | Holder::LentIdle(connection) => connection,
        }
    }

    fn is_in_transaction(&self) -> bool {
        matches!(self.holder, Holder::Begun(_) | Holder::Lent(_))
    }
}

impl<'c> From<&'c mut PgConnection> for Session<'c> {
    /// The caller's own connection, with no pooler in between.
    fn from(connection: &'c mut PgConnection) -> Self {
        Self::lent(connection, Pooler::None)
    }
}

impl<'c> From<&'c mut PgTransaction<'_>> for Session<'c> {
    /// The caller's own transaction, with no pooler in between.
    fn from(transaction: &'c mut PgTransaction<'_>) -> Self {
        Self::lent(transaction, Pooler::None)
    }
}

impl<'c> From<&'c mut Session<'_>> for Session<'c> {
    /// A connection of ours, in a transaction or not.
    fn from(session: &'c mut Session<'_>) -> Self {
        let (pooler, in_transaction) = (session.pooler, session.is_in_transaction());
        let connection = session.connection();
        let holder = if in_transaction { Holder::Lent(connection) } else { Holder::LentIdle(connection) };
        Self { holder, pooler }
    }
}

impl<'c> From<&'c mut Transaction<'_>> for Session<'c> {
    fn from(transaction: &'c mut Transaction<'_>) -> Self {
        let pooler = transaction.0.pooler;
        Self::lent(transaction.0.connection(), pooler)
    }
}

/// A transaction of ours; rolled back unless it is committed.
#[derive(Debug)]
pub struct Transaction<'c>(Session<'c>);

impl Transaction<'_> {
    /// Begins one on a connection of the pool.
    pub(super) async fn of_pool(connection: PoolConnection<Postgres>, pooler: Pooler) -> Result<Self, Error> {
        let begun = PgTransaction::begin(connection, None).await?;
        Ok(Self(Session { holder: Holder::Begun(begun), pooler }))
    }

    /// Commits.
    pub async fn commit(self) -> Result<(), Error> {
        match self.0.holder {
            Holder::Begun(transaction) => transaction.commit().await,
            _ => Ok(()),
        }
    }

    /// Rolls back, and waits until that is done.
    pub async fn rollback(self) -> Result<(), Error> {
        match self.0.holder {
            Holder::Begun(transaction) => transaction.rollback().await,
            _ => Ok(()),
        }
    }
}

impl<'c> std::ops::Deref for Transaction<'c> {
    type Target = Session<'c>;

    fn deref(&self) -> &Session<'c> {
        &self.0
    }
}

impl<'c> std::ops::DerefMut for Transaction<'c> {
    fn deref_mut(&mut self) -> &mut Session<'c> {
        &mut self.0
    }
}

/// A result of a statement: how many rows it touched, or one that it returned.
pub(super) type Step = Either<PgQueryResult, PgRow>;

impl<'s> Executor<'s> for &'s mut Session<'_> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        's: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.pooler == Pooler::None {
            return self.connection().fetch_many(query);
        }
        match Unnamed::of(query) {
            Err(error) => stream::once(async { Err(error) }).boxed(),
            // Without arguments it is one message, which no pooler parts.
            Ok(query) if self.is_in_transaction() || query.arguments.is_none() => self.connection().fetch_many(query),
            Ok(query) => stream::once(alone(self.connection(), query)).try_flatten().boxed(),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        's: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(first_row(self.fetch_many(query)))
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        's: 'e,
    {
        self.connection().prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        's: 'e,
    {
        self.connection().describe(sql)
    }
}

/// The first row. All are waited for: with deferred constraints the failure may come after them.
pub(super) async fn first_row(mut steps: BoxStream<'_, Result<Step, Error>>) -> Result<Option<PgRow>, Error> {
    let mut first = None;
    while let Some(step) = steps.try_next().await? {
        if let (Either::Right(row), None) = (step, &first) {
            first = Some(row);
        }
    }
    Ok(first)
}

/// Runs a statement in a transaction of its own. What it returns counts only once that is committed.
async fn alone(
    connection: &mut PgConnection,
    query: Unnamed,
) -> Result<impl futures_util::Stream<Item = Result<Step, Error>>, Error> {
    let mut transaction = connection.begin().await?;
    let steps: Vec<Step> = transaction.fetch_many(query).try_collect().await?;
    transaction.commit().await?;
    Ok(stream::iter(steps.into_iter().map(Ok)))
}

/// A statement that is prepared without a name, and hence forgotten after its execution.
#[derive(Debug)]
struct Unnamed {
    sql: SqlStr,
    arguments: Option<PgArguments>,
}

impl Unnamed {
    fn of<'q>(mut query: impl Execute<'q, Postgres>) -> Result<Self, Error> {
        let arguments = query.take_arguments().map_err(Error::Encode)?;
        Ok(Self { sql: query.sql(), arguments })
    }
}

impl Execute<'_, Postgres> for Unnamed {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, sqlx::error::BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        false
    }
}
