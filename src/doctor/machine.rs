//! Checks of the machine: cores, memory, clock, certificates, folders, ports.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use chrono::{DateTime, Datelike, Local, Utc};

use crate::model::check::Check;
use crate::providers::room::Room;

/// Below this much free space a check fails; a new cluster alone takes 40 MB, and its log of changes grows.
const LEAST_FREE_MB: u64 = 200;

/// Below this much free space a check warns.
const ENOUGH_FREE_MB: u64 = 2000;

/// Below this much available memory a check warns: one fetching child may take that much (`fetch.max_memory_mb`).
const ENOUGH_MEMORY_MB: u64 = 1000;

/// This program was written in this year: a clock before it is wrong, and certificates look not yet valid.
const YEAR: i32 = 2026;

/// Where systems keep the certificate authorities that they trust.
const AUTHORITIES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The checks that need no settings.
pub(super) fn checks() -> Vec<Check> {
    let authorities =
        AUTHORITIES.into_iter().map(PathBuf::from).find(|file| fs::metadata(file).is_ok_and(|found| found.len() > 0));
    vec![
        cores(),
        memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
        clock(Utc::now()),
        authorities.map_or_else(
            || {
                Check::fail(
                    "TLS certificates",
                    "this system has no list of certificate authorities, so nothing can be fetched over https",
                    "type: sudo apt-get install ca-certificates   (or name a file with fetch.ca_file)",
                )
            },
            |file| Check::ok("TLS certificates", file.display().to_string()),
        ),
        Check::ok("git", "not needed: repositories are fetched and read without a git program"),
    ]
}

/// Whether files can be written in `folder`, or where it will be made, and how much room there is.
pub(super) fn folder(name: &'static str, folder: &Path) -> Check {
    let Some(existing) = folder.ancestors().find(|step| step.exists()) else {
        return Check::fail(
            name,
            format!("{} is no absolute path", folder.display()),
            "name a folder with a full path",
        );
    };
    let shown =
        if existing == folder { folder.display().to_string() } else { format!("{} (will be made)", folder.display()) };
    if let Err(error) = tempfile::tempfile_in(existing) {
        let todo = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on that disk",
            io::ErrorKind::NotADirectory => "a file is in the way: name another folder",
            _ => "change its owner, or name another folder: --data-folder FOLDER",
        };
        return Check::fail(name, format!("{} cannot be written: {error}", existing.display()), todo);
    }
    let Ok(room) = Room::on(existing) else { return Check::ok(name, shown) };
    let free = room.free / 1_000_000;
    let found = format!("{shown}, {free} MB free");
    if free < LEAST_FREE_MB {
        Check::fail(name, found, format!("make room: at least {LEAST_FREE_MB} MB are needed"))
    } else if free < ENOUGH_FREE_MB {
        Check::warn(name, found, format!("keep {ENOUGH_FREE_MB} MB free"))
    } else {
        Check::ok(name, found)
    }
}

/// Whether the HTTP listener could have its address now, or has it.
pub(super) fn port(listen: &str, is_ours: bool) -> Check {
    const NAME: &str = "HTTP address";
    if is_ours {
        return Check::ok(NAME, format!("this process listens on {listen}"));
    }
    match TcpListener::bind(listen) {
        Ok(_) => Check::ok(NAME, format!("{listen} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Check::warn(
            NAME,
            format!("{listen} is in use; fine if that is repo-to-cat"),
            "stop the other program, or choose another address with http.listen",
        ),
        Err(error) => {
            Check::fail(NAME, format!("cannot listen on {listen}: {error}"), "choose another address with http.listen")
        }
    }
}

fn cores() -> Check {
    const NAME: &str = "cores";
    match thread::available_parallelism() {
        Ok(count) => Check::ok(NAME, count.to_string()),
        Err(error) => Check::warn(NAME, format!("unknown: {error}"), "set analysis.processes"),
    }
}

fn memory(table: &str) -> Check {
    const NAME: &str = "memory";
    let entry = |name: &str| {
        let line = table.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024 / 1_000_000)
    };
    let (Some(total), Some(available)) = (entry("MemTotal"), entry("MemAvailable")) else {
        return Check::warn(NAME, "unknown", "this program is made for Linux with /proc mounted");
    };
    let found = format!("{available} of {total} MB available");
    if available < ENOUGH_MEMORY_MB {
        Check::warn(NAME, found, "lower worker.slots, fetch.max_memory_mb and analysis.max_memory_mb")
    } else {
        Check::ok(NAME, found)
    }
}

fn clock(now: DateTime<Utc>) -> Check {
    let zone = now.with_timezone(&Local).format("%:z");
    let found = format!("{} UTC, local time zone {zone}; times are stored in UTC", now.format("%Y-%m-%d %H:%M:%S"));
    if now.year() < YEAR {
        Check::fail("clock", found, "set the clock: certificates and schedules depend on it")
    } else {
        Check::ok("clock", found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::State;

    #[test]
    fn memory_is_read_in_decimal_megabytes() {
        let table = "MemTotal:       24683000 kB\nMemFree:         1 kB\nMemAvailable:   20000000 kB\n";
        assert_eq!(memory(table), Check::ok("memory", "20480 of 25275 MB available"));
        assert_eq!(memory(&table.replace("20000000", "500000")).state, State::Warn);
        assert_eq!(memory("").state, State::Warn);
    }

    #[test]
    fn a_clock_in_the_past_fails() {
        assert_eq!(clock(DateTime::from_timestamp(0, 0).unwrap()).state, State::Fail);
        assert_eq!(clock(DateTime::from_timestamp(1_800_000_000, 0).unwrap()).state, State::Ok);
    }

    #[test]
    fn folders_are_tried_where_they_will_be_made() {
        let parent = tempfile::tempdir().unwrap();
        let check = folder("data folder", &parent.path().join("a/b"));
        assert_ne!(check.state, State::Fail);
        assert!(check.found.contains("a/b (will be made), "), "{check:?}");
        assert!(!parent.path().join("a").exists(), "looking changes nothing");
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(folder("data folder", &file.join("below")).state, State::Fail);
        assert_eq!(folder("data folder", Path::new("/proc/repo-to-cat")).state, State::Fail);
    }

    #[test]
    fn a_port_in_use_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listener.local_addr().unwrap().to_string();
        assert_eq!(port(&listen, false).state, State::Warn);
        drop(listener);
        assert_eq!(port(&listen, false).state, State::Ok);
        assert_eq!(port("not an address", false).state, State::Fail);
    }
}
