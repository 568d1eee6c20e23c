//! The child processes of our own binary: parser, fetcher, guard of the private server.

use std::process::ExitCode;

use crate::cli::Child;
use crate::generation::score;
use crate::model::failure::Result;
use crate::postgres::supervisor;
use crate::providers::repository;

/// `__parse`.
pub fn parse(_: &Child) -> Result<()> {
    score::child::serve()
}

/// `__fetch`. It reports what goes wrong itself, to the process that started it.
#[must_use]
pub fn fetch(_: &Child) -> ExitCode {
    repository::child::serve()
}

/// `__postgres`. It reports what goes wrong itself, to the process that started it.
#[must_use]
pub fn postgres(child: &Child) -> ExitCode {
    supervisor::main(child.args.iter().cloned())
}
