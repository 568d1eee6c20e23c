//! A user's view of the private cluster.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::folders::{Folders, cannot};
use super::journal::last_line;
use super::programs::Programs;
use super::server::{self, DATABASE, LOOK, PORT, PidFile, USER};
use super::supervisor::{Order, Report, State, VERB};
use crate::model::failure::{Failure, Kind, Result};

/// After how long a wait is mentioned for the first time, and how often then.
const MENTION: Duration = Duration::from_secs(5);

/// How a private cluster is opened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder; the cluster lies in its subfolder `postgres`.
    pub folder: PathBuf,
    /// Folder with `PostgreSQL`'s programs; empty: the newest installed.
    pub bin_folder: PathBuf,
    /// Our own program, which is re-executed as the supervisor.
    pub program: PathBuf,
    /// Server settings, e.g. `("fsync", "off")`; they count when this process starts the server, not when it attaches.
    pub extra_options: Vec<(String, String)>,
    /// Remove a cluster that this call makes when its last user leaves.
    pub ephemeral: bool,
    /// How long the server waits for another user after the last one left.
    pub linger: Duration,
    /// How long to wait for the server; recovery after a crash may take minutes.
    pub patience: Duration,
}

impl Settings {
    /// A durable cluster that stops with its last user.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, bin_folder: impl Into<PathBuf>, program: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            bin_folder: bin_folder.into(),
            program: program.into(),
            extra_options: Vec::new(),
            ephemeral: false,
            linger: Duration::ZERO,
            patience: Duration::from_mins(10),
        }
    }

    /// A cluster that is removed when its last user leaves, for tests and trial restores. A power failure may damage
    /// it, but whatever process is killed, no commit is lost.
    #[must_use]
    pub fn ephemeral(folder: impl Into<PathBuf>, bin_folder: impl Into<PathBuf>, program: impl Into<PathBuf>) -> Self {
        let careless = ["fsync", "full_page_writes"];
        Self {
            extra_options: careless.map(|name| (name.to_owned(), "off".to_owned())).to_vec(),
            ephemeral: true,
            ..Self::new(folder, bin_folder, program)
        }
    }
}

/// What is known about the server of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The supervisor's process.
    pub supervisor: u32,
    /// The server's main process; `None` while there is none.
    pub postmaster: Option<u32>,
    /// Whether connections are accepted.
    pub ready: bool,
    /// The server's version.
    pub version: String,
    /// The folder of the socket.
    pub socket: PathBuf,
    /// The folder of the cluster's files.
    pub data: PathBuf,
    /// The server's log file.
    pub log: PathBuf,
}

/// A share in a running private cluster. The server stops when the last share is dropped, or its holder dies.
#[derive(Debug)]
pub struct Cluster {
    settings: Settings,
    folders: Folders,
    state: State,
    /// The shared lock: held as long as the file is open.
    _share: File,
}

impl Cluster {
    /// Attaches to the server of `settings.folder`; starts it if none runs; makes the cluster if there is none.
    ///
    /// Blocks, usually well under a second, for some seconds the first time; in async code call it through
    /// `spawn_blocking`.
    ///
    /// # Errors
    /// [`Kind::Environment`] that says what is missing or in the way, with the last words of the server if it
    /// started at all.
    pub fn open(settings: Settings) -> Result<Self> {
        let mut wait = Wait::new(&settings);
        let (folders, share) = wait.until(|| share(&settings.folder))?;
        let state = ensure(&settings, &folders, &mut wait)?;
        Ok(Self { settings, folders, state, _share: share })
    }

    /// Starts the server again if it is gone although we hold a share: somebody killed its supervisor. Returns whether
    /// it has another supervisor than before.
    ///
    /// # Errors
    /// As [`Cluster::open`].
    pub fn ensure(&mut self) -> Result<bool> {
        let before = self.state.supervisor;
        self.state = ensure(&self.settings, &self.folders, &mut Wait::new(&self.settings))?;
        Ok(self.state.supervisor != before)
    }

    /// Removes what a cluster left in `folder` that nobody uses any more, and the folder, if it holds nothing else: its
    /// supervisor was killed, or never came to make it. Returns whether nothing is left; false while a user or a
    /// supervisor of it lives, who removes an ephemeral one himself.
    ///
    /// # Errors
    /// [`Kind::Environment`] when something cannot be removed.
    pub fn remove_abandoned(folder: &Path) -> Result<bool> {
        let folders = Folders::existing(folder.join("postgres"));
        let mut held = Vec::new();
        for name in ["supervisor", "users"].into_iter().filter(|_| folders.root().exists()) {
            // Held while all is removed, so that nobody begins to use it.
            let lock = folders.lock_file(name)?;
            if attempt(&lock).map_err(|error| cannot("lock", folders.root(), &error))?.is_none() {
                return Ok(false);
            }
            held.push(lock);
        }
        let socket = Account::for_data(&folders.data()).map(|account| folders.socket(&account));
        let outside = socket.into_iter().filter(|socket| !socket.starts_with(folders.root()));
        for gone in outside.chain([folders.root().to_owned()]) {
            match fs::remove_dir_all(&gone) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(cannot("remove", &gone, &error)),
                _ => {}
            }
        }
        // Fails where it holds something else, or is gone already.
        let _ = fs::remove_dir(folder);
        Ok(true)
    }

    /// The URL of our database, for sqlx and for libpq's programs.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// The URL of one database of this cluster.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        // The socket's folder has plain characters only: `Folders::socket` sees to that.
        let database: String = url::form_urlencoded::byte_serialize(database.as_bytes()).collect();
        let database = database.replace('+', "%20");
        format!("postgres:///{database}?host={}&port={PORT}&user={USER}", self.state.socket.display())
    }

    /// Creates an empty database, or a copy of `template`.
    ///
    /// # Errors
    /// [`Kind::Database`] with the server's words.
    pub fn create_database(&self, name: &str, template: Option<&str>) -> Result<()> {
        server::create_database(&self.programs()?, &self.state.socket, name, template)
    }

    /// Drops a database, if it is there, under whoever is connected.
    ///
    /// # Errors
    /// [`Kind::Database`] with the server's words.
    pub fn drop_database(&self, name: &str) -> Result<()> {
        server::drop_database(&self.programs()?, &self.state.socket, name)
    }

    /// The programs that the server was started from: `pg_dump` of the same version is among them.
    ///
    /// # Errors
    /// [`Kind::Environment`] when they have been removed since.
    pub fn programs(&self) -> Result<Programs> {
        Programs::find(&self.state.bin_folder, None)
    }

    /// What is known about the server now.
    #[must_use]
    pub fn status(&self) -> Status {
        let data = self.folders.data();
        let postmaster =
            PidFile::read(&data).map(|file| file.pid).filter(|pid| server::processes_of(&data).contains(pid));
        Status {
            supervisor: self.state.supervisor,
            postmaster,
            ready: postmaster.is_some() && server::accepts(&data, &self.state.socket),
            version: self.state.version.clone(),
            socket: self.state.socket.clone(),
            log: self.folders.log().join("server.log"),
            data,
        }
    }
}

/// Takes a share in the cluster; `None` while a supervisor that stops holds it alone.
fn share(folder: &Path) -> Result<Option<(Folders, File)>> {
    let folders = Folders::create(folder)?;
    let file = folders.lock_file("users")?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(cannot("lock", folders.root(), &error)),
        // An ephemeral cluster may have been removed between opening and locking: then the lock is of no use.
        Ok(()) => {
            let found = fs::metadata(folders.root().join("users.lock"));
            let locked = file.metadata().map_err(|error| cannot("look at", folders.root(), &error))?;
            Ok(found.is_ok_and(|found| found.ino() == locked.ino()).then_some((folders, file)))
        }
    }
}

/// Makes sure that a supervisor and its server run. The caller holds a share, so they will not stop by themselves.
fn ensure(settings: &Settings, folders: &Folders, wait: &mut Wait) -> Result<State> {
    let failed = |error: std::io::Error| cannot("lock", folders.root(), &error);
    wait.log = Some(folders.log().join("server.log"));
    let start = folders.lock_file("start")?;
    wait.until(|| attempt(&start).map_err(failed))?;
    let supervisor = folders.lock_file("supervisor")?;
    // Held: a supervisor lives. It tells when its server is ready, or ends.
    while attempt(&supervisor).map_err(failed)?.is_none() {
        if let Some(state) = State::read(folders).filter(|state| server::accepts(&folders.data(), &state.socket)) {
            return Ok(state);
        }
        wait.pause()?;
    }
    let _ = fs::remove_file(folders.state());
    drop(supervisor);
    launch(settings, folders, wait)
}

/// Takes an exclusive lock if nobody holds it.
fn attempt(file: &File) -> std::io::Result<Option<()>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(())),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Starts a supervisor and waits for its report.
fn launch(settings: &Settings, folders: &Folders, wait: &mut Wait) -> Result<State> {
    let order = Order {
        bin_folder: settings.bin_folder.clone(),
        extra_options: settings.extra_options.clone(),
        ephemeral: settings.ephemeral,
        linger: settings.linger,
    };
    let order = serde_json::to_vec(&order)
        .map_err(|error| Failure::new(Kind::Invalid, format!("database.bin_folder: {error}")))?;
    let log = folders.log().join("supervisor.log");
    let _ = fs::remove_file(&log);
    let log = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&log)
        .map_err(|error| cannot("write", &log, &error))?;
    let unable = |error: std::io::Error| cannot("run", &settings.program, &error);
    let mut supervisor = Command::new(&settings.program)
        .arg(VERB)
        .arg(folders.root())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(unable)?;
    supervisor.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(&order)).map_err(unable)?;
    let report = supervisor.stdout.take().map(BufReader::new);
    let (sender, receiver) = mpsc::channel();
    // Reads the report, then stays to take the supervisor's exit status, or it would remain as a zombie.
    thread::spawn(move || {
        let mut line = String::new();
        let _ = report.map(|mut report| report.read_line(&mut line));
        let _ = sender.send(line);
        let _ = supervisor.wait();
    });
    let line = loop {
        match receiver.try_recv() {
            Ok(line) => break line,
            Err(_) => wait.pause()?,
        }
    };
    match serde_json::from_str(&line) {
        Ok(Report::Ready(state)) => Ok(state),
        Ok(Report::Failed(failure)) => Err(failure),
        Err(_) => Err(Failure::new(
            Kind::Environment,
            format!("the supervisor of PostgreSQL in {} ended without a word", folders.root().display()),
        )
        .hint(format!("look at {}; perhaps it was killed", folders.log().join("supervisor.log").display()))),
    }
}

/// A bounded wait that tells people when it gets long.
struct Wait {
    folder: PathBuf,
    since: Instant,
    patience: Duration,
    mentions: u32,
    log: Option<PathBuf>,
}

impl Wait {
    fn new(settings: &Settings) -> Self {
        Self {
            folder: settings.folder.clone(),
            since: Instant::now(),
            patience: settings.patience,
            mentions: 0,
            log: None,
        }
    }

    /// Tries until something comes of it.
    fn until<T>(&mut self, mut attempt: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        loop {
            if let Some(done) = attempt()? {
                return Ok(done);
            }
            self.pause()?;
        }
    }

    fn pause(&mut self) -> Result<()> {
        let waited = self.since.elapsed();
        let last = || self.log.as_deref().and_then(last_line).unwrap_or_else(|| "nothing yet".to_owned());
        if waited > self.patience {
            return Err(Failure::new(
                Kind::Environment,
                format!("PostgreSQL in {} was not ready within {} s", self.folder.display(), self.patience.as_secs()),
            )
            .hint("try again: recovery goes on where it stopped; if it never ends, look at the log")
            .source(last()));
        }
        if waited > MENTION * (self.mentions + 1) {
            self.mentions += 1;
            tracing::info!(
                "waiting for PostgreSQL in {} for {} s; its log says: {}",
                self.folder.display(),
                waited.as_secs(),
                last()
            );
        }
        thread::sleep(LOOK);
        Ok(())
    }
}
