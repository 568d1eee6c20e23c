//! What may be elsewhere: the hosts of repositories, and the store of pictures.

pub mod pictures;
pub mod repository;
