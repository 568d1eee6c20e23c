//! The queue against a real server, statement by statement and loop by loop.

pub mod bed;
mod clocks;
mod ends;
mod enqueueing;
mod fence;
mod fetcher;
mod leases;
mod limits;
mod loops;
mod model;
mod process;
mod shares;
mod states;
mod station;
mod waking;
