//! Fetches a remote repository: starts the child, watches it, ends it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::message::{Fetched, Message, Request};
use super::snapshot::{Origin, Snapshot};
use super::{MB, open_options};
use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;
use crate::model::repository::RepositoryUrl;
use crate::providers::work_folder::{Use, WorkFolder};

/// How often we ask whether to stop.
const TICK: Duration = Duration::from_millis(50);
/// Most that a child may say.
const MOST_OUTPUT: u64 = 16 * MB;

pub(super) fn fetch(
    url: &RepositoryUrl,
    reference: Option<&str>,
    settings: &config::Fetch,
    work_folder: &Path,
    program: &Path,
    report: &dyn Report,
) -> Result<Snapshot> {
    let folder = WorkFolder::create(work_folder, Use::Fetch)?;
    let request = Request {
        url: url.clone(),
        reference: reference.map(str::to_owned),
        folder: folder.path().join("repository.git"),
        settings: settings.clone(),
        supervisor: std::process::id(),
    };
    report.report(0, 0, &format!("asking {}", url.host));
    let fetched = Supervised::start(program, &request)?.wait(settings, url, report)?;
    let options = open_options(settings.max_object_mb.saturating_mul(MB)).open_path_as_is(true);
    let repository = gix::ThreadSafeRepository::open_opts(&request.folder, options)
        .map_err(|e| Failure::new(Kind::Internal, "what was fetched cannot be opened").source(e))?;
    let origin = Origin {
        canonical_url: fetched.url.canonical(),
        owner: fetched.url.owner,
        name: fetched.url.name,
        commit_oid: fetched.commit,
        reference: fetched.reference,
        claimed_url: None,
    };
    Snapshot::take(repository, origin, Vec::new(), Some(folder), settings, report)
}

/// A running child; dropping it ends it.
struct Supervised {
    child: Child,
    messages: Receiver<Message>,
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Supervised {
    fn start(program: &Path, request: &Request) -> Result<Self> {
        let failed = |e: std::io::Error| {
            Failure::new(Kind::Environment, format!("cannot run {} __fetch", program.display())).source(e)
        };
        let mut child = Command::new(program)
            .arg("__fetch")
            .env_clear()
            // A Ctrl-C at the terminal is for us: we end the child when our work is to stop.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (sender, messages) = sync_channel(64);
        let supervised = Self { child, messages };
        if let Some(stdout) = stdout {
            thread::Builder::new()
                .name("fetch-messages".to_owned())
                .spawn(move || read_messages(stdout, |message| sender.send(message).is_ok()))
                .map_err(failed)?;
        }
        if let Some(mut stdin) = stdin {
            let text = serde_json::to_vec(request)
                .map_err(|e| Failure::new(Kind::Internal, "the request cannot be written").source(e))?;
            stdin.write_all(&text).map_err(failed)?;
        }
        Ok(supervised)
    }

    fn wait(mut self, settings: &config::Fetch, url: &RepositoryUrl, report: &dyn Report) -> Result<Fetched> {
        let deadline = Instant::now() + Duration::from_secs(settings.max_seconds);
        loop {
            if report.should_stop() {
                return Err(Failure::new(Kind::Cancelled, "stopped while fetching"));
            }
            if Instant::now() >= deadline {
                let what = format!("fetching {} takes longer than {} s", url.canonical(), settings.max_seconds);
                return Err(Failure::new(Kind::TooLarge, what).hint("the operator may raise fetch.max_seconds"));
            }
            match self.messages.recv_timeout(TICK) {
                Ok(Message::Received(bytes)) => {
                    report.report(bytes, 0, &format!("{:.1} MB received", bytes as f64 / MB as f64));
                }
                Ok(Message::Fetched(fetched)) => return Ok(fetched),
                Ok(Message::Failed(failure)) => return Err(failure),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let ended = self.child.wait();
                    return Err(ended.map_or_else(
                        |e| Failure::new(Kind::Internal, "the fetching process is lost").source(e),
                        |status| of_end(status, settings, url),
                    ));
                }
            }
        }
    }
}

fn read_messages(stdout: ChildStdout, keep: impl Fn(Message) -> bool) {
    for line in BufReader::new(stdout.take(MOST_OUTPUT)).lines() {
        let message = line.ok().and_then(|line| serde_json::from_str(&line).ok());
        if !message.is_some_and(&keep) {
            break;
        }
    }
}

/// Why a child ended without an answer: it met one of its limits, or a fault.
fn of_end(status: ExitStatus, settings: &config::Fetch, url: &RepositoryUrl) -> Failure {
    let name = url.canonical();
    let signal = status.signal();
    if signal == Some(Signal::XFSZ.as_raw()) {
        let what = format!("{name} needs more than {} MB on disk", settings.max_wire_mb);
        return Failure::new(Kind::TooLarge, what).hint("the operator may raise fetch.max_wire_mb");
    }
    // An allocation that fails aborts the process.
    if [Signal::ABORT, Signal::SEGV, Signal::BUS].iter().any(|s| signal == Some(s.as_raw())) {
        let what = format!("{name} needs more than {} MB of memory to be received", settings.max_memory_mb);
        return Failure::new(Kind::TooLarge, what).hint("the operator may raise fetch.max_memory_mb");
    }
    if let Some(signal) = signal {
        return Failure::new(
            Kind::Environment,
            format!("the fetching process was ended from outside (signal {signal})"),
        )
        .hint("by the kernel for want of memory, perhaps: see its log, or lower fetch.max_memory_mb");
    }
    Failure::new(Kind::Internal, format!("the fetching process ended without an answer ({status})"))
}
