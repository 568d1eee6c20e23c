//! How data looks to people: tables, bars, amounts, progress.

pub mod look;
pub mod table;
