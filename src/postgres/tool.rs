//! Running `pg_dump` and its sisters: no secret in an argument, no more environment than they need, and none outlives us.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::{fmt, fs, thread};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tempfile::NamedTempFile;
use url::Url;

use super::account::setpriv;
use super::programs::Programs;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::secret::{MASK, redact};

/// Made by [`command`] and given arguments elsewhere; nobody else makes any.
pub use std::process::Command;

/// How many of its last words are kept, in bytes.
const LAST_WORDS: usize = 16 * 1024;

/// How long a program waits for a server, in seconds.
const CONNECT_SECONDS: &str = "30";

/// What decides how a server writes values and `pg_dump` leaves as it is set; and a session whose client has vanished
/// without a word is found dead in a minute.
const OPTIONS: &str = "-c timezone=UTC -c bytea_output=hex -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 \
                       -c tcp_keepalives_count=3";

/// A server that is so new can look, while it works or waits, whether its client is still there.
const LOOKS_AFTER_CLIENTS: u32 = 140_000;

/// libpq's variables, and what a URL calls them.
pub(super) const VARIABLES: [(&str, &str); 11] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("dbname", "PGDATABASE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslcrl", "PGSSLCRL"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("gssencmode", "PGGSSENCMODE"),
];

/// What every line of a password file begins with that is for any server.
const ANY_SERVER: &str = "*:*:*:*:";

/// How a program reaches a server: libpq's variables, and a password file of mode 0600 that goes with this value.
pub struct Access {
    variables: Vec<(&'static str, String)>,
    options: String,
    password_file: Option<NamedTempFile>,
}

impl Access {
    /// From a URL as `db::server::Server::url_of` gives it. The password file is made in `folder`.
    pub fn new(url: &str, folder: &Path) -> Result<Self> {
        let url = Url::parse(url)
            .map_err(|error| Failure::new(Kind::Internal, "a server's address is no URL").source(error))?;
        let value_of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let variables = VARIABLES.iter().filter_map(|(key, variable)| Some((*variable, value_of(key)?))).collect();
        let password = value_of("password").filter(|password| !password.is_empty());
        let password_file = password.map(|password| password_file(&password, folder)).transpose()?;
        let options = [value_of("options").unwrap_or_default().as_str(), OPTIONS].join(" ");
        Ok(Self { variables, options, password_file })
    }

    /// Lets the server end a session whose program was killed, even while that waits for a lock. `version` is the server's
    /// `server_version_num`: those before 14 cannot.
    #[must_use]
    pub fn of_version(mut self, version: u32) -> Self {
        if version >= LOOKS_AFTER_CLIENTS {
            self.options += " -c client_connection_check_interval=2000";
        }
        self
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("variables", &self.variables).finish_non_exhaustive()
    }
}

/// The line of a password file that is for any server.
pub(super) fn password_line(password: &str) -> Result<String> {
    if password.contains(['\n', '\r', '\0']) {
        return Err(Failure::new(
            Kind::Invalid,
            "the database's password holds a line end, which no password file can",
        ));
    }
    Ok(format!("{ANY_SERVER}{}\n", password.replace('\\', "\\\\").replace(':', "\\:")))
}

/// A password file for any server, mode 0600.
fn password_file(password: &str, folder: &Path) -> Result<NamedTempFile> {
    let line = password_line(password)?;
    let made = tempfile::Builder::new().prefix("passfile-").tempfile_in(folder).and_then(|mut file| {
        file.write_all(line.as_bytes())?;
        Ok(file)
    });
    made.map_err(|error| {
        let what = format!("no password file can be made in {}: {error}", folder.display());
        Failure::new(Kind::Environment, what).hint("is there room, and may we write there?")
    })
}

/// The password that a password file of ours holds.
fn password_in(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let escaped = text.strip_prefix(ANY_SERVER)?.trim_end_matches('\n');
    let mut password = String::new();
    let mut characters = escaped.chars();
    while let Some(c) = characters.next() {
        password.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    Some(password)
}

/// A command for one of `PostgreSQL`'s programs with nothing in its environment but what it needs. `application` is what
/// its sessions are called in `pg_stat_activity`. Its standard input is empty, its standard output is ours.
#[must_use]
pub fn command(programs: &Programs, name: &str, access: &Access, application: &str) -> Command {
    let mut command = Command::new(setpriv().unwrap_or_else(|| PathBuf::from("setpriv")));
    command.args(["--pdeathsig", "KILL"]).arg(programs.path(name));
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
    command.envs(access.variables.iter().map(|(name, value)| (name, value)));
    command.env("PGAPPNAME", application).env("PGCONNECT_TIMEOUT", CONNECT_SECONDS);
    command.env("PGOPTIONS", access.options.trim_start());
    if let Some(file) = &access.password_file {
        command.env("PGPASSFILE", file.path());
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    command
}

/// A program that runs, in a process group of its own. Dropped, it is killed and waited for.
///
/// It also dies with the *thread* that started it (parent-death signal): start it on a thread that stays until it has ended.
pub struct Running {
    name: String,
    child: Child,
    last_words: Option<JoinHandle<Vec<u8>>>,
    /// Never to be repeated.
    password: Option<String>,
    killer: Killer,
}

impl Running {
    /// Starts it. What it writes to standard error is collected: the last lines, at most 16 KB.
    pub fn start(mut command: Command) -> Result<Self> {
        let name = program_of(&command);
        let file = command.get_envs().find(|(variable, _)| *variable == "PGPASSFILE").and_then(|(_, file)| file);
        let password = file.and_then(|file| password_in(Path::new(file)));
        let mut child = command.stderr(Stdio::piped()).process_group(0).spawn().map_err(|error| {
            Failure::new(Kind::Environment, format!("{name} cannot be started (by setpriv of util-linux): {error}"))
                .hint("type: sudo apt-get install util-linux")
        })?;
        let errors = child.stderr.take();
        let last_words = errors.map(|errors| thread::spawn(move || last_of(errors)));
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Self { name, child, last_words, password, killer: Killer { group: Arc::new(Mutex::new(group)) } })
    }

    /// What it writes; once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// What it reads; once. Only where the command's standard input is piped.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Kills it and its children, from any thread.
    #[must_use]
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Waits for its end; a failure with its own last words (secrets masked) where it did not end well, of a kind that
    /// tells whether trying again may help.
    pub fn wait(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        if let Some(mut unread) = self.child.stdout.take() {
            // Nobody wants it, but a full pipe would hold the program up for ever.
            drop(io::copy(&mut unread, &mut io::sink()));
        }
        let status = self.reap().map_err(|error| {
            Failure::new(Kind::Internal, format!("the end of {} cannot be waited for", self.name)).source(error)
        })?;
        let words = self.last_words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        let mut words = redact(String::from_utf8_lossy(&words).trim());
        if let Some(password) = self.password.as_ref().filter(|password| !password.is_empty()) {
            words = words.replace(password, MASK);
        }
        if let Some(signal) = status.signal() {
            let what = format!("{} was killed by signal {signal}", self.name);
            return Err(Failure::new(Kind::Unavailable, join(&what, &words)));
        }
        let (kind, hint) = judge(&self.name, &words);
        let failure = Failure::new(kind, join(&format!("{} failed", self.name), &words));
        Err(hint.into_iter().fold(failure, Failure::hint))
    }

    /// Waits for the end, kills what is left of its group, and forgets its number before that can be given to another.
    fn reap(&mut self) -> io::Result<std::process::ExitStatus> {
        let group = *self.killer.lock();
        if let Some(pid) = group {
            // An error means that there is nobody to wait for, which `wait` tells better.
            while let Err(rustix::io::Errno::INTR) =
                waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {}
        }
        let mut group = self.killer.lock();
        kill_group(*group);
        *group = None;
        self.child.wait()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("name", &self.name).field("child", &self.child).finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.killer.kill();
        // Where it has been waited for, the status is known already.
        drop(self.reap());
    }
}

/// Kills a program, whoever waits for it.
#[derive(Debug, Clone)]
pub struct Killer {
    /// The group, as long as its leader was not reaped.
    group: Arc<Mutex<Option<Pid>>>,
}

impl Killer {
    /// Kills the whole process group at once; nothing where it has ended already.
    pub fn kill(&self) {
        kill_group(*self.lock());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Pid>> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kill_group(group: Option<Pid>) {
    if let Some(group) = group {
        // An error means that nobody is left in it.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// What a command of ours runs, without its path.
fn program_of(command: &Command) -> String {
    let path = command.get_args().nth(2).unwrap_or(command.get_program());
    Path::new(path).file_name().unwrap_or(path).to_string_lossy().into_owned()
}

/// Reads all, keeps the end of it.
fn last_of(mut source: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = source.read(&mut piece) {
        kept.extend_from_slice(&piece[..length]);
        if kept.len() > 2 * LAST_WORDS {
            kept.drain(..kept.len() - LAST_WORDS);
        }
    }
    let from = kept.len().saturating_sub(LAST_WORDS);
    kept.split_off(from)
}

fn join(what: &str, words: &str) -> String {
    if words.is_empty() { what.to_owned() } else { format!("{what}: {words}") }
}

/// Of which kind a failure is by what the program said (in English: `LC_ALL` is C, and of the server's messages those
/// that matter are matched by the parts that the program puts in itself, too, where there are any).
fn judge(program: &str, words: &str) -> (Kind, Option<&'static str>) {
    let said = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    // pg_dump bounds its waits for locks by the statement's time.
    if said(&["lock timeout", "statement timeout", "could not obtain lock"]) {
        return (Kind::Throttled, Some("another session holds a lock; it is tried again later"));
    }
    if said(&["row-level security", "row security"]) {
        let hint = "let the role that makes backups bypass it: ALTER ROLE name BYPASSRLS";
        return (Kind::Refused, Some(hint));
    }
    if said(&["permission denied", "must be owner", "must be superuser"]) {
        return (Kind::Refused, Some("grant the role what it lacks: GRANT pg_read_all_data TO name (14 and newer)"));
    }
    if said(&["No space left", "Disk quota exceeded"]) {
        return (Kind::Environment, Some("make room"));
    }
    if said(&["server version mismatch"]) {
        return (Kind::Environment, Some("install PostgreSQL's programs of the server's version, or newer"));
    }
    if said(&["were found"]) && said(&["no matching"]) {
        return (Kind::NotFound, Some("look at the patterns that choose tables and schemas"));
    }
    let lost = [
        "connection to server",
        "terminating connection",
        "server closed the connection",
        "connection not open",
        "could not receive data",
        "SSL connection",
        "SSL SYSCALL",
        "the database system is",
        "too many connections",
        "too many clients",
        "remaining connection slots",
    ];
    if said(&lost) || !matches!(program, "pg_restore" | "psql" | "pg_amcheck") {
        return (Kind::Database, None);
    }
    // What is loaded is not as it should be: it will not be any better the next time.
    (Kind::Unusable, None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    /// What a program of this name does, that is a shell script.
    fn running(folder: &Path, name: &str, script: &str, url: &str) -> (Running, Access) {
        for each in super::super::programs::CLIENTS {
            let script = if each == name { script } else { "" };
            let script =
                format!("#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'x (PostgreSQL) 15.1'; exit; fi\n{script}\n");
            fs::write(folder.join(each), script).unwrap();
            fs::set_permissions(folder.join(each), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let programs = Programs::for_server(folder, 150_000, &super::super::programs::CLIENTS).unwrap();
        let access = Access::new(url, folder).unwrap().of_version(150_000);
        (Running::start(command(&programs, name, &access, "repo-to-cat/test")).unwrap(), access)
    }

    const URL: &str =
        "postgres:///?host=h&port=1&user=cat&dbname=cats&password=s3%3A%5Cret%20&sslmode=disable&options=-c%20a%3Db";

    #[test]
    fn a_program_knows_what_it_needs_and_the_password_is_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (mut running, access) = running(folder.path(), "pg_dump", "env; cat \"$PGPASSFILE\"", URL);
        let said = io::read_to_string(running.stdout().unwrap()).unwrap();
        running.wait().unwrap();
        for line in [
            "PGHOST=h",
            "PGUSER=cat",
            "PGDATABASE=cats",
            "PGSSLMODE=disable",
            "PGAPPNAME=repo-to-cat/test",
            "*:*:*:*:s3\\:\\\\ret ",
        ] {
            assert!(said.lines().any(|said| said == line), "{line} is not in {said}");
        }
        assert!(
            said.contains("PGOPTIONS=-c a=b -c timezone=UTC ")
                && said.contains("-c client_connection_check_interval=2000\n")
        );
        assert!(!said.contains("HOME=") && !format!("{access:?}").contains("s3"), "{said}");
        let file = access.password_file.as_ref().unwrap().path().to_owned();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        drop(access);
        assert!(!file.exists());
    }

    #[test]
    fn a_failure_tells_the_last_words_without_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let script = "yes 'long ago' | head -n 5000 >&2; printf '%s\\n' 's3:\\ret  is wrong' >&2; exit 1";
        let (running, _access) = running(folder.path(), "pg_restore", script, URL);
        let failure = running.wait().unwrap_err();
        assert!(failure.what().starts_with("pg_restore failed: "), "{failure}");
        assert!(failure.what().ends_with("*** is wrong"), "{failure}");
        assert!(failure.what().len() < LAST_WORDS + 100);
        assert_eq!(failure.kind(), Kind::Unusable);
    }

    #[test]
    fn a_killed_program_takes_its_children_along() {
        let folder = tempfile::tempdir().unwrap();
        let (mut running, _access) = running(folder.path(), "pg_dump", "sleep 600 & echo begun; wait", URL);
        let mut stdout = running.stdout().unwrap();
        let mut begun = [0; 6];
        stdout.read_exact(&mut begun).unwrap();
        let killer = running.killer();
        thread::spawn(move || killer.kill());
        assert_eq!(running.wait().unwrap_err().kind(), Kind::Unavailable);
        // The child held the pipe, too: its end tells that both are gone.
        assert_eq!(stdout.read(&mut begun).unwrap(), 0);
    }

    #[test]
    fn what_was_said_decides_whether_to_try_again() {
        for (words, kind) in [
            ("pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout", Kind::Throttled),
            ("pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout", Kind::Throttled),
            ("pg_dump: error: query would be affected by row-level security policy for table \"a\"", Kind::Refused),
            ("pg_dump: error: query failed: ERROR:  permission denied for table a", Kind::Refused),
            ("could not write: No space left on device", Kind::Environment),
            ("pg_dump: error: aborting because of server version mismatch", Kind::Environment),
            ("pg_dump: error: no matching tables were found", Kind::NotFound),
            ("FATAL:  terminating connection due to administrator command", Kind::Database),
            ("connection to server on socket \"/x\" failed: Connection refused", Kind::Database),
            ("ERROR:  cache lookup failed", Kind::Database),
        ] {
            assert_eq!(judge("pg_dump", words).0, kind, "{words}");
        }
        assert_eq!(judge("psql", "ERROR:  relation \"a\" already exists").0, Kind::Unusable);
    }
}
