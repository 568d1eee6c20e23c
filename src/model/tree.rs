//! A repository's files at one commit, as the analysis sees them.

use crate::model::failure::Result;

/// What an entry of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file, executable or not.
    File,
    /// A symbolic link; never followed, its blob is the target's text.
    Symlink,
    /// A commit of another repository; never fetched.
    Submodule,
}

/// One entry of the tree at the commit; directories are not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Path from the root with `/`, valid UTF-8; bytes that are not, and control characters, are escaped as `\xNN`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Size of the blob in bytes; 0 for a submodule.
    pub size: u64,
    /// Object id of the blob, lower-case hexadecimal.
    pub oid: String,
}

/// A tree that can be listed and read; implemented by the fetched repository and by fixtures.
pub trait Tree: Send + Sync {
    /// All entries, sorted by path.
    fn entries(&self) -> &[TreeEntry];

    /// The whole content of an entry. Callers look at `size` first; the content is in memory as a whole.
    fn read(&self, entry: &TreeEntry) -> Result<Vec<u8>>;
}
