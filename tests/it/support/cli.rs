//! The program as people and scripts meet it, in a folder of its own with nothing in its environment but a home.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::postgres::{kill, program, temporary_folder, wait_until};

/// Fast enough for tests: what is lost is found within seconds.
const QUICK: &str = "[worker]\nlease_seconds = 3\nheartbeat_seconds = 1\npoll_seconds = 1\nbackoff_seconds = 1\n\
                     backoff_max_seconds = 1\ngrace_seconds = 5\n[http]\nlisten = \"127.0.0.1:0\"\nauth = \"none\"\n";

/// A folder to run the program in, and the database that it uses.
pub struct Shell {
    folder: TempDir,
    database: Option<String>,
}

impl Shell {
    /// With a private cluster in its data folder.
    pub fn private() -> Self {
        Self::new(None)
    }

    /// With this database, as it is.
    pub fn on(url: &str) -> Self {
        Self::new(Some(url.to_owned()))
    }

    /// With this database, migrated.
    pub fn migrated(url: &str) -> Self {
        let shell = Self::on(url);
        shell.succeeds(&["migrate", "up"]);
        shell
    }

    fn new(database: Option<String>) -> Self {
        let folder = temporary_folder();
        let fetch = format!("[fetch]\nlocal_roots = ['{}']\n", folder.path().display());
        fs::write(folder.path().join("quick.toml"), format!("{QUICK}{fetch}")).unwrap();
        Self { folder, database }
    }

    /// The folder that the program runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its database, where it has one of its own.
    pub fn url(&self) -> &str {
        self.database.as_deref().expect("a database that was given")
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command that is not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("HOME", self.folder()).current_dir(self.folder()).stdin(Stdio::null());
        // A test that runs at three in the morning is to be as any other.
        command.env("REPO_TO_CAT_SCHEDULES__BACKUP", "false");
        command.envs(self.database.iter().map(|url| ("DATABASE_URL", url)));
        command.env("REPO_TO_CAT_DATA__FOLDER", "data").args(["--config", "quick.toml"]).args(arguments);
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Runs the program with something on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }

    /// Its output, where it must succeed.
    pub fn succeeds(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
        ran.out
    }

    /// Its output with `--json`, where it must succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let out = self.succeeds(&[&["--json"], arguments].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    /// The ids that `enqueue` gives.
    pub fn enqueue(&self, arguments: &[&str]) -> Vec<String> {
        let enqueued = self.json(&[&["enqueue"], arguments].concat());
        enqueued.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    }

    /// What it says, where it must fail with this exit code.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}{}", ran.out, ran.err);
        ran.err
    }

    /// Starts the service and returns when it is ready.
    pub fn service(&self, only: &str) -> Service {
        Service::start(self.command(&["run", "--only", only]))
    }

    /// Processes that name this folder in their command line, or have it as their own.
    pub fn processes(&self) -> Vec<String> {
        let folder = self.folder().as_os_str().as_encoded_bytes();
        let names_it = |bytes: &[u8]| bytes.windows(folder.len()).any(|window| window == folder);
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        processes
            .filter_map(|process| {
                let command = fs::read(process.join("cmdline")).ok()?;
                let own = fs::read_link(process.join("cwd")).unwrap_or_default();
                let is_ours = names_it(&command) || names_it(own.as_os_str().as_encoded_bytes());
                is_ours.then(|| String::from_utf8_lossy(&command).replace('\0', " "))
            })
            .collect()
    }

    /// Returns when no such process is left.
    pub fn wait_for_silence(&self) {
        wait_until("every process to end", || self.processes().is_empty());
    }
}

/// A program that has ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A `run` that is ready. Killed where a test fails before it stops it.
pub struct Service {
    child: Child,
    /// Lines of its log, from a thread that keeps the pipe from filling.
    lines: Receiver<String>,
    logged: String,
}

impl Service {
    /// Starts a command and reads its log until it says that it is ready.
    pub fn start(command: Command) -> Self {
        Self::start_when(command, ": ready")
    }

    /// The same where another `word` of its log says so.
    pub fn start_when(mut command: Command, word: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut service = Self { child, lines, logged: String::new() };
        service.read_until(word);
        service
    }

    /// Reads the log up to a line that holds `word`; far longer than it takes, so that a busy machine fails no test.
    pub fn read_until(&mut self, word: &str) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_mins(2));
            let line = line.unwrap_or_else(|error| panic!("never said {word:?} ({error}): {}", self.logged));
            let is_it = line.contains(word);
            self.logged += &(line + "\n");
            if is_it {
                return;
            }
        }
    }

    /// The address that it listens on.
    pub fn address(&self) -> String {
        self.told("address=")
    }

    /// The value that stands after `name` in its log.
    pub fn told(&self, name: &str) -> String {
        let (_, after) = self.logged.split_once(name).expect("it was told");
        after.split_whitespace().next().unwrap().to_owned()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal and waits for the end; returns the status and the whole log.
    pub fn stop(mut self, signal: Signal) -> (ExitStatus, String) {
        kill(self.child.id(), signal);
        self.logged.extend(self.lines.iter().map(|line| line + "\n"));
        (self.child.wait().unwrap(), mem::take(&mut self.logged))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
