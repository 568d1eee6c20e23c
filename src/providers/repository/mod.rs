//! Repositories: opened in place where they are local, fetched over https where they are not.
//!
//! ```text
//! open_or_fetch ── local ──> local.rs: under an allowed root, nothing of it outside ──┐
//!               └─ remote ─> remote.rs: supervises a child                            │
//!                              └─> child.rs ─> negotiate.rs: gix ─────────────────────┤
//!                                                └─> http.rs: our own https           │
//!                                                      (token, address, answer)       v
//!                                Snapshot (a Tree) <── listing.rs: entries under the caps
//! ```
//!
//! Nothing is ever checked out; no hook, filter, submodule, symbolic link or configuration of the user is followed.

use std::path::Path;

use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;
use crate::model::repository::{Source, check_reference};

mod answer;
pub mod child;
mod http;
mod listing;
mod local;
mod message;
mod negotiate;
mod reference;
mod remote;
mod snapshot;
pub(super) mod token;

pub use snapshot::{Origin, Snapshot};

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
        Source::Remote(url) => {
            if let (Some(wanted), Some(named)) = (reference, &url.reference)
                && wanted != named
            {
                let what = format!("the URL names {named}, the request names {wanted}");
                return Err(Failure::new(Kind::Invalid, what).hint("name the branch once"));
            }
            let reference = reference.or(url.reference.as_deref());
            remote::fetch(url, reference, settings, work_folder, child, report)
        }
    }
}

/// How gix opens a repository: nothing but the repository's own configuration, no object larger than `largest` bytes
/// in memory, and few threads, since each of them holds such objects.
fn open_options(largest: u64) -> gix::open::Options {
    let limit = format!("gitoxide.objects.allocLimit={largest}");
    gix::open::Options::isolated()
        .config_overrides([limit.as_str(), "core.useReplaceRefs=false", "pack.threads=2"])
        .with(gix::sec::Trust::Full)
}

const MB: u64 = 1 << 20;
