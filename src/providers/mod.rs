//! What may be elsewhere: the hosts of repositories, the store of pictures and the one of backups; and folders to work in.

pub mod pictures;
pub mod repository;
pub(crate) mod tls;
pub mod vault;
pub mod work_folder;
