//! How data looks to people: tables, bars, amounts, progress, the card of a cat.

pub mod adoption;
pub mod analysis;
pub mod backends;
pub mod backup;
pub mod backups;
pub mod bar;
pub mod card;
pub mod checks;
pub mod diff;
pub mod hold;
pub mod job;
pub mod lists;
pub mod look;
pub mod plan;
pub mod progress;
pub mod queue;
pub mod schedules;
mod section;
pub mod sizes;
pub mod steps;
pub mod table;
pub mod text;
pub mod users;

pub use crate::model::amount;
