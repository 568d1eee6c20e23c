//! Runs the parser processes: hands out files, watches the clock, replaces what dies, keeps the order out of the
//! result.
//!
//! Each process has a feeder (reads blobs, writes requests) and a receiver (reads answers, in the same order). A few
//! files are on their way at once, so that nobody waits for the other. One watchdog kills a process whose file is
//! overdue; the receiver then sees the end of the answers, and the first file without one is the guilty one.

use std::collections::VecDeque;
use std::io::{BufReader, BufWriter, ErrorKind};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;
use crate::model::tree::{Tree, TreeEntry};

use super::examine::Depth;
use super::facts::FileFacts;
use super::filter::HEAD;
use super::language;
use super::wire::{self, Request};

/// Files on their way to one process and back.
const IN_FLIGHT: usize = 8;
/// How often the watchdog looks.
const TICK: Duration = Duration::from_millis(20);
/// How long a process may take to say that it is ready.
const START: Duration = Duration::from_secs(30);

/// How many times a file's limit may pass by the clock when the machine is busy.
const PATIENCE: u32 = 10;

/// How many processes may be ended from outside over one file before it is suspected of bringing that about.
const INTERRUPTIONS: u8 = 3;

/// What was found out about all files.
#[derive(Debug, Default)]
pub struct Findings {
    /// Per file, in the order of `files`.
    pub facts: Vec<FileFacts>,
    /// Sampled windows of tokens, in no order.
    pub windows: Vec<u64>,
}

/// Examines `files` (indices into the tree's entries) in parser processes.
pub fn examine(
    tree: &dyn Tree,
    files: &[usize],
    settings: &config::Analysis,
    shift: u8,
    child: &Path,
    report: &dyn Report,
) -> Result<Findings> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let most = if settings.processes == 0 { cores } else { settings.processes };
    // Starting a process costs as much as some small files.
    let processes = most.min(files.len().div_ceil(4));
    let slots: Vec<Slot> = (0..processes).map(|_| Slot::default()).collect();
    let work = Work {
        tree,
        files,
        settings,
        shift,
        child,
        report,
        next: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        stop: Mutex::new(None),
        finished: Mutex::new(false),
        finish: Condvar::new(),
    };
    let mut found = thread::scope(|scope| {
        let watchdog = scope.spawn(|| work.watch(&slots));
        let running: Vec<_> = slots.iter().map(|slot| scope.spawn(|| work.run_slot(slot))).collect();
        let found: Vec<Vec<Found>> = running
            .into_iter()
            .map(|slot| {
                slot.join().unwrap_or_else(|_| {
                    work.fail(Failure::new(Kind::Internal, "a thread of the analysis panicked"));
                    Vec::new()
                })
            })
            .collect();
        *lock(&work.finished) = true;
        work.finish.notify_all();
        drop(watchdog.join());
        found.into_iter().flatten().collect::<Vec<_>>()
    });
    if let Some(failure) = lock(&work.stop).take() {
        return Err(failure);
    }
    found.sort_unstable_by_key(|found| found.file);
    let mut findings = Findings::default();
    for Found { facts, windows, .. } in found {
        findings.facts.push(facts);
        findings.windows.extend(windows);
    }
    Ok(findings)
}

/// The answer to one file; `file` is an index into the list of files.
struct Found {
    file: usize,
    facts: FileFacts,
    windows: Vec<u64>,
}

/// A file on its way; it is kept to be sent again when the process dies because of another.
#[derive(Debug, Clone)]
struct Task {
    file: usize,
    depth: Depth,
    /// Why it is not parsed.
    notes: Vec<String>,
    /// How many processes were ended from outside while it was the next to be answered.
    interruptions: u8,
}

/// One place for a process, shared between its feeder, its receiver and the watchdog.
#[derive(Default)]
struct Slot {
    state: Mutex<SlotState>,
    /// An answer came, or the process is gone.
    changed: Condvar,
}

#[derive(Default)]
struct SlotState {
    process: Option<Child>,
    in_flight: VecDeque<Task>,
    /// When to look whether the first file on its way is overdue.
    deadline: Option<Instant>,
    /// When it was first looked at, and the processor time that the process had used by then.
    looked: Option<(Instant, Duration)>,
    gone: bool,
    /// We ended the process, or are about to: it took too long or makes no sense.
    condemned: bool,
}

struct Work<'a> {
    tree: &'a dyn Tree,
    files: &'a [usize],
    settings: &'a config::Analysis,
    shift: u8,
    child: &'a Path,
    report: &'a dyn Report,
    next: AtomicUsize,
    done: AtomicUsize,
    /// Why everything stops.
    stop: Mutex<Option<Failure>>,
    finished: Mutex<bool>,
    finish: Condvar,
}

impl Work<'_> {
    /// Runs one process after the other until no file is left.
    fn run_slot(&self, slot: &Slot) -> Vec<Found> {
        let mut found = Vec::new();
        let mut backlog = VecDeque::new();
        while !self.stopped() && (!backlog.is_empty() || self.next.load(Ordering::Relaxed) < self.files.len()) {
            if let Err(failure) = self.run_process(slot, &mut backlog, &mut found) {
                self.fail(failure);
            }
        }
        found
    }

    /// Runs one process until it has answered everything or is gone; what it still owes goes back to the backlog.
    fn run_process(&self, slot: &Slot, backlog: &mut VecDeque<Task>, found: &mut Vec<Found>) -> Result<()> {
        let Some((to, mut from)) = self.start(slot)? else { return Ok(()) };
        let before = found.len();
        let rest = thread::scope(|scope| {
            let feeder = scope.spawn(|| self.feed(slot, to, std::mem::take(backlog)));
            self.receive(slot, &mut from, found);
            let (rest, unreadable) = feeder.join().unwrap_or_default();
            found.extend(unreadable);
            rest
        });
        let mut state = lock(&slot.state);
        let mut interrupted = false;
        if let Some(mut process) = state.process.take() {
            // It ends by itself when its input ends; one that was cut off in the middle is not waited for.
            if !state.in_flight.is_empty() {
                drop(process.kill());
            }
            interrupted = process.wait().is_ok_and(is_from_outside) && !state.condemned;
        }
        let guilty = state.in_flight.pop_front();
        backlog.extend(state.in_flight.drain(..));
        backlog.extend(rest);
        drop(state);
        match guilty {
            Some(task) if interrupted && task.interruptions < INTERRUPTIONS => {
                backlog.push_front(Task { interruptions: task.interruptions + 1, ..task });
            }
            Some(task) if !self.stopped() => self.blame(task, backlog, found),
            None if !interrupted && found.len() == before && !backlog.is_empty() && !self.stopped() => {
                return Err(Failure::new(Kind::Internal, "the parser process ends without having done anything"));
            }
            _ => {}
        }
        Ok(())
    }

    /// A file ended its process: its lines are still counted; if even that is too much, it is left out.
    fn blame(&self, task: Task, backlog: &mut VecDeque<Task>, found: &mut Vec<Found>) {
        let Task { file, depth, mut notes, .. } = task;
        // Which of the two it was may depend on the machine, and the same commit must give the same notes.
        let (time, memory) = (self.settings.max_file_ms, self.settings.max_memory_mb);
        let cause = format!("crashed or took over {time} ms or {memory} MB");
        if depth == Depth::Parse {
            notes.push(format!("parsing {cause}: counted, not parsed"));
            backlog.push_front(Task { file, depth: Depth::Count, notes, interruptions: 0 });
        } else {
            notes.push(format!("counting its lines {cause}: left out"));
            found.push(self.lost(file, notes));
        }
    }

    /// The answer to a file about which nothing could be found out.
    fn lost(&self, file: usize, notes: Vec<String>) -> Found {
        self.count_done();
        let language = language::by_path(&self.entry(file).path).map(|language| language::name(language).to_owned());
        Found { file, facts: FileFacts { language, notes, ..FileFacts::default() }, windows: Vec::new() }
    }

    /// Starts a process and waits until it is ready; none where somebody outside ended it before it was.
    fn start(&self, slot: &Slot) -> Result<Option<(ChildStdin, BufReader<ChildStdout>)>> {
        let failed = |what: &str, error: std::io::Error| {
            Failure::new(Kind::Environment, format!("{what} the parser process {}", self.child.display())).source(error)
        };
        let mut process = Command::new(self.child)
            .arg("__parse")
            .env_clear()
            // A Ctrl-C at the terminal is for us: a graceful stop may let the analysis come to its end.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed("cannot start", error))?;
        let (Some(mut to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Failure::new(Kind::Internal, "the parser process has no pipes"));
        };
        let mut state = lock(&slot.state);
        *state = SlotState { process: Some(process), deadline: Some(Instant::now() + START), ..SlotState::default() };
        drop(state);
        let mut from = BufReader::with_capacity(64 * 1024, from);
        let greeted = wire::write_hello(&mut to, self.settings.max_memory_mb * 1024 * 1024)
            .and_then(|()| wire::read_ready(&mut from));
        let mut state = lock(&slot.state);
        state.deadline = None;
        if let Err(error) = greeted {
            let Some(mut process) = state.process.take() else { return Err(failed("no answer from", error)) };
            let gone = matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe) && !state.condemned;
            drop(process.kill());
            let interrupted = process.wait().is_ok_and(is_from_outside) && gone;
            return if interrupted { Ok(None) } else { Err(failed("no answer from", error)) };
        }
        drop(state);
        Ok(Some((to, from)))
    }

    /// Sends files while there are any, at most [`IN_FLIGHT`] ahead of the answers. Returns what was not sent, and
    /// what cannot be read.
    fn feed(&self, slot: &Slot, to: ChildStdin, mut backlog: VecDeque<Task>) -> (VecDeque<Task>, Vec<Found>) {
        let mut to = BufWriter::with_capacity(64 * 1024, to);
        let mut unreadable = Vec::new();
        while !self.stopped() {
            let Some(mut task) = backlog.pop_front().or_else(|| self.take()) else { break };
            let request = match self.request(&mut task) {
                Ok(request) => request,
                Err(failure) if matches!(failure.kind(), Kind::Unusable | Kind::TooLarge | Kind::NotFound) => {
                    task.notes.push(format!("cannot be read ({}): left out", failure.what()));
                    unreadable.push(self.lost(task.file, task.notes));
                    continue;
                }
                Err(failure) => {
                    self.fail(failure);
                    break;
                }
            };
            let mut state = lock(&slot.state);
            while state.in_flight.len() >= IN_FLIGHT && !state.gone {
                state = slot.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.gone {
                backlog.push_front(task);
                break;
            }
            state.in_flight.push_back(task);
            if state.in_flight.len() == 1 {
                state.deadline = Some(self.deadline());
            }
            drop(state);
            // An error means that the process is gone, which the receiver sees, too.
            if wire::write_request(&mut to, &request).is_err() {
                break;
            }
        }
        (backlog, unreadable)
    }

    /// Takes answers until there are no more.
    fn receive(&self, slot: &Slot, from: &mut BufReader<ChildStdout>, found: &mut Vec<Found>) {
        let end = loop {
            let (mut facts, windows) = match wire::read_answer(from) {
                Ok(answer) => answer,
                Err(error) => break error.kind(),
            };
            let mut state = lock(&slot.state);
            let Some(task) = state.in_flight.pop_front() else { break ErrorKind::InvalidData };
            state.deadline = (!state.in_flight.is_empty()).then(|| self.deadline());
            state.looked = None;
            drop(state);
            slot.changed.notify_all();
            facts.notes.splice(0..0, task.notes);
            found.push(Found { file: task.file, facts, windows });
            self.count_done();
        };
        let mut state = lock(&slot.state);
        state.gone = true;
        state.condemned |= end != ErrorKind::UnexpectedEof;
        drop(state);
        slot.changed.notify_all();
    }

    fn take(&self) -> Option<Task> {
        let file = self.next.fetch_add(1, Ordering::Relaxed);
        (file < self.files.len()).then_some(Task { file, depth: Depth::Parse, notes: Vec::new(), interruptions: 0 })
    }

    /// The request for a file, with no more of its content than is needed.
    fn request(&self, task: &mut Task) -> Result<Request> {
        let entry = self.entry(task.file);
        let mut content =
            self.tree.read(entry).map_err(|failure| failure.context(format!("reading {}", entry.path)))?;
        let language = language::by_path(&entry.path).or_else(|| language::by_shebang(&content));
        if language.is_none() {
            content.truncate(HEAD);
        }
        let limit = self.settings.max_file_kb;
        let is_parsable = language.and_then(language::grammar).is_some();
        if is_parsable && task.depth == Depth::Parse && content.len() as u64 > limit * 1024 {
            task.depth = Depth::Count;
            task.notes.push(format!("over {limit} KB: counted, not parsed"));
        }
        Ok(Request { depth: task.depth, shift: self.shift, path: entry.path.clone(), content })
    }

    fn entry(&self, file: usize) -> &TreeEntry {
        &self.tree.entries()[self.files[file]]
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.settings.max_file_ms)
    }

    fn count_done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let total = self.files.len();
        if done.is_multiple_of(64) || done == total {
            self.report.report(done as u64, total as u64, &format!("{done} of {total} files"));
        }
    }

    fn stopped(&self) -> bool {
        lock(&self.stop).is_some()
    }

    /// Stops everything; the first reason is kept.
    fn fail(&self, failure: Failure) {
        lock(&self.stop).get_or_insert(failure);
    }

    /// Whether the first file on its way has used its time up. On a busy machine the clock runs while the process
    /// does not, so from the first look on only processor time counts, up to [`PATIENCE`] times the limit.
    fn is_overdue(&self, state: &mut SlotState, now: Instant) -> bool {
        let limit = Duration::from_millis(self.settings.max_file_ms);
        let Some(used) = state.process.as_ref().and_then(processor_time) else { return true };
        let (since, before) = *state.looked.get_or_insert((now, used));
        let left = limit.saturating_sub(used.saturating_sub(before));
        let overdue = left.is_zero() || now - since >= limit * PATIENCE;
        if !overdue {
            state.deadline = Some(now + left.max(TICK));
        }
        overdue
    }

    /// Kills what is overdue, and everything when it is time to stop, until all slots are done.
    fn watch(&self, slots: &[Slot]) {
        let end = Instant::now() + Duration::from_secs(self.settings.max_seconds);
        let mut finished = lock(&self.finished);
        while !*finished {
            finished = self.finish.wait_timeout(finished, TICK).unwrap_or_else(PoisonError::into_inner).0;
            let now = Instant::now();
            if self.report.should_stop() {
                self.fail(Failure::new(Kind::Cancelled, "the analysis was stopped"));
            } else if now > end {
                let limit = self.settings.max_seconds;
                self.fail(
                    Failure::new(Kind::TooLarge, format!("the analysis took over {limit} s"))
                        .hint("raise analysis.max_seconds, or analyse a smaller repository"),
                );
            }
            let stop = self.stopped();
            for slot in slots {
                let mut state = lock(&slot.state);
                let overdue = state.deadline.is_some_and(|deadline| deadline < now) && self.is_overdue(&mut state, now);
                if !stop && !overdue {
                    continue;
                }
                state.deadline = None;
                state.condemned = true;
                if let Some(process) = &mut state.process {
                    drop(process.kill());
                }
            }
        }
    }
}

/// Whether a process was ended by a signal that it does not bring upon itself: by a person, a service manager, or the
/// kernel for want of memory. That says nothing about its file, and the same commit must give the same analysis.
fn is_from_outside(status: ExitStatus) -> bool {
    let signals = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::KILL];
    status.signal().is_some_and(|ended_by| signals.iter().any(|signal| signal.as_raw() == ended_by))
}

/// Processor time that a process has used, from `/proc`.
fn processor_time(process: &Child) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).ok()?;
    // The second field is the program's name in parentheses, which may hold anything. Times are in hundredths.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_millis((user + system) * 10))
}

/// A lock of ours guards no invariant that a panic could break.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
