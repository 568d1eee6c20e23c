//! What the database may do to us, and how we go on: workers stay up, say so once, lose nothing and double nothing.
//!
//! A commit whose answer is lost, and one that is lost itself, are among the blows of [`crate::exactly_once`].

mod answers;
mod crew;
mod failover;
mod lines;
mod outages;
pub mod pooler;
pub mod server;
