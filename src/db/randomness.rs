//! The operating system's randomness, for what nobody may guess.

use crate::model::failure::{Failure, Kind, Result};

/// Fills `bytes`.
pub(super) fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Failure::new(Kind::Environment, "the system gives no randomness").source(error.to_string()))
}
