//! Services outside this process behind small traits: repository hosts and object stores.

pub mod pictures;
pub mod repository;
