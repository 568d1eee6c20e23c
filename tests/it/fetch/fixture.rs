//! Repositories to fetch: honest ones made by git, hostile ones written object by object.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use gix::ObjectId;
use gix::objs::{Kind, Write as _};
use tempfile::TempDir;

/// Runs git, away from the configuration of whoever runs the tests.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "Cat"), ("GIT_AUTHOR_EMAIL", "cat@example.org")])
        .envs([("GIT_COMMITTER_NAME", "Cat"), ("GIT_COMMITTER_EMAIL", "cat@example.org")])
        .envs([("GIT_AUTHOR_DATE", "1700000000 +0000"), ("GIT_COMMITTER_DATE", "1700000000 +0000")])
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// A work tree with two commits on `main`, a branch `feature/tail` and a tag `v1`.
pub fn honest(folder: &Path) {
    std::fs::create_dir_all(folder.join("src")).expect("a folder");
    git(folder, &["init", "-q"]);
    std::fs::write(folder.join("README.md"), "# Cat\n").expect("a file");
    std::fs::write(folder.join("src/main.rs"), "fn main() {}\n").expect("a file");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).expect("a link");
    git(folder, &["add", "."]);
    git(folder, &["commit", "-q", "-m", "first"]);
    git(folder, &["tag", "-a", "v1", "-m", "one"]);
    git(folder, &["branch", "feature/tail"]);
    std::fs::write(folder.join("src/tail.rs"), "pub fn wag() {}\n").expect("a file");
    git(folder, &["add", "."]);
    git(folder, &["commit", "-q", "-m", "second"]);
}

/// A bare repository whose objects are written one by one, so that they may be what git would never write.
pub struct Hostile {
    pub folder: TempDir,
    repository: gix::Repository,
}

impl Hostile {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = gix::init_bare(folder.path()).expect("a repository");
        Self { folder, repository }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub fn blob(&self, data: &[u8]) -> ObjectId {
        self.repository.objects.write_buf(Kind::Blob, data).expect("a blob")
    }

    /// A loose blob that claims `size` bytes and holds none of them.
    pub fn claimed_blob(&self, size: u64) -> ObjectId {
        let id = ObjectId::from_hex(&[b'7'; 40]).expect("an id");
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(format!("blob {size}\0").as_bytes()).expect("memory");
        let folder = self.folder.path().join("objects/77");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("7".repeat(38)), encoder.finish().expect("memory")).expect("an object");
        id
    }

    /// What an object holds.
    pub fn content(&self, id: ObjectId) -> Vec<u8> {
        self.repository.find_object(id).expect("an object").data.clone()
    }

    /// A tree of `(mode, name, id)`, as given: unsorted, doubled, with forbidden names.
    pub fn tree(&self, entries: &[(&str, &[u8], ObjectId)]) -> ObjectId {
        let mut data = Vec::new();
        for (mode, name, id) in entries {
            data.extend_from_slice(mode.as_bytes());
            data.push(b' ');
            data.extend_from_slice(name);
            data.push(0);
            data.extend_from_slice(id.as_slice());
        }
        self.repository.objects.write_buf(Kind::Tree, &data).expect("a tree")
    }

    /// Makes a commit with this tree the default branch.
    pub fn commit(&self, tree: ObjectId) -> ObjectId {
        let text = format!("tree {tree}\nauthor C <c@x> 1700000000 +0000\ncommitter C <c@x> 1700000000 +0000\n\nx\n");
        let id = self.repository.objects.write_buf(Kind::Commit, text.as_bytes()).expect("a commit");
        let heads = self.folder.path().join("refs/heads");
        std::fs::create_dir_all(&heads).expect("a folder");
        std::fs::write(heads.join("main"), format!("{id}\n")).expect("a reference");
        std::fs::write(self.folder.path().join("HEAD"), "ref: refs/heads/main\n").expect("HEAD");
        id
    }
}
