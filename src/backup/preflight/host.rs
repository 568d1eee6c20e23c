//! Checks of this machine: its programs, its room, and whether a drill will find what it needs.

use std::path::Path;

use super::super::Yard;
use crate::model::backup::Manifest;
use crate::model::backup::manifest::Source;
use crate::model::check::{Check, State};
use crate::model::failure::Result;
use crate::postgres::programs::{DRILL, Programs};
use crate::providers::room::Room;

/// A backup may grow by so much against the last one.
const GROWTH: f64 = 1.2;
/// A restored database takes up to so much of what it takes now: without what was deleted, but with its log of changes.
const RESTORED: f64 = 1.5;
/// Bytes of a megabyte.
const MB: u64 = 1_000_000;

/// Whether there is a `pg_dump` that can read such a server.
pub(super) fn programs(folder: &Path, server_version: u32, globals: bool) -> Check {
    const NAME: &str = "pg_dump";
    let need: &[&str] = if globals { &["pg_dump", "pg_dumpall"] } else { &["pg_dump"] };
    match Programs::for_server(folder, server_version, need) {
        Ok(found) => Check::ok(NAME, format!("{} in {}", found.version(), found.folder().display())),
        Err(failure) => Check::failed(NAME, &failure),
    }
}

/// Whether the store has room: for as much as the last backup took, or else for the database.
pub(super) fn space(free: Result<Option<u64>>, database: u64, last: Option<&Manifest>) -> Check {
    const NAME: &str = "free space";
    let free = match free {
        Err(failure) => return Check::failed(NAME, &failure),
        Ok(None) => return Check::ok(NAME, "a bucket has no limit that we could see"),
        Ok(Some(free)) => free,
    };
    let shown = format!("{} MB free", free / MB);
    if let Some(last) = last {
        let found = format!("{shown}; the last backup took {} MB", last.bytes() / MB);
        return if free as f64 >= last.bytes() as f64 * GROWTH {
            Check::ok(NAME, found)
        } else {
            Check::fail(NAME, found, "make room there, or keep fewer backups: repo-to-cat backup prune")
        };
    }
    // Compressed it takes less, but nobody knows how much.
    let found = format!("{shown}; the database takes {} MB", database / MB);
    if free >= database {
        Check::ok(NAME, found)
    } else {
        Check::warn(NAME, found, "make room there, unless you know that it compresses well")
    }
}

/// Whether a drill could be carried out here. None of it stops the backup.
pub(super) fn drill(yard: &Yard, source: &Source) -> Vec<Check> {
    let programs = match Programs::for_server(&yard.bin_folder, source.server_version, &DRILL) {
        Ok(programs) => programs,
        Err(failure) => return vec![Check { state: State::Warn, ..Check::failed("drill", &failure) }],
    };
    let mut checks = vec![Check::ok("drill", format!("will run PostgreSQL {}", programs.version()))];
    checks.extend(extensions(&programs, source));
    checks.extend(scratch(&yard.scratch_folder, source.bytes));
    checks
}

/// Whether a scratch cluster can have the extensions of the database.
fn extensions(programs: &Programs, source: &Source) -> Option<Check> {
    const NAME: &str = "extensions";
    let folder = programs.extension_folder()?;
    let known = |name: &str| folder.join(format!("{name}.control")).is_file();
    let missing: Vec<&str> =
        source.extensions.iter().map(|extension| extension.name.as_str()).filter(|name| !known(name)).collect();
    Some(if missing.is_empty() {
        Check::ok(NAME, format!("{} of {}, all installed here", source.extensions.len(), source.database))
    } else {
        let found = format!("not installed here, so no drill can restore them: {}", missing.join(", "));
        Check::warn(NAME, found, "install the packages that they come in on this machine, too")
    })
}

fn scratch(folder: &Path, database: u64) -> Option<Check> {
    const NAME: &str = "scratch space";
    let Room { free, .. } = Room::on(folder).ok()?;
    let found = format!("{} MB free in {}; the database takes {} MB", free / MB, folder.display(), database / MB);
    Some(if free as f64 >= database as f64 * RESTORED {
        Check::ok(NAME, found)
    } else {
        Check::warn(NAME, found, "make room, or name another folder in backup.scratch_folder: drills restore there")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_backup_may_need_as_much_as_the_database() {
        let space = |free| space(Ok(free), 100 * MB, None).state;
        assert_eq!([space(None), space(Some(100 * MB)), space(Some(99 * MB))], [State::Ok, State::Ok, State::Warn]);
    }

    #[test]
    fn a_pg_dump_that_is_older_than_the_server_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("pg_dump");
        std::fs::write(&program, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.9'\n").unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(programs(folder.path(), 140_020, false).state, State::Ok);
        assert_eq!(programs(folder.path(), 140_020, true).state, State::Fail, "there is no pg_dumpall");
        let check = programs(folder.path(), 150_001, false);
        assert_eq!(check.state, State::Fail);
        assert!(check.found.contains("the server is PostgreSQL 15, but the programs found are of 14"), "{check:?}");
        assert!(check.todo.unwrap().contains("apt-get install postgresql-client-15"));
    }

    #[test]
    fn a_drill_cannot_restore_extensions_that_are_not_installed() {
        let parent = tempfile::tempdir().unwrap();
        let programs = Programs::for_server(Path::new(""), 150_000, &DRILL).unwrap();
        let extension =
            |name: &str| crate::model::backup::manifest::Extension { name: name.to_owned(), version: "1.0".to_owned() };
        let mut source = Source { extensions: vec![extension("plpgsql")], ..Source::default() };
        assert_eq!(extensions(&programs, &source).unwrap().state, State::Ok);
        source.extensions.push(extension("no such thing"));
        let check = extensions(&programs, &source).unwrap();
        assert_eq!(check.state, State::Warn);
        assert!(check.found.ends_with(": no such thing"), "{check:?}");
        assert_eq!(scratch(parent.path(), u64::MAX).unwrap().state, State::Warn);
        assert_eq!(scratch(&parent.path().join("a/b"), 1).unwrap().state, State::Ok);
    }
}
