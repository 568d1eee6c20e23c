//! Restoring: an archive's rows are read as they stream by and written by several connections at once; what is not rows,
//! `pg_restore` makes.

mod archive;
mod compare;
mod foreign;
mod input;
mod job;
pub mod load;
mod rows;
mod sections;
mod selection;
mod stop;
