//! What goes on in the database: long transactions, locks, the queue's hold.

use std::time::Duration;

use crate::commands::view::amount::{counted, duration};
use crate::db::hold::Hold;
use crate::db::looking::backends::{Backend, Prepared};
use crate::model::check::Check;

/// A transaction that is open so long, in seconds, keeps the server from cleaning up.
const LONG: f64 = 300.0;
/// One that does nothing meanwhile was forgotten.
const FORGOTTEN: f64 = 60.0;
/// Whoever waits so long for a lock waits for something that is not just busy.
const WAITING: f64 = 5.0;

/// Transactions that are open for long.
pub(super) fn transactions(sessions: &[Backend], prepared: &[Prepared], sees_others: bool) -> Check {
    const NAME: &str = "transactions";
    if let Some(first) = prepared.iter().find(|prepared| prepared.seconds > LONG) {
        let found =
            format!("{:?} of {} was prepared {} ago and never ended", first.name, first.owner, time(first.seconds));
        let name = first.name.replace('\'', "''");
        return Check::warn(NAME, found, format!("type in psql: ROLLBACK PREPARED '{name}'   (or COMMIT PREPARED)"));
    }
    let is_idle = |session: &Backend| session.state.as_deref().is_some_and(|state| state.starts_with("idle in"));
    let mut long: Vec<(&Backend, f64)> = sessions
        .iter()
        .filter_map(|session| Some((session, session.transaction_seconds?)))
        .filter(|(session, open)| *open > LONG || is_idle(session) && session.state_seconds > Some(FORGOTTEN))
        .collect();
    long.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let blind = if sees_others { "" } else { "; of other users' sessions only members of pg_monitor see that" };
    let Some((first, open)) = long.first() else {
        return Check::ok(NAME, format!("none is open for long{blind}"));
    };
    let state = first.state.as_deref().unwrap_or("open");
    let found = format!(
        "{} for long; the longest for {}: session {} ({}), {state}{blind}",
        counted(long.len() as u64, "is open", "are open"),
        time(*open),
        first.pid,
        whose(first)
    );
    Check::warn(NAME, found, format!("let it end; or type: repo-to-cat db terminate {}", first.pid))
}

/// Sessions that wait for a lock.
pub(super) fn locks(sessions: &[Backend]) -> Check {
    const NAME: &str = "locks";
    let waiting: Vec<&Backend> = sessions.iter().filter(|session| !session.blocked_by.is_empty()).collect();
    let longest = waiting
        .iter()
        .max_by(|one, other| one.state_seconds.unwrap_or_default().total_cmp(&other.state_seconds.unwrap_or_default()));
    let Some(first) = longest else { return Check::ok(NAME, "nobody waits for one") };
    let seconds = first.state_seconds.unwrap_or_default();
    let by: Vec<String> = first.blocked_by.iter().map(ToString::to_string).collect();
    let found = format!(
        "{} for one; the longest for {}: session {} ({}), for {}, held by {}",
        counted(waiting.len() as u64, "session waits", "sessions wait"),
        time(seconds),
        first.pid,
        whose(first),
        first.waits_for.as_deref().unwrap_or("a lock"),
        by.join(", ")
    );
    if seconds < WAITING {
        return Check::ok(NAME, found);
    }
    Check::warn(
        NAME,
        found,
        format!("look: repo-to-cat db sessions; to end who holds it: repo-to-cat db terminate {}", by[0]),
    )
}

/// Whether the queue waits for a person after a restore.
pub(super) fn queue(held: Option<&Hold>) -> Check {
    const NAME: &str = "queue";
    let Some(held) = held else { return Check::ok(NAME, "not held") };
    let what = counted(held.jobs.unsigned_abs(), "parked job", "parked jobs");
    let found = format!("held since {}, {what}: {}", held.since.format("%Y-%m-%d %H:%M:%S UTC"), held.because);
    Check::warn(NAME, found, "look at the restored database, then type: repo-to-cat backup release")
}

fn whose(session: &Backend) -> String {
    let user = session.user.as_deref().unwrap_or("unknown user");
    if session.application.is_empty() { user.to_owned() } else { format!("{user}, {}", session.application) }
}

fn time(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::State;

    fn session(pid: i32, state: &str, state_seconds: f64, transaction_seconds: Option<f64>) -> Backend {
        Backend {
            pid,
            kind: Some("client backend".to_owned()),
            database: Some("cats".to_owned()),
            user: Some("cat".to_owned()),
            application: "psql".to_owned(),
            is_ours: false,
            client: None,
            connected_at: None,
            state: Some(state.to_owned()),
            state_seconds: Some(state_seconds),
            transaction_seconds,
            waits_for: None,
            blocked_by: Vec::new(),
            query: String::new(),
        }
    }

    #[test]
    fn long_and_forgotten_transactions_are_told() {
        let quick = [session(1, "active", 10.0, Some(10.0)), session(2, "idle", 9000.0, None)];
        assert_eq!(transactions(&quick, &[], true).state, State::Ok);
        assert!(transactions(&quick, &[], false).found.contains("pg_monitor"));
        let forgotten = transactions(&[session(3, "idle in transaction", 61.0, Some(70.0))], &[], true);
        assert_eq!(forgotten.state, State::Warn);
        assert!(forgotten.todo.unwrap().ends_with("db terminate 3"));
        let long = [session(4, "active", 1.0, Some(301.0)), session(5, "active", 1.0, Some(400.0))];
        assert!(
            transactions(&long, &[], true)
                .found
                .starts_with("2 are open for long; the longest for 6 m 40 s: session 5")
        );
        let prepared = Prepared { name: "it's".to_owned(), owner: "cat".to_owned(), seconds: 400.0 };
        assert!(transactions(&quick, &[prepared], true).todo.unwrap().contains("ROLLBACK PREPARED 'it''s'"));
    }

    #[test]
    fn who_waits_long_for_a_lock_is_told() {
        let waiting = |seconds| Backend {
            blocked_by: vec![7],
            waits_for: Some("lock: AccessShareLock on queue.jobs".to_owned()),
            ..session(8, "active", seconds, Some(seconds))
        };
        assert_eq!(locks(&[session(1, "active", 90.0, None)]).found, "nobody waits for one");
        assert_eq!(locks(&[waiting(1.0)]).state, State::Ok);
        let told = locks(&[waiting(1.0), waiting(6.0)]);
        assert_eq!(told.state, State::Warn);
        assert!(told.found.contains("queue.jobs, held by 7") && told.todo.unwrap().ends_with("db terminate 7"));
    }
}
