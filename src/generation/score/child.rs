//! The parser process: our own binary, re-executed as `__parse`. Whatever a file does to it costs only that file.

use std::io::{self, BufReader, BufWriter};

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use crate::model::failure::{Failure, Kind, Result};

use super::examine::Examiner;
use super::wire;

/// Reads files on standard input and writes what they are on standard output, in order, until the input ends.
/// Limits this process first: its memory, no core dumps, no new files, death with its parent.
pub fn serve() -> Result<()> {
    let broken = |error: io::Error| Failure::new(Kind::Internal, "the parser process lost its parent").source(error);
    let mut from = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut to = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let max_memory = wire::read_hello(&mut from).map_err(broken)?;
    restrict(max_memory).map_err(|error| broken(error.into()))?;
    // The line counter would start a thread per core for each of us. Without any other thread malloc needs no locks.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    alone.build_global().map_err(|error| broken(io::Error::other(error)))?;
    wire::write_ready(&mut to).map_err(broken)?;
    let mut examiner = Examiner::default();
    while let Some(request) = wire::read_request(&mut from).map_err(broken)? {
        let (facts, windows) = examiner.examine(&request.path, &request.content, request.depth, request.shift);
        wire::write_answer(&mut to, &facts, &windows).map_err(broken)?;
    }
    Ok(())
}

fn restrict(max_memory: u64) -> rustix::io::Result<()> {
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    set_parent_process_death_signal(Some(Signal::KILL))?;
    setrlimit(Resource::As, limit(max_memory))?;
    setrlimit(Resource::Core, limit(0))?;
    setrlimit(Resource::Fsize, limit(0))
}
