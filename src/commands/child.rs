//! The child processes of our own binary: parser, fetcher, guard of the private server.

use std::process::ExitCode;

use crate::cli::Child;
use crate::generation::score;
use crate::model::failure::Result;
use crate::postgres::supervisor;

/// `__parse`.
pub fn parse(_: &Child) -> Result<()> {
    score::child::serve()
}

/// `__fetch`.
pub fn fetch(_: &Child) -> Result<()> {
    Err(crate::model::failure::Failure::new(crate::model::failure::Kind::Internal, "not connected"))
}

/// `__postgres`. It reports what goes wrong itself, to the process that started it.
pub fn postgres(child: &Child) -> ExitCode {
    supervisor::main(child.args.iter().cloned())
}
