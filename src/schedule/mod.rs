//! What happens by the clock: upkeep.

pub mod retention;
pub mod upkeep;
