//! The lock guard: a backup's locks must not hold up others for long.
//!
//! `pg_dump` locks every table against being altered. Who wants to alter one waits, and behind it everybody who only wants
//! to read it. So somebody looks, and once somebody has waited long enough the backup gives way: it is made later.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::db::Session;
use crate::db::server::Server;
use crate::db::source::blocked::{Waiting, waiting_for};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::secret::redact;

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a look may take: a server that does not answer is no reason to stop a dump that goes on.
const LOOK_PATIENCE: Duration = Duration::from_secs(10);
/// What its connection is called: not as those of the run, which it watches.
const APPLICATION: &str = "repo-to-cat/guard";
/// How much of a statement is told, in letters.
const STATEMENT_LETTERS: usize = 80;

/// Watches, as long as it is there, whether somebody waits for a run's locks.
#[derive(Debug)]
pub struct Guard {
    seen: watch::Receiver<Option<String>>,
    task: JoinHandle<()>,
}

impl Guard {
    /// Begins to watch for those who wait for a session called `application` in `database`, longer than `patience`. It looks
    /// by a connection of its own; where that is lost, it makes another.
    #[must_use]
    pub fn watch(server: &Server, database: &str, application: &str, patience: Duration) -> Self {
        let (tell, seen) = watch::channel(None);
        let (server, database, application) = (server.clone(), database.to_owned(), application.to_owned());
        let task = tokio::spawn(async move { look_on(&server, &database, &application, patience, &tell).await });
        Self { seen, task }
    }

    /// Why the backup has to give way, once it has: a failure of kind `Throttled`. Costs nothing to ask.
    #[must_use]
    pub fn complaint(&self) -> Option<Failure> {
        let what = self.seen.borrow().clone()?;
        Some(Failure::new(Kind::Throttled, what).hint(
            "it is made later, when nobody alters tables; backup.yield_seconds says how long others may have to wait",
        ))
    }

    /// Waits until the backup has to give way; for ever, if it does not.
    pub async fn wait(&self) -> Failure {
        let mut seen = self.seen.clone();
        loop {
            if let Some(failure) = self.complaint() {
                return failure;
            }
            if seen.changed().await.is_err() {
                // Nobody watches any more, so nobody will complain.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look_on(
    server: &Server,
    database: &str,
    application: &str,
    patience: Duration,
    tell: &watch::Sender<Option<String>>,
) {
    let mut session = None;
    let mut was_blind = false;
    let mut first_seen = HashMap::new();
    loop {
        let look = look(server, database, application, &mut session);
        match timeout(LOOK_PATIENCE, look).await.unwrap_or_else(|_| Err(silent())) {
            Ok(waiting) => {
                was_blind = false;
                if let Some((waiting, waited)) = longest(waiting, &mut first_seen, Instant::now())
                    && waited > patience
                {
                    tell.send_replace(Some(sentence(&waiting, waited)));
                    return;
                }
            }
            Err(failure) => {
                session = None;
                if !was_blind {
                    tracing::warn!(%failure, "cannot see whether somebody waits for the backup; looking again");
                    was_blind = true;
                }
            }
        }
        sleep(LOOK).await;
    }
}

/// Looks once, by the connection that there is.
async fn look(
    server: &Server,
    database: &str,
    application: &str,
    session: &mut Option<Session<'static>>,
) -> Result<Vec<Waiting>> {
    let session = match session {
        Some(session) => session,
        None => session.insert(server.connect(database, APPLICATION).await?),
    };
    waiting_for(session, application).await
}

fn silent() -> Failure {
    Failure::new(Kind::Database, format!("the server did not answer within {} s", LOOK_PATIENCE.as_secs()))
}

/// Who has waited longest, and how long: as the server tells, or since we first saw it.
fn longest(waiting: Vec<Waiting>, first_seen: &mut HashMap<i32, Instant>, now: Instant) -> Option<(Waiting, Duration)> {
    first_seen.retain(|pid, _| waiting.iter().any(|one| one.pid == *pid));
    let waits = waiting.into_iter().map(|one| {
        let seen = now - *first_seen.entry(one.pid).or_insert(now);
        let waited = one.waited.unwrap_or_default().max(seen);
        (one, waited)
    });
    waits.max_by_key(|(_, waited)| *waited)
}

fn sentence(waiting: &Waiting, waited: Duration) -> String {
    let Waiting { pid, user, application, host, table, statement, .. } = waiting;
    let host = host.as_ref().map_or_else(String::new, |host| format!(" from {host}"));
    let statement = without_values(statement);
    let what = if statement.is_empty() { String::new() } else { format!(": {statement}") };
    format!(
        "the backup gives way: session {pid} (user {user}, application `{application}`{host}) has waited {} s for table \
         {table}, which the backup has locked{what}",
        waited.as_secs()
    )
}

/// The beginning of a statement, up to the first value in it: that may be a secret.
fn without_values(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let line = words.join(" ");
    let end = line.find(['\'', '$']).unwrap_or(line.len());
    redact(&line[..end]).chars().take(STATEMENT_LETTERS).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(pid: i32, waited: Option<u64>) -> Waiting {
        Waiting {
            pid,
            user: "ann".into(),
            application: "psql".into(),
            host: Some("10.0.0.1".into()),
            table: "public.cats".into(),
            statement: "ALTER TABLE cats\n  ADD name text DEFAULT 's3cret'".into(),
            waited: waited.map(Duration::from_secs),
        }
    }

    #[test]
    fn the_server_tells_how_long_or_else_our_own_clock() {
        let mut seen = HashMap::new();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(longest(vec![], &mut seen, begin), None);
        let (_, waited) = longest(vec![waiting(1, None), waiting(2, Some(3))], &mut seen, at(0)).unwrap();
        assert_eq!(waited, Duration::from_secs(3));
        let (one, waited) = longest(vec![waiting(1, None), waiting(2, Some(9))], &mut seen, at(10)).unwrap();
        assert_eq!((one.pid, waited.as_secs()), (2, 10));
        // Whoever went and comes again has not waited all the time.
        longest(vec![waiting(2, None)], &mut seen, at(11));
        assert_eq!(longest(vec![waiting(1, None)], &mut seen, at(12)).unwrap().1, Duration::ZERO);
    }

    #[test]
    fn who_waits_for_what_is_told_without_any_value() {
        assert_eq!(
            sentence(&waiting(7, None), Duration::from_secs(11)),
            "the backup gives way: session 7 (user ann, application `psql` from 10.0.0.1) has waited 11 s for table \
             public.cats, which the backup has locked: ALTER TABLE cats ADD name text DEFAULT"
        );
    }
}
