//! Restoring: an archive's rows are read as they stream by and written by several connections at once; what is not rows,
//! `pg_restore` makes.

pub mod load;
