//! Sessions on the server, as a tree: who waits stands below the one that is waited for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::amount::duration;
use super::look::Look;
use super::table::Table;
use super::text::fit;
use crate::db::looking::backends::Backend;

/// How much of a statement is shown: so many columns of it.
const QUERY: usize = 80;

/// The sessions; whole statements if `full`.
#[must_use]
pub fn backends(all: &[Backend], full: bool, look: &Look) -> String {
    if all.is_empty() {
        return "Nobody else is connected.\n".to_owned();
    }
    let mut table =
        Table::new(["Session", "User", "Application", "From", "Since", "State", "Waits for", "Statement"]).whole(0);
    let columns = if look.is_terminal { QUERY.min(look.width / 2) } else { QUERY };
    for (depth, backend) in in_order(all) {
        let query = backend.query.split_whitespace().collect::<Vec<_>>().join(" ");
        table.row([
            format!(
                "{}{}",
                if depth > 0 { format!("{}└ ", "  ".repeat(depth - 1)) } else { String::new() },
                backend.pid
            ),
            backend.user.clone().unwrap_or_default(),
            format!("{}{}", backend.application, if backend.is_ours { " *" } else { "" }),
            backend.client.clone().unwrap_or_default(),
            backend.connected_at.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S").to_string()),
            state(backend),
            waits(backend),
            if full { query } else { fit(&query, columns) },
        ]);
    }
    table.render(look)
}

/// Each session after the one that it waits for first, with how many it stands below.
fn in_order(all: &[Backend]) -> Vec<(usize, &Backend)> {
    let known = |pid: &i32| all.iter().any(|backend| backend.pid == *pid);
    let parent = |backend: &Backend| backend.blocked_by.iter().copied().find(known);
    let mut ordered = Vec::new();
    let mut seen = BTreeSet::new();
    // Those in a deadlock, which the server is about to end, wait for one another: they are begun with last.
    let begins = all.iter().filter(|backend| parent(backend).is_none()).chain(all);
    for begin in begins {
        let mut next = vec![(0, begin)];
        while let Some((depth, backend)) = next.pop() {
            if seen.insert(backend.pid) {
                ordered.push((depth, backend));
                let below = all.iter().rev().filter(|other| parent(other) == Some(backend.pid));
                next.extend(below.map(|other| (depth + 1, other)));
            }
        }
    }
    ordered
}

/// `active 3.0 s`; how long the transaction is open where that says more.
fn state(backend: &Backend) -> String {
    let Some(state) = &backend.state else {
        return backend.kind.clone().filter(|kind| kind != "client backend").unwrap_or_default();
    };
    let time = |seconds: f64| duration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    let mut text = state.clone();
    if let Some(seconds) = backend.state_seconds {
        _ = write!(text, " {}", time(seconds));
    }
    match (backend.transaction_seconds, backend.state_seconds) {
        (Some(open), Some(seconds)) if open > seconds + 1.0 => text + &format!(", transaction {}", time(open)),
        _ => text,
    }
}

fn waits(backend: &Backend) -> String {
    let what = backend.waits_for.clone().unwrap_or_default();
    let of: Vec<String> = backend.blocked_by.iter().map(|pid| holder(*pid)).collect();
    if of.is_empty() { what } else { format!("{what}, held by {}", of.join(", ")) }
}

fn holder(pid: i32) -> String {
    if pid == 0 { "a prepared transaction".to_owned() } else { pid.to_string() }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn backend(pid: i32, application: &str, blocked_by: &[i32]) -> Backend {
        Backend {
            pid,
            kind: Some("client backend".to_owned()),
            database: Some("cats".to_owned()),
            user: Some("cat".to_owned()),
            application: application.to_owned(),
            is_ours: application.starts_with("repo-to-cat"),
            client: Some("10.0.0.7".to_owned()),
            connected_at: DateTime::from_timestamp(1_800_000_000, 0),
            state: Some("active".to_owned()),
            state_seconds: Some(3.0),
            transaction_seconds: Some(3.2),
            waits_for: (!blocked_by.is_empty()).then(|| "lock: AccessShareLock on queue.jobs".to_owned()),
            blocked_by: blocked_by.to_vec(),
            query: "SELECT *\n  FROM queue.jobs".to_owned(),
        }
    }

    #[test]
    fn sessions_read_like_this() {
        let mut holder = backend(30, "psql", &[]);
        holder.state = Some("idle in transaction".to_owned());
        holder.transaction_seconds = Some(4000.0);
        let all = [backend(10, "repo-to-cat", &[20]), backend(20, "pgAdmin 4", &[30, 0]), holder, backend(40, "", &[])];
        insta::assert_snapshot!(backends(&all, false, &Look::plain()));
        assert!(backends(&[], false, &Look::plain()).starts_with("Nobody"));
    }

    #[test]
    fn a_ring_of_waiting_sessions_ends() {
        let all = [backend(1, "a", &[2]), backend(2, "b", &[1]), backend(3, "c", &[99])];
        let pids: Vec<i32> = in_order(&all).into_iter().map(|(_, backend)| backend.pid).collect();
        assert_eq!(pids, [3, 1, 2]);
    }
}
