//! Stopping what other threads do: programs are killed, reading ends.

use std::sync::{Arc, Mutex, PoisonError};

use crate::backup::Reporter;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;
use crate::postgres::tool::{Command, Killer, Running};

/// Stops everything that was begun with one of its [`Stop`]s when it is dropped.
#[derive(Debug, Default)]
pub(super) struct StopOnDrop(Stop);

/// What threads ask whether to go on, and with which they start programs. Clones are one and the same.
#[derive(Debug, Default, Clone)]
pub(super) struct Stop(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_stopped: bool,
    /// Of programs that were started, ended ones among them.
    killers: Vec<Killer>,
}

impl StopOnDrop {
    /// For those who are to be stopped.
    pub fn stop(&self) -> Stop {
        self.0.clone()
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_stopped = true;
        state.killers.iter().for_each(Killer::kill);
    }
}

impl Stop {
    /// Starts a program that is killed when everything stops. The thread must stay until it has ended.
    pub fn start(&self, command: Command) -> Result<Running> {
        self.check()?;
        let running = Running::start(command)?;
        let mut state = self.lock();
        if state.is_stopped {
            running.killer().kill();
        }
        state.killers.push(running.killer());
        drop(state);
        Ok(running)
    }

    /// Runs a program to its end.
    pub fn run(&self, command: Command) -> Result<()> {
        let ended = self.start(command)?.wait();
        // What was killed has no better reason than that.
        self.check()?;
        ended
    }

    /// A failure where everything stops.
    pub fn check(&self) -> Result<()> {
        if self.lock().is_stopped { Err(stopped()) } else { Ok(()) }
    }

    /// Whether others still hold it.
    pub fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// For code that asks a report.
    pub fn reporter(&self) -> Reporter {
        Arc::new(self.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report for Stop {
    fn report(&self, _: u64, _: u64, _: &str) {}

    fn should_stop(&self) -> bool {
        self.lock().is_stopped
    }
}

/// What is said of a load that was stopped.
pub(super) const STOPPED: &str = "the restore was stopped";

/// The failure that says so.
pub(super) fn stopped() -> Failure {
    Failure::new(Kind::Cancelled, STOPPED)
}
