//! Schedules: fired, declared, steered, and through what happens to the processes that fire them.

pub mod bed;
mod commands;
mod declared;
mod firing;
mod policies;
mod process;
