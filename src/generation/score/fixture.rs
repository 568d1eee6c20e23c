//! A tree in memory, and the analysis of it without processes.

use crate::model::analysis::FullAnalysis;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::tree::{EntryKind, Tree, TreeEntry};

use super::examine::{Depth, Examiner};
use super::facts::FileFacts;
use super::{assemble, filter};

/// A tree that is held in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    entries: Vec<TreeEntry>,
    contents: Vec<Vec<u8>>,
}

impl MemoryTree {
    /// A tree of regular files.
    pub fn new<P: Into<String>, C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, C)>) -> Self {
        let mut files: Vec<(String, Vec<u8>)> =
            files.into_iter().map(|(path, content)| (path.into(), content.into())).collect();
        files.sort();
        let mut tree = Self::default();
        for (index, (path, content)) in files.into_iter().enumerate() {
            let size = content.len() as u64;
            tree.entries.push(TreeEntry { path, kind: EntryKind::File, size, oid: format!("{index:040x}") });
            tree.contents.push(content);
        }
        tree
    }

    /// What `analyse` gives, in this process.
    pub fn analyse(&self) -> FullAnalysis {
        let mut examiner = Examiner::default();
        let (mut all, mut windows) = (Vec::new(), Vec::new());
        for (entry, content) in self.entries.iter().zip(&self.contents) {
            let left_out = filter::by_entry(entry, 1 << 20);
            if left_out.is_some() {
                all.push(FileFacts { left_out, ..FileFacts::default() });
                continue;
            }
            let (facts, more) = examiner.examine(&entry.path, content, Depth::Parse, 0);
            all.push(facts);
            windows.extend(more);
        }
        assemble::assemble(&self.entries, all, windows)
    }
}

impl Tree for MemoryTree {
    fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    fn read(&self, entry: &TreeEntry) -> Result<Vec<u8>> {
        let index = self.entries.iter().position(|other| other == entry);
        let content = index.map(|index| self.contents[index].clone());
        content.ok_or_else(|| Failure::new(Kind::NotFound, format!("no entry {}", entry.path)))
    }
}
