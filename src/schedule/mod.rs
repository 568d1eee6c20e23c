//! What happens by the clock: upkeep.

pub mod upkeep;
