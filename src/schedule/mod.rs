//! What happens by the clock: schedules and upkeep.
//!
//! [`declared`] brings the declarations of the configuration into the database, [`edit`] what people change there while it
//! runs, [`outlook`] tells them what comes; [`firing`] sleeps until the next slot and enqueues its [`job`]. [`upkeep`] keeps house.

pub mod declared;
pub mod edit;
pub mod firing;
pub mod job;
pub mod outlook;
pub mod retention;
pub mod upkeep;
