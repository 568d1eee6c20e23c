//! A driver's process, and the events that it prints.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use peers::Result;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

/// A line that a driver prints. What an event has not is 0.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Event {
    pub ev: String,
    pub n: u64,
    pub per_s: f64,
    pub first: u64,
    pub last: u64,
    pub rss_kb: u64,
    pub p50: f64,
    pub p99: f64,
}

/// A driver at work. Dropped, it is killed.
pub struct Process {
    child: Child,
    events: Receiver<Event>,
}

/// How long a worker may take to stop.
const STOP: Duration = Duration::from_secs(20);

impl Process {
    /// Starts `command`; what it says on its error output is appended to `log`.
    pub fn start(command: &[String], env: &[(&str, String)], folder: &Path, log: &Path) -> Result<Self> {
        let errors: File = OpenOptions::new().append(true).create(true).open(log)?;
        // It ends with us, whatever ends us.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .args(command)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("a driver has no output")?).lines();
        let (sender, events) = channel();
        std::thread::spawn(move || {
            let known =
                lines.map_while(std::io::Result::ok).filter_map(|line| serde_json::from_str::<Event>(&line).ok());
            for event in known {
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, events })
    }

    /// Waits for an event. None when it did not come in `time`, or when the process ended without it.
    pub fn wait(&mut self, wanted: &str, time: Duration) -> Option<Event> {
        let end = Instant::now() + time;
        while let Ok(event) = self.events.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if event.ev == wanted {
                return Some(event);
            }
        }
        None
    }

    /// Waits for the end of a process. False when it failed or is still there after `time`.
    pub fn ends_well(&mut self, time: Duration) -> Result<bool> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(false)
    }

    /// Asks a worker to stop; its last event, when it still has one to say.
    pub fn stop(mut self) -> Result<Option<Event>> {
        if self.child.try_wait()?.is_none() {
            kill_process(self.pid()?, Signal::TERM)?;
        }
        let last = self.wait("END", STOP);
        self.ends_well(STOP)?;
        Ok(last)
    }

    /// As `kill -9` does.
    pub fn kill(mut self) -> Result {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Resident memory now, in MB.
    pub fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the worker ended")?;
        let kib: f64 = line.split_whitespace().next().unwrap_or_default().parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    fn pid(&self) -> Result<Pid> {
        Ok(Pid::from_raw(i32::try_from(self.child.id())?).ok_or("a process has the number 0")?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
