//! The fetching child: this program, run as `__fetch`, in a process that may be killed at any moment.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};

use super::MB;
use super::http::{Ledger, OnReceived};
use super::message::{Fetched, Message, Request};
use super::negotiate::Fetch;
use super::snapshot::survive;
use crate::model::failure::{Failure, Kind, Result};

/// A message for every so many bytes.
const REPORT_EVERY: u64 = 128 << 10;
/// Room on disk for the index of the pack, beside what came over the wire.
const INDEX_ROOM: u64 = 16 * MB;

/// Does what the request on standard input says, and answers on standard output. For `repo-to-cat __fetch` only.
#[must_use]
pub fn serve() -> ExitCode {
    let message = fetch().map_or_else(Message::Failed, Message::Fetched);
    if send(&message).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fetch() -> Result<Fetched> {
    let internal = |what| Failure::new(Kind::Internal, what);
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text).map_err(|e| internal("no request on standard input").source(e))?;
    let request: Request =
        serde_json::from_slice(&text).map_err(|e| internal("the request cannot be understood").source(e))?;
    confine(&request).map_err(|e| internal("the limits of the process cannot be set").source(e))?;

    let reported = AtomicU64::new(0);
    let on_received: OnReceived = Arc::new(move |received| {
        let step = received / REPORT_EVERY;
        if reported.swap(step, Ordering::Relaxed) != step {
            // Without a reader nobody wants the repository any more; the supervisor's end ends this process, too.
            let _ = send(&Message::Received(received));
        }
    });
    let fetch = Fetch { url: &request.url, settings: &request.settings, ledger: Ledger::default(), on_received };
    survive(|| fetch.run(request.reference.as_deref(), &request.folder))
}

/// Gives up what this process does not need: memory and file sizes beyond the caps, core dumps, and its life after the
/// supervisor's.
fn confine(request: &Request) -> rustix::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let orphaned = getppid().is_none_or(|parent| parent.as_raw_nonzero().get().unsigned_abs() != request.supervisor);
    if orphaned {
        return Err(rustix::io::Errno::SRCH);
    }
    let most = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    let settings = &request.settings;
    setrlimit(Resource::Core, most(0))?;
    setrlimit(Resource::As, most(settings.max_memory_mb.saturating_mul(MB).saturating_add(own_bytes())))?;
    setrlimit(Resource::Fsize, most(settings.max_wire_mb.saturating_mul(MB).saturating_add(INDEX_ROOM)))
}

/// What the program itself takes of the address space: its code is no part of what a repository may cost.
fn own_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    size.and_then(|size| size.trim().strip_suffix(" kB")?.parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes << 10)
}

fn send(message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
