//! What may be elsewhere: the hosts of repositories and their stars, who is told of generations, the store of pictures and the one of
//! backups; folders to work in, and the room on their disks.

mod address;
mod answer;
pub mod pictures;
pub mod receiver;
pub mod repository;
pub mod room;
pub mod stars;
pub(crate) mod tls;
pub mod vault;
pub mod work_folder;
