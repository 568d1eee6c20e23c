//! Fetching: local repositories in place, honest and hostile servers.

use std::path::{Path, PathBuf};

use repo_to_cat::config::Fetch;
use repo_to_cat::model::failure::Result;
use repo_to_cat::model::progress::Silent;
use repo_to_cat::model::repository::Source;
use repo_to_cat::providers::repository::{Snapshot, open_or_fetch};

mod child;
pub mod fixture;
mod hostile;
mod local;
mod remote;
pub mod server;

/// Settings that let a test end within seconds.
fn settings() -> Fetch {
    Fetch {
        allowed_hosts: vec!["localhost".to_owned(), "github.com".to_owned()],
        local_roots: Vec::new(),
        token_file: PathBuf::new(),
        github_api: String::new(),
        ca_file: PathBuf::new(),
        private_hosts: Vec::new(),
        max_wire_mb: 8,
        max_object_mb: 4,
        max_entries: 1000,
        max_depth: 16,
        max_path_bytes: 1024,
        max_seconds: 20,
        max_memory_mb: 1024,
    }
}

/// Opens the local repository `path`, where `root` is the only folder that may be read.
fn open(path: &Path, root: &Path, reference: Option<&str>) -> Result<Snapshot> {
    let settings = Fetch { local_roots: vec![root.to_owned()], ..settings() };
    get(&Source::Local(path.to_owned()), reference, &settings, root)
}

fn get(source: &Source, reference: Option<&str>, settings: &Fetch, work: &Path) -> Result<Snapshot> {
    open_or_fetch(source, reference, settings, work, Path::new(env!("CARGO_BIN_EXE_repo-to-cat")), &Silent)
}
