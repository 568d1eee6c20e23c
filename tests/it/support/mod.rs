//! What the integration tests share.

pub mod cli;
pub mod disk;
pub mod gate;
pub mod http;
pub mod postgres;
pub mod proxy;
pub mod repository;
pub mod s3;
pub mod worker;
