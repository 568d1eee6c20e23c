//! A repository at one commit, listed and ready to be read from several threads.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;

use super::{MB, listing};
use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;
use crate::model::tree::{EntryKind, Tree, TreeEntry};
use crate::providers::work_folder::WorkFolder;

/// Where a snapshot came from: what is stored about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `https://host/owner/name`, or `file:///path` for a local repository.
    pub canonical_url: String,
    /// Owner on the host; `local` for a local repository.
    pub owner: String,
    /// Name on the host; the folder's name for a local repository.
    pub name: String,
    /// The commit, 40 lower-case hexadecimal digits.
    pub commit_oid: String,
    /// Full name of the branch or tag, such as `refs/heads/main`; none where a commit was asked for.
    pub reference: Option<String>,
    /// What a local repository names as its `origin`, where that is an allowed URL. Nobody checked that it is true.
    pub claimed_url: Option<String>,
}

/// A repository's tree at one commit. Dropping it removes what was fetched.
pub struct Snapshot {
    origin: Origin,
    entries: Vec<TreeEntry>,
    notes: Vec<String>,
    repository: gix::ThreadSafeRepository,
    /// Handles with warm caches, one per thread that reads at the same time.
    handles: Mutex<Vec<gix::Repository>>,
    max_object_bytes: u64,
    _folder: Option<WorkFolder>,
}

impl Snapshot {
    /// Lists the tree of `origin.commit_oid`.
    pub(super) fn take(
        repository: gix::ThreadSafeRepository,
        origin: Origin,
        mut notes: Vec<String>,
        folder: Option<WorkFolder>,
        settings: &config::Fetch,
        report: &dyn Report,
    ) -> Result<Self> {
        let local = repository.to_thread_local();
        let listing = survive(|| {
            let damaged = || Failure::new(Kind::Unusable, format!("the commit {} is damaged", origin.commit_oid));
            let commit = ObjectId::from_hex(origin.commit_oid.as_bytes()).map_err(|e| damaged().source(e))?;
            let commit = local.find_commit(commit).map_err(|e| damaged().source(e))?;
            let root = commit.tree_id().map_err(|e| damaged().source(e))?.detach();
            listing::list(&local, root, settings, report)
        })?;
        notes.extend(listing.notes);
        Ok(Self {
            origin,
            entries: listing.entries,
            notes,
            repository,
            handles: Mutex::new(vec![local]),
            max_object_bytes: settings.max_object_mb.saturating_mul(MB),
            _folder: folder,
        })
    }

    /// Where it came from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What people should know about it, such as that changes which are not committed were not looked at.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn handles(&self) -> std::sync::MutexGuard<'_, Vec<gix::Repository>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tree for Snapshot {
    fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    fn read(&self, entry: &TreeEntry) -> Result<Vec<u8>> {
        let path = &entry.path;
        if entry.kind == EntryKind::Submodule {
            return Err(Failure::new(Kind::Unusable, format!("`{path}` is a submodule and has no content here")));
        }
        if entry.size > self.max_object_bytes {
            let what = format!("`{path}` has {} bytes; {} are allowed", entry.size, self.max_object_bytes);
            return Err(Failure::new(Kind::TooLarge, what).hint("the operator may raise fetch.max_object_mb"));
        }
        let pooled = self.handles().pop();
        let repository = pooled.unwrap_or_else(|| self.repository.to_thread_local());
        let data = survive(|| {
            let damaged = || Failure::new(Kind::Unusable, format!("`{path}` cannot be read: its object is damaged"));
            let id = ObjectId::from_hex(entry.oid.as_bytes()).map_err(|e| damaged().source(e))?;
            let mut object = repository.find_object(id).map_err(|e| damaged().source(e))?;
            Ok(std::mem::take(&mut object.data))
        })?;
        self.handles().push(repository);
        Ok(data)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("origin", &self.origin)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// Hostile objects may reach an assertion in a decoder: that is a damaged repository, not a fault that ends a worker.
pub(super) fn survive<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Failure::new(Kind::Unusable, "the repository's objects are damaged in a way that no reader expects"))
    })
}
