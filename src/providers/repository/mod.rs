//! Repositories: opened in place where they are local, fetched over https where they are not.
//!
//! ```text
//! open_or_fetch ── local ──> local.rs: under an allowed root, nothing of it outside ─────────┐
//!              └── remote ─> remote.rs: supervises a child ──> child.rs: gix over http.rs ───┤
//!                                                                                            v
//!                                     Snapshot (a Tree) <── listing.rs: entries under the caps
//! ```
//!
//! Nothing is ever checked out; no hook, filter, submodule, symbolic link or configuration of the user is followed.

use std::path::Path;

use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;
use crate::model::repository::{Source, check_reference};

mod listing;
mod local;
mod reference;
mod snapshot;
mod work_folder;

pub use snapshot::{Origin, Snapshot};
pub use work_folder::sweep_leftovers;

/// Gets the tree of `source` at one commit: that of `reference`, else of the URL's own, else of the default branch.
///
/// `work_folder` receives the objects of a remote repository until the snapshot is dropped; `child` is this program,
/// which is run as `child __fetch`. It blocks: call it from a thread that may.
///
/// Kinds of failure: `refused` (policy), `not_found`, `unusable` (empty, damaged), `too_large` (a cap of `settings`),
/// `unauthorized`, `withheld`, `throttled`, `unavailable`, `cancelled`, `environment` (this machine).
pub fn open_or_fetch(
    source: &Source,
    reference: Option<&str>,
    settings: &config::Fetch,
    work_folder: &Path,
    child: &Path,
    report: &dyn Report,
) -> Result<Snapshot> {
    if let Some(reference) = reference {
        check_reference(reference)?;
    }
    match source {
        Source::Local(path) => local::open(path, reference, settings, report),
        Source::Remote(_) => {
            let _ = (work_folder, child);
            Err(Failure::new(Kind::Internal, "not yet"))
        }
    }
}

/// How gix opens a repository: nothing but the repository's own configuration, and no object larger than allowed.
fn open_options(settings: &config::Fetch) -> gix::open::Options {
    let largest = settings.max_object_mb.saturating_mul(1 << 20);
    gix::open::Options::isolated()
        .config_overrides([format!("gitoxide.objects.allocLimit={largest}"), "core.useReplaceRefs=false".to_owned()])
        .with(gix::sec::Trust::Full)
}
