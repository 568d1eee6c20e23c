//! The child processes of our own binary: parser, fetcher, guard of the private server.

use crate::cli::Child;
use crate::model::failure::{Failure, Kind, Result};

/// `__parse`.
pub fn parse(child: &Child) -> Result<()> {
    not_connected("__parse", child)
}

/// `__fetch`.
pub fn fetch(child: &Child) -> Result<()> {
    not_connected("__fetch", child)
}

/// `__postgres`.
pub fn postgres(child: &Child) -> Result<()> {
    not_connected("__postgres", child)
}

// TO CONNECT AT MERGE: each of the three calls the function of its part and this one goes.
fn not_connected(name: &str, child: &Child) -> Result<()> {
    Err(Failure::new(Kind::Internal, format!("{name} {:?} is not connected yet", child.args)))
}
