//! Room: on the server's disk, and for connections.

use std::path::Path;

use crate::commands::view::amount::bytes;
use crate::db::looking::server::Facts;
use crate::model::check::Check;
use crate::providers::room::Room;

/// Below this much free space the server soon stops.
const LEAST_FREE: u64 = 200_000_000;
/// Below this much a check warns.
const ENOUGH_FREE: u64 = 2_000_000_000;
/// From this share on connections are scarce.
const CROWDED: f64 = 0.8;

/// Free space where the server's files are, if that is on this machine.
pub(super) fn disk(facts: &Facts, is_here: bool) -> Check {
    const NAME: &str = "server disk";
    let takes = format!("the database takes {}", bytes(facts.database_bytes.unsigned_abs()));
    let folder = facts.data_folder.as_deref().filter(|_| is_here).map(Path::new);
    let Some((folder, Room { free, .. })) = folder.and_then(|folder| Some((folder, Room::on(folder).ok()?))) else {
        return Check::ok(NAME, format!("{takes}; how much is free there cannot be seen from here"));
    };
    judge(free, &format!("{} free in {}; {takes}", bytes(free), folder.display()))
}

fn judge(free: u64, found: &str) -> Check {
    const NAME: &str = "server disk";
    if free < LEAST_FREE {
        Check::fail(NAME, found, "make room on that disk; what takes it: repo-to-cat db size")
    } else if free < ENOUGH_FREE {
        Check::warn(NAME, found, format!("keep {} free; what takes it: repo-to-cat db size", bytes(ENOUGH_FREE)))
    } else {
        Check::ok(NAME, found)
    }
}

/// Places for sessions, of which one process's pool takes `pool`.
pub(super) fn connections(facts: &Facts, pool: u32) -> Check {
    const NAME: &str = "connections";
    let most = i64::from(facts.most_connections);
    let found = format!("{} of {most} in use; one process takes up to {pool} and a few", facts.connections);
    if let Some(role) = facts.role_connections.filter(|role| i64::from(*role) < i64::from(pool)) {
        return Check::warn(
            NAME,
            format!("{found}; the role {} may have {role} only", facts.user),
            format!(
                "type in psql: ALTER ROLE {} CONNECTION LIMIT -1   (or lower database.max_connections)",
                facts.user
            ),
        );
    }
    if facts.connections as f64 > most as f64 * CROWDED {
        return Check::warn(
            NAME,
            found,
            "see who is there: repo-to-cat db sessions; lower database.max_connections, or raise the server's \
             max_connections",
        );
    }
    if i64::from(pool) > most {
        return Check::warn(NAME, found, "lower database.max_connections, or raise the server's max_connections");
    }
    Check::ok(NAME, found)
}

#[cfg(test)]
mod tests {
    use super::super::server::tests::facts;
    use super::*;
    use crate::model::check::State;

    #[test]
    fn a_full_disk_is_told() {
        let state = |free| judge(free, "").state;
        assert_eq!([100_000_000, 1_000_000_000, 3_000_000_000].map(state), [State::Fail, State::Warn, State::Ok]);
        assert!(disk(&facts(), true).found.contains("cannot be seen from here"));
        let here = Facts { data_folder: Some("/".to_owned()), ..facts() };
        assert!(disk(&here, true).found.contains(" free in /;"));
        assert!(disk(&here, false).found.contains("cannot be seen"), "the folder of that name is another machine's");
    }

    #[test]
    fn scarce_connections_are_told() {
        let state = |connections, role_connections, pool| {
            super::connections(&Facts { connections, role_connections, ..facts() }, pool).state
        };
        assert_eq!(state(70, None, 10), State::Ok);
        assert_eq!(state(80, None, 10), State::Warn);
        assert_eq!(state(1, Some(5), 10), State::Warn);
        assert_eq!(state(1, None, 200), State::Warn);
    }
}
