//! Running `pg_dump` and its sisters: no secret in an argument, no more environment than they need, and none outlives us.

use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command};

use super::programs::Programs;
use crate::model::failure::Result;

/// How a program reaches a server: libpq's variables, and a password file of mode 0600 that goes with this value.
#[derive(Debug)]
pub struct Access {}

impl Access {
    /// From a URL as `db::server::Server::url_of` gives it. The password file is made in `folder`.
    pub fn new(_url: &str, _folder: &Path) -> Result<Self> {
        unimplemented!()
    }
}

/// A command for one of `PostgreSQL`'s programs with nothing in its environment but what it needs. `application` is what
/// its sessions are called in `pg_stat_activity`.
#[must_use]
pub fn command(_programs: &Programs, _name: &str, _access: &Access, _application: &str) -> Command {
    unimplemented!()
}

/// A program that runs, in a process group of its own. Dropped, it is killed and waited for.
///
/// It also dies with the *thread* that started it (parent-death signal): start it on a thread that stays until it has ended.
#[derive(Debug)]
pub struct Running {}

impl Running {
    /// Starts it. What it writes to standard error is collected: the last lines, at most 16 KB.
    pub fn start(_command: Command) -> Result<Self> {
        unimplemented!()
    }

    /// What it writes; once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        unimplemented!()
    }

    /// What it reads; once. Only where the command's standard input is piped.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        unimplemented!()
    }

    /// Kills it and its children, from any thread.
    pub fn killer(&self) -> Killer {
        unimplemented!()
    }

    /// Waits for its end; a failure with its own last words (secrets masked) where it did not end well, of a kind that
    /// tells whether trying again may help.
    pub fn wait(self) -> Result<()> {
        unimplemented!()
    }
}

/// Kills a program, whoever waits for it.
#[derive(Debug, Clone)]
pub struct Killer {}

impl Killer {
    /// Kills the whole process group at once; nothing where it has ended already.
    pub fn kill(&self) {
        unimplemented!()
    }
}
