//! Running one of `PostgreSQL`'s programs from async code.

use std::process::ChildStdout;

use tokio::sync::oneshot;

use super::scratch::{DATABASE, Scratch};
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::tool::{Access, Killer, Running, command};

/// Kills a program that nobody waits for any more.
struct Leash(Killer);

impl Drop for Leash {
    fn drop(&mut self) {
        // One that has ended is out of reach.
        self.0.kill();
    }
}

/// Runs a program on the restored database, on a thread that stays until it has ended; what `read` makes of its output,
/// and how it ended. The program is killed where this future is dropped.
pub(super) async fn run<T: Send + 'static>(
    scratch: &Scratch,
    name: &'static str,
    arguments: &[&str],
    application: &str,
    read: impl FnOnce(ChildStdout) -> T + Send + 'static,
) -> Result<(T, Result<()>)> {
    let access = Access::new(&scratch.server().url_of(DATABASE).await?, scratch.folder())?;
    let mut command = command(scratch.programs(), name, &access, application);
    command.args(arguments);
    let (tell, told) = oneshot::channel();
    let thread = tokio::task::spawn_blocking(move || {
        let mut running = Running::start(command)?;
        if let Err(killer) = tell.send(running.killer()) {
            killer.kill();
        }
        let output = running.stdout().ok_or_else(|| Failure::new(Kind::Internal, format!("{name} has no output")))?;
        let made = read(output);
        let ended = running.wait();
        drop(access);
        Ok((made, ended))
    });
    let _leash = told.await.ok().map(Leash);
    thread.await.map_err(|error| Failure::new(Kind::Internal, format!("watching {name} broke")).source(error))?
}
