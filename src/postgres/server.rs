//! One server process: making its cluster, starting it, asking whether it is ready, clearing up after a dead one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::account::Account;
use super::folders::{Folders, cannot, give, make_private, sync};
use super::journal::Journal;
use super::programs::Programs;
use crate::model::failure::{Failure, Kind, Result};

/// The database that a private cluster has for us.
pub const DATABASE: &str = "repo_to_cat";

/// The role that owns everything in a private cluster.
pub const USER: &str = "postgres";

/// Part of the socket's name; nothing listens on a port.
pub const PORT: &str = "5432";

/// How long an orphaned server may take to stop by itself.
const ORPHAN_PATIENCE: Duration = Duration::from_mins(1);

/// How often a condition is looked at again.
pub const LOOK: Duration = Duration::from_millis(20);

/// Start of the names of half-made clusters.
const HALF_MADE: &str = "data.new.";

/// Appended to the cluster's `postgresql.conf`: defaults that its owner may change there.
const CONFIGURATION: &str = "\n# repo-to-cat: change what you like; only the socket and the log are fixed on the command line.\n\
                             max_connections = 100\n\
                             timezone = 'UTC'\n\
                             log_timezone = 'UTC'\n\
                             lc_messages = 'C'\n\
                             log_line_prefix = '%m [%p] '\n";

/// Who may connect: whoever reaches the socket, which lies in a folder of mode 0700. No line for any network.
const ACCESS: &str = "# repo-to-cat: the socket's folder lets in only the owner of this cluster and root.\n\
                      local all all trust\n\
                      local replication all trust\n";

/// Makes the cluster under a temporary name and renames it when it is complete and on the disk.
///
/// # Errors
/// [`Kind::Environment`] with the last words of `initdb`.
pub fn initialise(folders: &Folders, programs: &Programs, account: &Account, durable: bool) -> Result<()> {
    let half_made = folders.root().join(format!("{HALF_MADE}{}", std::process::id()));
    make_private(&half_made, account)?;
    // C.UTF-8 knows upper and lower case of every script, but not every system has it; C sorts the same everywhere.
    let mut outcome = initdb(&half_made, programs, account, durable, "C.UTF-8")?;
    if !outcome.status.success() && last_words(&outcome).contains("invalid locale") {
        outcome = initdb(&half_made, programs, account, durable, "C")?;
    }
    if !outcome.status.success() {
        let words = last_words(&outcome);
        let _ = fs::remove_dir_all(&half_made);
        let failure =
            Failure::new(Kind::Environment, format!("initdb could not make a cluster in {}", folders.root().display()));
        let failure = if words.contains("No space left") {
            failure.hint("the disk is full: make room, or choose a data folder on another disk")
        } else {
            failure.hint("the cause above is in initdb's own words; `repo-to-cat doctor` looks for the usual ones")
        };
        return Err(failure.source(words));
    }
    let configuration = half_made.join("postgresql.conf");
    let access = half_made.join("pg_hba.conf");
    OpenOptions::new()
        .append(true)
        .open(&configuration)
        .and_then(|mut file| file.write_all(CONFIGURATION.as_bytes()))
        .map_err(|error| cannot("write", &configuration, &error))?;
    fs::write(&access, ACCESS).map_err(|error| cannot("write", &access, &error))?;
    for path in [&configuration, &access, &half_made] {
        give(path, account)?;
        sync(path)?;
    }
    fs::rename(&half_made, folders.data()).map_err(|error| cannot("rename", &half_made, &error))?;
    sync(folders.root())
}

/// Removes what an interrupted [`initialise`] left.
pub fn remove_half_made(folders: &Folders) {
    for entry in fs::read_dir(folders.root()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(HALF_MADE) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The command that becomes the server. It gets SIGINT (stop at once, but cleanly) when its supervisor dies.
#[must_use]
pub fn command(
    folders: &Folders,
    programs: &Programs,
    account: &Account,
    socket: &Path,
    extra: &[(String, String)],
) -> Command {
    let mut command = account.command(&programs.path("postgres"), "INT");
    command.arg("-D").arg(folders.data());
    let socket = socket.display().to_string();
    // The last word counts: nothing in `extra` opens a port or moves the socket.
    let fixed = [
        ("listen_addresses", ""),
        ("port", PORT),
        ("unix_socket_directories", &socket),
        ("unix_socket_permissions", "0700"),
        ("log_destination", "stderr"),
        ("logging_collector", "off"),
    ];
    for (name, value) in extra.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(fixed) {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// What a running server writes into `postmaster.pid`.
#[derive(Debug, PartialEq, Eq)]
pub struct PidFile {
    /// The process that wrote it; after a crash or a reboot it may be any other.
    pub pid: u32,
    /// Whether the server said that it accepts connections.
    pub ready: bool,
}

impl PidFile {
    /// Reads the file; `None` when it is missing or not (yet) complete.
    #[must_use]
    pub fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        Some(Self { pid, ready: lines.nth(6).is_some_and(|status| status.trim() == "ready") })
    }
}

/// Whether the server of `data` accepts connections on the socket in `socket`.
#[must_use]
pub fn accepts(data: &Path, socket: &Path) -> bool {
    PidFile::read(data).is_some_and(|file| file.ready)
        && UnixStream::connect(socket.join(format!(".s.PGSQL.{PORT}"))).is_ok()
}

/// Makes sure that nothing of an earlier server is left: neither its processes nor files that only look like it.
///
/// The caller holds the supervisor's lock, so whatever still runs is an orphan.
///
/// # Errors
/// [`Kind::Environment`] when an orphan does not go away.
pub fn clear_leftovers(data: &Path, socket: &Path, journal: &Journal) -> Result<()> {
    let orphans = processes_of(data);
    let postmaster = PidFile::read(data).map(|file| file.pid).filter(|pid| orphans.contains(pid));
    if let Some(postmaster) = postmaster {
        // Its supervisor was killed a moment ago; it has been told to stop already, and may be writing its last.
        journal.note(&format!("an earlier server still runs as process {postmaster}; waiting for its end"));
        signal(postmaster, Signal::INT);
        wait_for_none(data, ORPHAN_PATIENCE);
    }
    // Without a postmaster the rest has nothing left to do but to notice that. A crash recovery follows.
    for orphan in processes_of(data) {
        signal(orphan, Signal::KILL);
    }
    if !wait_for_none(data, ORPHAN_PATIENCE) {
        return Err(Failure::new(
            Kind::Environment,
            format!("processes {:?} of an earlier server of {} do not end", processes_of(data), data.display()),
        )
        .hint("look at them with ps; a hanging disk is the usual cause"));
    }
    // A pid file that names a living process which is not ours: the number was given again. The server cannot tell,
    // and would refuse to start. One that names a dead process it handles itself, and checks more than we could.
    if PidFile::read(data).is_some_and(|file| Path::new("/proc").join(file.pid.to_string()).exists()) {
        let file = data.join("postmaster.pid");
        fs::remove_file(&file).map_err(|error| cannot("remove", &file, &error))?;
    }
    for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
        let _ = fs::remove_file(socket.join(name));
    }
    Ok(())
}

/// The server processes that work in `data`: each of them has it as its current folder.
#[must_use]
pub fn processes_of(data: &Path) -> Vec<u32> {
    let of_data = |process: &PathBuf| {
        let is_server = || {
            let program = fs::read_link(process.join("exe")).ok()?;
            Some(program.file_name()?.to_string_lossy().starts_with("postgres"))
        };
        fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == data) && is_server() == Some(true)
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    processes.filter(of_data).filter_map(|process| process.file_name()?.to_str()?.parse().ok()).collect()
}

/// Names of the databases of a running server.
///
/// # Errors
/// [`Kind::Database`] when it does not let us in.
pub fn databases(programs: &Programs, socket: &Path) -> Result<Vec<String>> {
    let mut command = client(programs, "psql", socket);
    let listing = run(command.args(["--no-psqlrc", "--no-align", "--tuples-only", "--field-separator=|", "--list"]))?;
    Ok(listing.lines().filter_map(|line| Some(line.split_once('|')?.0.to_owned())).collect())
}

/// Creates an empty database, or a copy of `template`.
///
/// # Errors
/// [`Kind::Database`] with the server's words.
pub fn create_database(programs: &Programs, socket: &Path, name: &str, template: Option<&str>) -> Result<()> {
    let mut command = client(programs, "createdb", socket);
    command.arg("--maintenance-db=postgres").arg("--encoding=UTF8");
    run(command.arg(format!("--template={}", template.unwrap_or("template0"))).arg("--").arg(name)).map(drop)
}

/// Drops a database, if it is there, under whoever is connected.
///
/// # Errors
/// [`Kind::Database`] with the server's words.
pub fn drop_database(programs: &Programs, socket: &Path, name: &str) -> Result<()> {
    let mut command = client(programs, "dropdb", socket);
    run(command.args(["--maintenance-db=postgres", "--if-exists", "--force", "--"]).arg(name)).map(drop)
}

/// Sends a signal to a process that may be gone.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

fn initdb(data: &Path, programs: &Programs, account: &Account, durable: bool, characters: &str) -> Result<Output> {
    let program = programs.path("initdb");
    let mut command = account.command(&program, "KILL");
    command.arg("--pgdata").arg(data).arg(format!("--username={USER}")).arg(format!("--lc-ctype={characters}"));
    command.args(["--encoding=UTF8", "--locale=C", "--auth=trust", "--data-checksums"]);
    if !durable {
        command.arg("--no-sync");
    }
    command.current_dir("/").output().map_err(|error| cannot("run setpriv (of util-linux) for", &program, &error))
}

fn client(programs: &Programs, program: &str, socket: &Path) -> Command {
    let mut command = Command::new(programs.path(program));
    command.env_clear().env("LC_ALL", "C").stdin(Stdio::null());
    command
        .arg("--host")
        .arg(socket)
        .arg(format!("--port={PORT}"))
        .arg(format!("--username={USER}"))
        .arg("--no-password");
    command
}

fn run(command: &mut Command) -> Result<String> {
    let program = PathBuf::from(command.get_program());
    let output = command.output().map_err(|error| cannot("run", &program, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Failure::new(Kind::Database, format!("{} failed: {}", program.display(), last_words(&output))))
}

/// The end of what a program printed, errors last.
fn last_words(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

fn wait_for_none(data: &Path, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    loop {
        if processes_of(data).is_empty() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_tells_the_process_and_whether_it_is_ready() {
        let full = "4711\n/data\n1700000000\n5432\n/run\n\n  5432001   32768\nready   \n";
        assert_eq!(PidFile::parse(full), Some(PidFile { pid: 4711, ready: true }));
        assert_eq!(PidFile::parse(&full.replace("ready   ", "starting")), Some(PidFile { pid: 4711, ready: false }));
        assert_eq!(PidFile::parse("4711\n"), Some(PidFile { pid: 4711, ready: false }));
        for broken in ["", "\n", "ready", "-4711\n", "0\n"] {
            assert_eq!(PidFile::parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn nothing_extra_opens_a_port() {
        let account = Account { uid: 1, gid: 1, name: "daemon".to_owned() };
        let programs = Programs::find(Path::new(""), None).unwrap();
        let folders = Folders::existing(PathBuf::from("/cluster"));
        let extra = [("listen_addresses".to_owned(), "*".to_owned())];
        let command = command(&folders, &programs, &account, Path::new("/run/it"), &extra);
        let listen: Vec<_> = command.get_args().filter(|word| word.to_string_lossy().starts_with("listen_")).collect();
        assert_eq!(listen, ["listen_addresses=*", "listen_addresses="]);
        assert!(!ACCESS.contains("host"));
    }

    #[test]
    fn a_process_that_merely_stands_in_the_data_folder_is_not_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let mut bystander = Command::new("sleep").arg("60").current_dir(folder.path()).spawn().unwrap();
        let found = processes_of(folder.path());
        fs::write(folder.path().join("postmaster.pid"), format!("{}\n", bystander.id())).unwrap();
        clear_leftovers(folder.path(), folder.path(), &Journal::open(&folder.path().join("log"))).unwrap();
        let alive = bystander.try_wait().unwrap().is_none();
        bystander.kill().unwrap();
        bystander.wait().unwrap();
        assert_eq!(found, Vec::<u32>::new());
        assert!(alive, "a bystander was killed");
        assert!(!folder.path().join("postmaster.pid").exists(), "a pid that was given again must not be believed");
    }
}
