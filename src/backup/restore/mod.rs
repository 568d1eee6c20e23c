//! Restoring: an archive's rows are read as they stream by and written by several connections at once; what is not rows,
//! `pg_restore` makes.
//!
//! [`plan`] looks at everything before anything is touched. [`place`] then loads the dump into a new database that nobody
//! knows yet, compares it, holds its queue, and gives it its name, which [`replace`] takes from another one if need be.
//! What fails leaves every database as it was.

mod archive;
pub mod command;
mod compare;
mod foreign;
mod input;
mod job;
pub mod load;
mod look;
pub mod place;
pub mod plan;
mod replace;
mod roles;
mod rows;
mod sections;
mod selection;
mod stop;
mod verify;
