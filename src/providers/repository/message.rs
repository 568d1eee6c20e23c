//! What the supervisor and the fetching child say to each other: JSON, one line each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config;
use crate::model::failure::Failure;
use crate::model::repository::RepositoryUrl;

/// What the child is to do; it stands on its standard input, so that nothing of it shows in a list of processes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) url: RepositoryUrl,
    pub(super) reference: Option<String>,
    /// Where the bare repository is made; it does not exist yet.
    pub(super) folder: PathBuf,
    pub(super) settings: config::Fetch,
    /// Process id of the supervisor: without it the child has no reason to live.
    pub(super) supervisor: u32,
}

/// What the child says, in this order: any number of `Received`, then one of the others.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// So many bytes have come over the wire.
    Received(u64),
    /// The repository is in the folder.
    Fetched(Fetched),
    /// It is not.
    Failed(Failure),
}

/// What was fetched.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fetched {
    /// The URL under which it was found, after a permanent redirect.
    pub(super) url: RepositoryUrl,
    pub(super) commit: String,
    pub(super) reference: Option<String>,
}
