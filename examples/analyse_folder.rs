//! Analyses a plain folder: `analyse_folder BINARY FOLDER`. For measuring until the tree over Git is there.

use std::path::{Path, PathBuf};

use repo_to_cat::config;
use repo_to_cat::generation::score::analyse;
use repo_to_cat::model::failure::{Failure, Kind, Result};
use repo_to_cat::model::progress::Silent;
use repo_to_cat::model::tree::{EntryKind, Tree, TreeEntry};

struct Folder {
    root: PathBuf,
    entries: Vec<TreeEntry>,
}

impl Tree for Folder {
    fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    fn read(&self, entry: &TreeEntry) -> Result<Vec<u8>> {
        std::fs::read(self.root.join(&entry.path))
            .map_err(|error| Failure::new(Kind::Environment, "read").source(error))
    }
}

fn list(root: &Path, folder: &Path, entries: &mut Vec<TreeEntry>) {
    for item in std::fs::read_dir(folder).expect("a folder").flatten() {
        let (path, meta) = (item.path(), item.metadata().expect("metadata"));
        if meta.is_dir() {
            list(root, &path, entries);
        } else {
            let name = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
            let kind = if meta.is_symlink() { EntryKind::Symlink } else { EntryKind::File };
            entries.push(TreeEntry { path: name, kind, size: meta.len(), oid: String::new() });
        }
    }
}

fn main() {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (child, root) = (args.next().expect("a binary"), args.next().expect("a folder"));
    let mut entries = Vec::new();
    list(&root, &root, &mut entries);
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let settings =
        config::Analysis { processes: 0, max_file_kb: 512, max_file_ms: 2000, max_memory_mb: 512, max_seconds: 300 };
    let start = std::time::Instant::now();
    let mut analysis = analyse(&Folder { root, entries }, &settings, &child, &Silent).expect("an analysis");
    let seconds = start.elapsed().as_secs_f64();
    if std::env::args().nth(3).as_deref() != Some("--files") {
        analysis.files.clear();
    }
    println!("{}", serde_json::to_string_pretty(&analysis).expect("JSON"));
    eprintln!("{seconds:.2} s, {} lines, {} parsed files", analysis.analysis.sloc, analysis.analysis.files_parsed);
}
