//! A program's output on its way into a file: read in large pieces, looked at, encoded. Blocking code, on one thread.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::pipe::fcntl_setpipe_size;

use super::files::unwritten;
use super::meter::Meter;
use crate::backup::archive::{Inventory, Part, Reader};
use crate::backup::pipe::Encoder;
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::tool::{Command, Killer, Running};

/// How much is read at once, and what the kernel is asked to hold of it.
const PIECE_BYTES: usize = 256 * 1024;
const PIPE_BYTES: usize = 1024 * 1024;

/// Kills a program that another thread runs, or is about to start. Pulled when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Switch(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Waiting,
    Armed(Killer),
    Pulled,
}

/// The end of a [`Switch`] that the thread has which runs the program.
#[derive(Debug)]
pub(super) struct Wire(Arc<Mutex<State>>);

impl Switch {
    /// The other end.
    pub fn wire(&self) -> Wire {
        Wire(Arc::clone(&self.0))
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Armed(killer) = std::mem::replace(&mut *state, State::Pulled) {
            killer.kill();
        }
    }
}

impl Wire {
    /// Ties the program to the switch; kills it where that was pulled already.
    fn arm(&self, killer: Killer) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Pulled => killer.kill(),
            State::Waiting | State::Armed(_) => *state = State::Armed(killer),
        }
    }
}

/// Runs a program to its end; what it writes goes through `look` and into the encoder.
///
/// Where it ends badly, that counts, in its own words, and not what its output lacks.
fn run(command: Command, wire: &Wire, encoder: &mut Encoder, mut look: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut running = Running::start(command)?;
    wire.arm(running.killer());
    let output =
        running.stdout().ok_or_else(|| Failure::new(Kind::Internal, "a program was started without output"))?;
    let mut output = File::from(OwnedFd::from(output));
    // Fewer switches between it and us; as it is will do, too.
    _ = fcntl_setpipe_size(&output, PIPE_BYTES);
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        match output.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                encoder.write_all(&buffer[..length]).map_err(unwritten)?;
                look(&buffer[..length])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let what = format!("the output of a program cannot be read: {error}");
                return Err(Failure::new(Kind::Environment, what).source(error));
            }
        }
    }
    running.wait()
}

/// Runs `pg_dump`, and makes the inventory of what it writes.
pub(super) fn dump(
    command: Command,
    wire: &Wire,
    mut reader: Box<dyn Reader>,
    encoder: &mut Encoder,
    meter: &Meter,
) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    let mut note = |part: Part<'_>| {
        if matches!(part, Part::TableEnd) {
            meter.add_table();
        }
        inventory.note(&part);
        Ok(())
    };
    run(command, wire, encoder, |piece| {
        meter.add_bytes(piece.len());
        reader.feed(piece, &mut note)
    })?;
    reader.finish(&mut note)?;
    Ok(inventory)
}

/// Runs a program of whose output nothing need be known.
pub(super) fn copy(command: Command, wire: &Wire, encoder: &mut Encoder) -> Result<()> {
    run(command, wire, encoder, |_| Ok(()))
}
