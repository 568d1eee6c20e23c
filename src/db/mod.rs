//! The database: all SQL of this program.
