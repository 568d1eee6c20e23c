//! The steps of a generation, one file each.

pub mod attributes;
mod plain;
pub mod prompt;
pub mod texts;
