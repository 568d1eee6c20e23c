//! Looking at the server and at the database as a whole, whatever is in it: who is connected, what takes room, what is not
//! well, and how a statement would run.
//!
//! These statements read the catalogs of the oldest version that works and are not checked when they are compiled. What a
//! role may not see is left out of the catalogs by the server; then the fields are empty.

pub mod backends;
pub mod expected;
pub mod explain;
pub mod privileges;
pub mod replication;
pub mod server;
pub mod sizes;
pub mod tables;
