//! The process that owns the server: it starts it, starts it again when it dies, and stops it with its last user.
//!
//! It is our own program, re-executed as a hidden subcommand in a session of its own, so that neither Ctrl-C nor the
//! end of the process that happened to start it reaches the server. Everything happens on its main thread: the
//! server's parent-death signal is bound to the thread that started it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::account::{Account, setpriv};
use super::folders::{Folders, cannot, make_private};
use super::journal::Journal;
use super::programs::Programs;
use super::server::{self, LOOK, PidFile};
use crate::model::failure::{Failure, Kind, Result};

/// The hidden subcommand; its one argument is the cluster's folder, its order comes on the standard input.
pub const VERB: &str = "__postgres";

/// How long a fast stop may take before the server is told to drop everything; the next start then recovers.
const STOP_PATIENCE: Duration = Duration::from_mins(1);

/// A server that lived that long was well; its death starts a new count.
const WELL: Duration = Duration::from_mins(1);

/// How many times in a row a server that does not stay up is started again.
const RESTARTS: u32 = 5;

/// What a user wants of the server that it has started. No secrets.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Order {
    /// `database.bin_folder`.
    pub bin_folder: PathBuf,
    /// Settings for the server's command line.
    pub extra_options: Vec<(String, String)>,
    /// Remove the whole cluster when its last user leaves, if this order made it.
    pub ephemeral: bool,
    /// How long the server waits for another user after the last one left.
    pub linger: Duration,
}

impl Order {
    /// Whether a power failure may lose nothing.
    fn durable(&self) -> bool {
        !self.extra_options.iter().any(|(name, value)| name == "fsync" && value == "off")
    }
}

/// What users need to know of a running server; kept in `server.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The supervisor's process.
    pub supervisor: u32,
    /// The folder of the socket.
    pub socket: PathBuf,
    /// The folder of the programs that the server was started from.
    pub bin_folder: PathBuf,
    /// The server's version.
    pub version: String,
}

impl State {
    /// Reads it; `None` when there is none, or only a part.
    pub fn read(folders: &Folders) -> Option<Self> {
        serde_json::from_slice(&fs::read(folders.state()).ok()?).ok()
    }
}

/// The one line that the supervisor prints.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// The server accepts connections.
    Ready(State),
    /// It could not be started.
    Failed(Failure),
}

impl Report {
    fn print(&self) {
        // The user may be gone already; then nobody reads it.
        if let Ok(line) = serde_json::to_string(self) {
            let _ = writeln!(io::stdout(), "{line}");
        }
    }
}

/// Runs the supervisor until the last user of the cluster is gone. `arguments` are what follows [`VERB`].
///
/// Must be called on the main thread, before any runtime starts.
///
/// What goes wrong is reported to the user that started it, so the exit code is all that is returned.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    // Fails only for a leader of a process group, who is out of reach of the terminal's signals just as well.
    let _ = rustix::process::setsid();
    let root = arguments.next().map(PathBuf::from).ok_or_else(|| Failure::new(Kind::Invalid, "no folder given"));
    let Err(failure) = root.and_then(supervise) else { return ExitCode::SUCCESS };
    let code = failure.kind().exit_code();
    Report::Failed(failure).print();
    code.into()
}

fn supervise(root: PathBuf) -> Result<()> {
    let order: Order = serde_json::from_reader(io::stdin().lock())
        .map_err(|error| Failure::new(Kind::Internal, "the supervisor was started without an order").source(error))?;
    let folders = Folders::existing(root);
    let _alone = {
        let file = folders.lock_file("supervisor")?;
        file.lock().map_err(|error| cannot("lock", folders.root(), &error))?;
        file
    };
    let users = folders.lock_file("users")?;
    let journal = Journal::open(&folders.log().join("server.log"));
    let plan = Plan::make(folders, order)?;
    let control = Arc::new(Control::default());
    let (watcher, linger, is_thrown_away) = (Arc::clone(&control), plan.order.linger, plan.is_thrown_away());
    thread::spawn(move || watcher.stop_after_last_user(&users, linger, is_thrown_away));
    let outcome = plan.keep_running(&control, &journal);
    if let Err(failure) = &outcome {
        journal.note(&format!("gives up: {failure}"));
    }
    plan.tidy();
    outcome
}

/// Everything that is known before the server starts.
struct Plan {
    folders: Folders,
    order: Order,
    account: Account,
    programs: Programs,
    socket: PathBuf,
}

impl Plan {
    /// Looks at the folder, and makes the cluster if there is none.
    fn make(folders: Folders, order: Order) -> Result<Self> {
        if setpriv().is_none() {
            return Err(Failure::new(Kind::Environment, "the program setpriv is not installed")
                .hint("type: sudo apt-get install util-linux"));
        }
        server::remove_half_made(&folders);
        let account = Account::for_data(&folders.data())?;
        let major = folders.major()?;
        let programs = Programs::find(&order.bin_folder, major)?;
        account.must_enter(folders.root(), &programs.path("postgres"))?;
        if major.is_none() {
            server::initialise(&folders, &programs, &account, order.durable())?;
            if order.ephemeral {
                let mark = ephemeral_mark(&folders);
                File::create(&mark).map_err(|error| cannot("make", &mark, &error))?;
            }
        }
        let socket = folders.socket(&account);
        make_private(&socket, &account)?;
        Ok(Self { folders, order, account, programs, socket })
    }

    /// Starts the server, and again when it dies, until [`Control`] stops it.
    fn keep_running(&self, control: &Control, journal: &Journal) -> Result<()> {
        let data = self.folders.data();
        let mut announced = false;
        let mut restarts = 0;
        loop {
            server::clear_leftovers(&data, &self.socket, journal)?;
            let extra = &self.order.extra_options;
            let command = server::command(&self.folders, &self.programs, &self.account, &self.socket, extra);
            let Some(mut child) = control.start(command)? else { return Ok(()) };
            let since = Instant::now();
            let copier = child.stderr.take().map(|log| journal.follow(log));
            if !announced && self.becomes_ready(&mut child) {
                if let Err(failure) = self.announce() {
                    control.stop(Signal::INT);
                    let _ = child.wait();
                    return Err(failure);
                }
                announced = true;
            }
            let status = child.wait();
            control.ended();
            // Orphans of a killed server may hold the pipe open: they are dealt with next, so do not wait for them.
            let end = Instant::now() + Duration::from_millis(200);
            while copier.as_ref().is_some_and(|copier| !copier.is_finished()) && Instant::now() < end {
                thread::sleep(LOOK);
            }
            if control.is_stopping() {
                return Ok(());
            }
            restarts = if since.elapsed() > WELL { 1 } else { restarts + 1 };
            if !announced || restarts > RESTARTS {
                return Err(self.died(status, journal));
            }
            journal.note("the server ended by itself; it is started again");
            thread::sleep(Duration::from_secs(u64::from(restarts - 1)));
        }
    }

    /// Waits until the server accepts connections; false when it ends before that.
    fn becomes_ready(&self, child: &mut Child) -> bool {
        let data = self.folders.data();
        loop {
            if !matches!(child.try_wait(), Ok(None)) {
                return false;
            }
            let ours = PidFile::read(&data).is_some_and(|file| file.pid == child.id());
            if ours && server::accepts(&data, &self.socket) {
                return true;
            }
            thread::sleep(LOOK);
        }
    }

    /// Creates our database if it is missing and tells users that they may come.
    fn announce(&self) -> Result<()> {
        if !server::databases(&self.programs, &self.socket)?.iter().any(|name| name == server::DATABASE) {
            server::create_database(&self.programs, &self.socket, server::DATABASE, None)?;
        }
        let state = State {
            supervisor: std::process::id(),
            socket: self.socket.clone(),
            bin_folder: self.programs.folder().to_owned(),
            version: self.programs.version().to_string(),
        };
        let path = self.folders.state();
        let text = serde_json::to_vec(&state).map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
        fs::write(&path, text).map_err(|error| cannot("write", &path, &error))?;
        Report::Ready(state).print();
        Ok(())
    }

    fn died(&self, status: io::Result<ExitStatus>, journal: &Journal) -> Failure {
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let words = journal.take_last_lines().join("\n");
        let hint = if words.contains("No space left") {
            "the disk is full: make room, then try again".to_owned()
        } else if words.contains("invalid value for parameter") || words.contains("unrecognized configuration") {
            format!("correct {}", self.folders.data().join("postgresql.conf").display())
        } else {
            format!(
                "the whole log is {}; if the cluster is damaged, restore a backup or choose another data folder",
                self.folders.log().join("server.log").display()
            )
        };
        let failure = Failure::new(
            Kind::Environment,
            format!("PostgreSQL does not stay up in {} ({how})", self.folders.data().display()),
        );
        let failure = failure.hint(hint);
        if words.is_empty() { failure } else { failure.source(words) }
    }

    /// Whether the cluster goes with its last user.
    fn is_thrown_away(&self) -> bool {
        self.order.ephemeral && ephemeral_mark(&self.folders).exists()
    }

    /// Removes what belongs to the running server only, and an ephemeral cluster as a whole.
    fn tidy(&self) {
        let _ = fs::remove_file(self.folders.state());
        if !self.socket.starts_with(self.folders.root()) {
            let _ = fs::remove_dir_all(&self.socket);
        }
        if self.is_thrown_away() {
            let _ = fs::remove_dir_all(self.folders.root());
            // The data folder itself, if it held nothing else.
            let _ = self.folders.root().parent().map(fs::remove_dir);
        }
    }
}

/// Says that the cluster was made by an ephemeral order, so that no other is ever removed.
fn ephemeral_mark(folders: &Folders) -> PathBuf {
    folders.root().join("ephemeral")
}

/// What both threads of the supervisor share: whether the server is to stop, and a handle to signal it.
#[derive(Default)]
struct Control(Mutex<Running>);

#[derive(Default)]
struct Running {
    stopping: bool,
    server: Option<Server>,
}

/// A handle that reaches this one process, even if another gets the same number later; old kernels have none.
struct Server {
    pid: Pid,
    handle: Option<OwnedFd>,
}

impl Server {
    fn signal(&self, signal: Signal) {
        let _ = match &self.handle {
            Some(handle) => pidfd_send_signal(handle, signal),
            None => kill_process(self.pid, signal),
        };
    }
}

impl Control {
    /// Starts the server; `None` when it is to stop already.
    fn start(&self, mut command: Command) -> Result<Option<Child>> {
        let mut running = self.running();
        if running.stopping {
            return Ok(None);
        }
        let child = command.spawn().map_err(|error| cannot("run", Path::new(command.get_program()), &error))?;
        let pid = Pid::from_child(&child);
        running.server = Some(Server { pid, handle: pidfd_open(pid, PidfdFlags::empty()).ok() });
        Ok(Some(child))
    }

    /// The server has ended.
    fn ended(&self) {
        self.running().server = None;
    }

    fn stop(&self, signal: Signal) {
        let mut running = self.running();
        running.stopping = true;
        if let Some(server) = &running.server {
            server.signal(signal);
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.running().stopping
    }

    /// Waits for the exclusive lock, which is granted when the last user is gone, and keeps it until this process
    /// ends, so that newcomers wait for that. A server whose cluster is thrown away need not write down what it holds.
    fn stop_after_last_user(&self, users: &File, linger: Duration, is_thrown_away: bool) {
        loop {
            if users.lock().is_err() {
                thread::sleep(Duration::from_secs(1));
                continue;
            }
            if linger.is_zero() {
                break;
            }
            let _ = users.unlock();
            thread::sleep(linger);
            if users.try_lock().is_ok() {
                break;
            }
        }
        let signals: &[_] = if is_thrown_away { &[Signal::QUIT] } else { &[Signal::INT, Signal::QUIT] };
        for &signal in signals {
            self.stop(signal);
            thread::sleep(STOP_PATIENCE);
        }
        loop {
            self.stop(Signal::KILL);
            thread::sleep(STOP_PATIENCE);
        }
    }
}
