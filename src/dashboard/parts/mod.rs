//! What pages are made of.

pub mod amount;
pub mod badge;
pub mod card;
pub mod cat;
pub mod chart;
pub mod empty;
pub mod field;
pub mod link;
pub mod pager;
pub mod table;
pub mod time;
