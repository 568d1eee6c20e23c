//! Webhooks: who asked for a cat is told how it ended.

pub mod bed;
mod delivery;
mod refused;
mod signature;
mod trigger;
