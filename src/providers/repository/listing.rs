//! Lists a tree: iteratively, under caps, with names that are safe to print.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use gix::objs::TreeRefIter;
use gix::objs::tree::EntryKind as Mode;
use gix::{ObjectId, Repository};

use super::MB;
use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;
use crate::model::tree::{EntryKind, TreeEntry};

/// What a tree holds, and what was odd about it.
#[derive(Debug)]
pub(super) struct Listing {
    /// Sorted by path; of several entries with the same path the one with the smallest object id.
    pub(super) entries: Vec<TreeEntry>,
    /// Sentences for people.
    pub(super) notes: Vec<String>,
}

/// A folder that is still to be read.
struct Folder {
    id: ObjectId,
    /// Escaped path with a trailing `/`; empty for the root.
    prefix: String,
    /// Length of the path as it stands in the repository.
    bytes: usize,
    depth: u32,
}

/// Lists all entries under the tree `root`. Folders count as entries, too, so that a few trees that name each other
/// many times cannot keep us busy for ever.
pub(super) fn list(
    repository: &Repository,
    root: ObjectId,
    limits: &config::Fetch,
    report: &dyn Report,
) -> Result<Listing> {
    // Long chains of deltas make even a size expensive to learn.
    let deadline = Instant::now() + Duration::from_secs(limits.max_seconds);
    let mut entries = Vec::new();
    let mut escaped = 0_u64;
    let mut seen = 0_u64;
    let mut folders = vec![Folder { id: root, prefix: String::new(), bytes: 0, depth: 0 }];
    while let Some(folder) = folders.pop() {
        let data = tree_data(repository, &folder, limits)?;
        for entry in TreeRefIter::from_bytes(&data, repository.object_hash()) {
            let entry = entry.map_err(|e| damaged(&folder.prefix).source(e))?;
            seen += 1;
            if seen > limits.max_entries {
                return Err(too_large(format!("the tree has more than {} entries", limits.max_entries), "max_entries"));
            }
            if seen.is_multiple_of(256) {
                if report.should_stop() {
                    return Err(Failure::new(Kind::Cancelled, "stopped while listing the files"));
                }
                report.report(seen, 0, &format!("{seen} files listed"));
            }
            if Instant::now() >= deadline {
                let what = format!("listing the files takes longer than {} s", limits.max_seconds);
                return Err(too_large(what, "max_seconds"));
            }
            let bytes = folder.bytes + entry.filename.len();
            if bytes > limits.max_path_bytes {
                let start: String = format!("{}{}", folder.prefix, escape(entry.filename)).chars().take(80).collect();
                let what = format!("a path has more than {} bytes: `{start}…`", limits.max_path_bytes);
                return Err(too_large(what, "max_path_bytes"));
            }
            let name = escape(entry.filename);
            escaped += u64::from(matches!(name, Cow::Owned(_)));
            let path = format!("{}{name}", folder.prefix);
            let kind = match entry.mode.kind() {
                Mode::Tree => {
                    if folder.depth >= limits.max_depth {
                        return Err(too_large(
                            format!("folders are nested deeper than {}: `{path}`", limits.max_depth),
                            "max_depth",
                        ));
                    }
                    let prefix = path + "/";
                    folders.push(Folder {
                        id: entry.oid.to_owned(),
                        prefix,
                        bytes: bytes + 1,
                        depth: folder.depth + 1,
                    });
                    continue;
                }
                Mode::Blob | Mode::BlobExecutable => EntryKind::File,
                Mode::Link => EntryKind::Symlink,
                Mode::Commit => EntryKind::Submodule,
            };
            let size = if kind == EntryKind::Submodule { 0 } else { blob_size(repository, entry.oid, &path)? };
            entries.push(TreeEntry { path, kind, size, oid: entry.oid.to_string() });
        }
    }
    entries.sort_unstable_by(|a, b| (&a.path, &a.oid, a.size).cmp(&(&b.path, &b.oid, b.size)));
    let all = entries.len();
    entries.dedup_by(|later, first| later.path == first.path);
    let mut notes = Vec::new();
    if escaped > 0 {
        notes.push(format!("{escaped} names hold bytes that are not printable or that Git forbids; shown as \\xNN"));
    }
    if entries.len() < all {
        notes.push(format!("{} entries had the same path as another one and were left out", all - entries.len()));
    }
    Ok(Listing { entries, notes })
}

fn tree_data(repository: &Repository, folder: &Folder, limits: &config::Fetch) -> Result<Vec<u8>> {
    let header = repository.find_header(folder.id).map_err(|e| damaged(&folder.prefix).source(e))?;
    if header.kind() != gix::objs::Kind::Tree {
        return Err(damaged(&folder.prefix));
    }
    if header.size() > limits.max_object_mb.saturating_mul(MB) {
        let what = format!("the folder `{}` alone is an object of {} bytes", folder.prefix, header.size());
        return Err(too_large(what, "max_object_mb"));
    }
    let mut object = repository.find_object(folder.id).map_err(|e| damaged(&folder.prefix).source(e))?;
    Ok(std::mem::take(&mut object.data))
}

fn blob_size(repository: &Repository, id: &gix::oid, path: &str) -> Result<u64> {
    let header = repository.find_header(id).map_err(|e| damaged(path).source(e))?;
    if header.kind() == gix::objs::Kind::Blob { Ok(header.size()) } else { Err(damaged(path)) }
}

fn damaged(path: &str) -> Failure {
    let what = if path.is_empty() { "the root folder".to_owned() } else { format!("`{path}`") };
    Failure::new(Kind::Unusable, format!("{what} cannot be read: its object is missing or damaged"))
        .hint("`git fsck` in the repository tells more; partial clones lack objects on purpose")
}

fn too_large(what: String, key: &str) -> Failure {
    Failure::new(Kind::TooLarge, what).hint(format!("the operator may raise fetch.{key}"))
}

/// One name as it may stand in a path: borrowed where it is harmless. What is not UTF-8, a control character, a sign
/// that turns the direction of writing, a `/` or a `\` is written as `\xNN` per byte, as is the dot at the start of the
/// names `.`, `..` and `.git`; the empty name is `\x00`, which no name holds. So different names stay different.
fn escape(name: &[u8]) -> Cow<'_, str> {
    let forbidden = matches!(name, b"." | b".." | b"") || name.eq_ignore_ascii_case(b".git");
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\\' | '/' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !forbidden
        && let Ok(text) = std::str::from_utf8(name)
        && !text.contains(odd)
    {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(name.len() + 8);
    let hex = |escaped: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    };
    if name.is_empty() {
        hex(&mut escaped, &[0]);
    }
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            if odd(c) || forbidden && escaped.is_empty() {
                hex(&mut escaped, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                escaped.push(c);
            }
        }
        hex(&mut escaped, chunk.invalid());
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odd_names_are_escaped() {
        for (name, shown) in [
            (&b"main.rs"[..], "main.rs"),
            ("katze-ü-猫".as_bytes(), "katze-ü-猫"),
            (b"", "\\x00"),
            (b".", "\\x2e"),
            (b"..", "\\x2e."),
            (b".Git", "\\x2eGit"),
            (b".github", ".github"),
            (b"a/b", "a\\x2fb"),
            (b"a\\b", "a\\x5cb"),
            (b"a\nb\x1b[31m", "a\\x0ab\\x1b[31m"),
            (b"\xff\xfea", "\\xff\\xfea"),
            ("\u{202e}sr.niam".as_bytes(), "\\xe2\\x80\\xaesr.niam"),
        ] {
            assert_eq!(escape(name), shown);
        }
    }

    proptest! {
        #[test]
        fn different_names_stay_different(a in prop::collection::vec(1_u8.., 0..12), b in prop::collection::vec(1_u8.., 0..12)) {
            let (shown, other) = (escape(&a), escape(&b));
            prop_assert_eq!(a == b, shown == other);
            prop_assert!(!shown.is_empty() && !shown.contains('/') && !shown.chars().any(char::is_control));
            prop_assert!(!matches!(&*shown, "." | ".." | ".git"));
        }
    }
}
