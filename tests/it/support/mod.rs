//! What the integration tests share.

pub mod cli;
pub mod gate;
pub mod postgres;
pub mod proxy;
pub mod repository;
pub mod worker;
