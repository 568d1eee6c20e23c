//! A small repository with several branches, each another cat.

use std::path::Path;

use crate::fetch::fixture::git;

/// The branches.
pub const BRANCHES: [&str; 6] = ["rust", "python", "go", "java", "javascript", "bare"];

/// Makes the repository in `folder`.
pub fn make(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    git(folder, &["init", "-q"]);
    let sources = [
        ("cat.rs", "pub fn purr(volume: u32) -> u32 {\n    if volume > 3 { volume } else { 3 }\n}\n"),
        ("cat.py", "def purr(volume):\n    # Softly.\n    return max(volume, 3)\n"),
        (
            "cat.go",
            "package cat\n\nfunc Purr(volume int) int {\n\tif volume > 3 {\n\t\treturn volume\n\t}\n\treturn 3\n}\n",
        ),
        ("Cat.java", "class Cat {\n    int purr(int volume) {\n        return volume > 3 ? volume : 3;\n    }\n}\n"),
        ("cat.js", "export function purr(volume) {\n  return volume > 3 ? volume : 3;\n}\n"),
        ("README.md", "# A cat without code\n"),
    ];
    for (branch, (name, text)) in BRANCHES.into_iter().zip(sources) {
        git(folder, &["checkout", "-q", "--orphan", branch]);
        git(folder, &["rm", "-rfq", "--ignore-unmatch", "."]);
        std::fs::write(folder.join(name), text).unwrap();
        git(folder, &["add", "."]);
        git(folder, &["commit", "-q", "-m", branch]);
    }
}
