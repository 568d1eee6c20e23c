//! Webhooks: whoever asked for a cat is told how that ended. docs/webhooks.md is for those who receive them.
//!
//! The event is a job of its own, which the database makes in the transaction that ends the generation (the trigger
//! `queue.announce`). [`deliver`] is the handler of such jobs, [`event`] what they tell, [`secret`] what they are signed
//! with, [`show`] how telling it went, [`replay`] tells once more.

mod deliver;
mod event;
pub mod replay;
pub mod secret;
pub mod show;

pub use deliver::Herald;
