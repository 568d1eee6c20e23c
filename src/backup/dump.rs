//! One dump: a snapshot, `pg_dump` under it, and its way into the store.
//!
//! [`Plan`] completes the request. The [`Holder`] keeps the snapshot that all of it shows, and the lock that keeps other
//! runs away. [`stream`] takes what `pg_dump` writes, [`pieces`] the rows of large tables, [`images`] the pictures; each
//! becomes one of the [`files`]. Meanwhile [`watch`] looks whether to go on, and the [guard](crate::db::guard) whether
//! somebody has to wait for us.

mod files;
mod images;
mod meter;
mod pieces;
mod plan;
mod stream;
mod sums;
mod tar;
mod watch;
