//! Carries migrations out: one process at a time, with patience for others, stopped cleanly.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::apply::{Broken, apply};
use super::blocking::{self, watched};
use super::goal::Goal;
use super::record::{self, Mark};
use super::revisions::{Revision, Revisions};
use super::state::SchemaState;
use super::{Way, foreign, state_of};
use crate::db::connect::takes_writes;
use crate::db::{Db, history};
use crate::model::failure::{Failure, Kind, Result};

/// Taken while migrating, so that two hosts never do it at once. Any number that nobody else uses.
const LOCK: i64 = 0x7265_706f_3263_6174;
/// How long a stopped session is waited for.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// How migrations are carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a statement waits for a lock that others hold.
    pub lock_timeout: Duration,
    /// How often a migration is tried that waited in vain.
    pub tries: u32,
    /// Pause between the tries.
    pub pause: Duration,
    /// How long another process that migrates is waited for.
    pub patience: Duration,
    /// Whether tables of others may stay beside ours.
    pub beside: bool,
    /// Stops it.
    pub stop: CancellationToken,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(5),
            tries: 4,
            pause: Duration::from_secs(1),
            patience: Duration::from_secs(60),
            beside: false,
            stop: CancellationToken::new(),
        }
    }
}

/// What [`Runner::stamp`] changed in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// Recorded as applied, as they are in this program.
    pub added: Vec<i64>,
    /// Recorded no more.
    pub forgotten: Vec<i64>,
}

/// Carries migrations out on a database.
#[derive(Debug)]
pub struct Runner<'a> {
    db: &'a Db,
    revisions: &'a Revisions,
    options: Options,
}

impl<'a> Runner<'a> {
    /// With the migrations of this program.
    #[must_use]
    pub fn new(db: &'a Db, options: Options) -> Self {
        Self::with(db, Revisions::ours(), options)
    }

    /// With any others.
    #[must_use]
    pub fn with(db: &'a Db, revisions: &'a Revisions, options: Options) -> Self {
        Self { db, revisions, options }
    }

    /// How the schema relates to these migrations.
    pub async fn state(&self) -> Result<SchemaState> {
        let mut session = self.db.connect_directly().await?;
        let state = state_of(session.connection(), self.revisions).await;
        drop(session.close().await);
        state
    }

    /// What [`Runner::up`] or [`Runner::down`] would do, in order, or why they would refuse.
    pub async fn plan(&self, way: Way, goal: Goal) -> Result<Vec<&'a Revision>> {
        let mut session = self.db.connect_directly().await?;
        let planned = self.plan_on(session.connection(), way, goal).await;
        drop(session.close().await);
        planned.map(|(_, plan)| plan)
    }

    /// Applies migrations up to `goal`; returns them, version and name: nothing where a newer program has been here.
    pub async fn up(&self, goal: Goal) -> Result<Vec<(i64, String)>> {
        self.go(Way::Up, goal).await
    }

    /// Takes migrations back down to `goal`, with all that their tables hold; returns them.
    pub async fn down(&self, goal: Goal) -> Result<Vec<(i64, String)>> {
        self.go(Way::Down, goal).await
    }

    /// Records the schema as being at `goal`, whatever it is, and carries out nothing.
    pub async fn stamp(&self, goal: Goal) -> Result<Stamped> {
        let Some(goal) = goal.version(self.revisions) else {
            return Err(Failure::new(Kind::Invalid, "a number of steps cannot be stamped")
                .hint("name a revision, head or base"));
        };
        let mut session = self.db.connect_directly().await?;
        let connection = session.connection();
        lock(connection, self.options.patience).await?;
        let state = state_of(connection, self.revisions).await?;
        if state.recorded.is_empty() {
            foreign::require_not_the_original(connection).await?;
        }
        let forgotten: Vec<i64> = state.recorded.keys().copied().filter(|version| *version > goal).collect();
        let is_ours = |version: i64| !state.edited.contains(&version) && state.recorded[&version].is_whole;
        let is_missing = |revision: &&Revision| {
            let version = revision.version;
            version <= goal && !(state.recorded.contains_key(&version) && is_ours(version))
        };
        let added: Vec<&Revision> = self.revisions.iter().filter(is_missing).collect();
        let mut transaction = connection.begin().await?;
        record::make_table(&mut transaction).await?;
        for version in &forgotten {
            record::forget(&mut transaction, *version).await?;
        }
        for revision in &added {
            record::note(&mut transaction, revision, Mark::Stamped).await?;
        }
        transaction.commit().await?;
        drop(session.close().await);
        Ok(Stamped { added: added.iter().map(|revision| revision.version).collect(), forgotten })
    }

    async fn go(&self, way: Way, goal: Goal) -> Result<Vec<(i64, String)>> {
        let mut session = self.db.connect_directly().await?;
        let pid = prepare(session.connection()).await?;
        let work = self.go_on(session.connection(), pid, way, goal);
        let done = self.options.stop.run_until_cancelled(work).await;
        let Some(done) = done else {
            // Its connection first, or the server would still wait for us.
            drop(session);
            return Err(self.stopped(pid).await);
        };
        // The lock goes with the connection.
        drop(session.close().await);
        done
    }

    async fn go_on(&self, connection: &mut PgConnection, pid: i32, way: Way, goal: Goal) -> Result<Vec<(i64, String)>> {
        lock(connection, self.options.patience).await?;
        let (state, plan) = self.plan_on(connection, way, goal).await?;
        if !plan.is_empty() {
            record::make_table(connection).await?;
        }
        for revision in &plan {
            self.patiently(connection, pid, revision, way).await?;
        }
        // A schema that is not whole has no history yet, and one of a newer program is that one's business.
        if way == Way::Up && plan.len() == state.pending.len() && state.unknown.is_empty() {
            history::ensure_partitions_if_any(connection).await?;
        }
        Ok(plan.iter().map(|revision| (revision.version, revision.name.clone())).collect())
    }

    async fn plan_on(
        &self,
        connection: &mut PgConnection,
        way: Way,
        goal: Goal,
    ) -> Result<(SchemaState, Vec<&'a Revision>)> {
        let state = state_of(connection, self.revisions).await?;
        state.require_known()?;
        let plan = match way {
            Way::Up if state.is_newer() => Vec::new(),
            Way::Up => goal.above(&state, self.revisions)?,
            Way::Down => goal.below(&state, self.revisions)?,
        };
        if way == Way::Down && !plan.is_empty() {
            require_ways_back(&state, &plan)?;
        }
        if !plan.is_empty() && !takes_writes(&mut *connection).await? {
            return Err(Failure::new(Kind::Database, "the database takes no writes: nothing was migrated").hint(
                "is it a standby, or default_transaction_read_only set for it or its user? Name a server that can \
                 write in database.url",
            ));
        }
        if way == Way::Up && state.recorded.is_empty() && !plan.is_empty() && !self.options.beside {
            foreign::require_none(connection).await?;
        }
        Ok((state, plan))
    }

    /// Tries again while others hold what it needs. Between the tries it holds nothing itself, so that they can go on.
    async fn patiently(&self, connection: &mut PgConnection, pid: i32, revision: &Revision, way: Way) -> Result<()> {
        let Options { lock_timeout, tries, pause, .. } = self.options;
        let mut seen = Vec::new();
        for attempt in 1.. {
            let (done, blockers) = watched(self.db, pid, apply(connection, revision, way, lock_timeout)).await;
            if !blockers.is_empty() {
                seen = blockers;
            }
            let Err(broken) = done else { break };
            if !broken.is_busy() {
                return Err(self.explain(connection, revision, way, broken).await);
            }
            let held = blocking::list(&seen);
            if attempt >= tries {
                let seconds = lock_timeout.as_secs_f64();
                let failure = broken.explain(revision, way);
                let what = format!("{} after {tries} tries with a wait of {seconds} s each{held}", failure.what());
                return Err(Failure::new(Kind::Conflict, what).hint(blocking::hint(&seen)));
            }
            tracing::warn!("migration {revision} waits for a lock{held}");
            sleep(pause).await;
        }
        Ok(())
    }

    /// Says what is left, beside what failed.
    async fn explain(&self, connection: &mut PgConnection, revision: &Revision, way: Way, broken: Broken) -> Failure {
        let failure = broken.explain(revision, way);
        let Ok(state) = state_of(connection, self.revisions).await else { return failure };
        let again = match way {
            Way::Up => "repo-to-cat migrate up",
            Way::Down => "repo-to-cat migrate down",
        };
        let left = if state.broken().any(|version| version == revision.version) {
            "what it did before that statement stays, and the next try begins it anew".to_owned()
        } else {
            let nothing = match way {
                Way::Up => "nothing of it was applied",
                Way::Down => "nothing of it was taken back",
            };
            format!("{nothing}: the schema is still at {}", state.label(state.current))
        };
        let todo = failure.hint_text().unwrap_or("take away what is in its way").to_owned();
        failure.hint(format!("{left}; {todo}, then type: {again}"))
    }

    /// Ends the session that was stopped, whatever it was at, and tells where that left the schema.
    async fn stopped(&self, pid: i32) -> Failure {
        let stopped = |what: &str| Failure::new(Kind::Cancelled, format!("stopped while migrating: {what}"));
        let look = async {
            let mut session = self.db.connect_directly().await?;
            let connection = session.connection();
            let deadline = Instant::now() + END_PATIENCE;
            loop {
                let is_gone: bool = sqlx::query_scalar(
                    "SELECT count(pg_terminate_backend(pid)) = 0 FROM pg_stat_activity WHERE pid = $1",
                )
                .bind(pid)
                .fetch_one(&mut *connection)
                .await?;
                if is_gone || Instant::now() >= deadline {
                    break;
                }
                sleep(Duration::from_millis(50)).await;
            }
            state_of(connection, self.revisions).await
        };
        match look.await {
            Ok(state) => {
                let at = state.label(state.current);
                match state.broken().next() {
                    Some(broken) => stopped(&format!("{} was broken off, the schema is at {at}", state.label(broken)))
                        .hint("begin it anew with: repo-to-cat migrate up"),
                    None => stopped(&format!("what was begun was taken back, the schema is at {at}"))
                        .hint("go on with: repo-to-cat migrate up"),
                }
            }
            Err(failure) => stopped("and the database does not say how far it came")
                .hint("see where it is with: repo-to-cat migrate current")
                .source(failure),
        }
    }
}

/// Going back needs the scripts of all that is applied.
fn require_ways_back(state: &SchemaState, plan: &[&Revision]) -> Result<()> {
    if let Some(newest) = state.unknown.last() {
        let what = format!("a newer program migrated the database: this one cannot take back {}", state.label(*newest));
        return Err(Failure::new(Kind::Schema, what).hint("take it back with that program"));
    }
    match plan.iter().find(|revision| revision.down_script().is_none()) {
        Some(revision) => Err(Failure::new(Kind::Schema, format!("migration {revision} has no way back"))),
        None => Ok(()),
    }
}

/// Lets statements take their time, and has the server notice within seconds when this process is killed. Returns the
/// session's process on the server.
async fn prepare(connection: &mut PgConnection) -> Result<i32> {
    let pid = sqlx::query_scalar(
        "SELECT pg_backend_pid(), set_config('statement_timeout', '0', false),
                set_config('idle_in_transaction_session_timeout', '0', false)",
    )
    .fetch_one(&mut *connection)
    .await?;
    // From 14 on, and where the server's system can do it.
    let watch = "SELECT set_config(name, '2s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'";
    drop(sqlx::query(watch).execute(connection).await);
    Ok(pid)
}

/// Polled: a session that blocks on an advisory lock holds a snapshot that CREATE INDEX CONCURRENTLY waits for.
pub(super) async fn lock(connection: &mut PgConnection, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        let got: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut *connection).await?;
        if got {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let holders = blocking::of_lock(connection, LOCK).await.unwrap_or_default();
            let held = blocking::list(&holders);
            let seconds = patience.as_secs_f64();
            let what = format!("another process has been migrating this database for {seconds} s{held}");
            return Err(Failure::new(Kind::Conflict, what).hint(blocking::hint(&holders)));
        }
        sleep(Duration::from_millis(200)).await;
    }
}
