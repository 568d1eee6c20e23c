//! Upkeep at fixed times.

pub mod upkeep;
