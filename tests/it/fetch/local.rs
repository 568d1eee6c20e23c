//! Local repositories: every layout, every way out of the root, hostile trees.

use std::fs;
use std::path::Path;

use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::tree::{EntryKind, Tree};
use tempfile::TempDir;

use super::fixture::{Hostile, git, honest};
use super::{open, settings};

/// A root with an honest repository `cat` in it.
fn root() -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    honest(&root.path().join("cat"));
    root
}

fn paths(tree: &dyn Tree) -> Vec<&str> {
    tree.entries().iter().map(|entry| entry.path.as_str()).collect()
}

/// The kind, message and hint of the failure to open `path` under `root`.
fn failure(path: &Path, root: &Path, reference: Option<&str>) -> (Kind, String) {
    let failure = open(path, root, reference).expect_err("it must be refused");
    (failure.kind(), format!("{failure}; {}", failure.hint_text().unwrap_or_default()))
}

#[test]
fn a_work_tree_is_read_at_its_commit() {
    let root = root();
    let cat = root.path().join("cat");
    fs::write(cat.join("src/tail.rs"), "changed, not committed").expect("a change");
    let snapshot = open(&cat, root.path(), None).expect("a snapshot");
    assert_eq!(paths(&snapshot), ["README.md", "link", "src/main.rs", "src/tail.rs"]);
    let origin = snapshot.origin();
    assert_eq!(origin.commit_oid, git(&cat, &["rev-parse", "HEAD"]));
    assert_eq!(origin.reference.as_deref(), Some("refs/heads/main"));
    assert_eq!((origin.owner.as_str(), origin.name.as_str()), ("local", "cat"));
    assert_eq!(origin.canonical_url, format!("file://{}", cat.canonicalize().expect("a path").display()));
    assert!(snapshot.notes().iter().any(|note| note.contains("not committed")));

    let tail = &snapshot.entries()[3];
    assert_eq!((tail.size, tail.kind), (16, EntryKind::File));
    assert_eq!(snapshot.read(tail).expect("content"), b"pub fn wag() {}\n");
    let link = &snapshot.entries()[1];
    assert_eq!(link.kind, EntryKind::Symlink);
    assert_eq!(snapshot.read(link).expect("the target's text, not its content"), b"/etc/passwd");
}

#[test]
fn names_of_branches_tags_and_commits() {
    let root = root();
    let cat = root.path().join("cat");
    let first = git(&cat, &["rev-parse", "feature/tail"]);
    for (name, full) in [
        ("feature/tail", Some("refs/heads/feature/tail")),
        ("v1", Some("refs/tags/v1")),
        ("refs/tags/v1", Some("refs/tags/v1")),
        (first.as_str(), None),
    ] {
        let snapshot = open(&cat, root.path(), Some(name)).expect(name);
        assert_eq!(snapshot.origin().commit_oid, first, "{name}");
        assert_eq!(snapshot.origin().reference.as_deref(), full, "{name}");
        assert_eq!(paths(&snapshot), ["README.md", "link", "src/main.rs"], "{name}");
    }
    let (kind, text) = failure(&cat, root.path(), Some("nope"));
    assert_eq!(kind, Kind::NotFound);
    assert!(text.contains("named nope") && text.contains("feature/tail, main"), "{text}");
    let blob = git(&cat, &["rev-parse", "HEAD:README.md"]);
    assert_eq!(failure(&cat, root.path(), Some(&blob)).0, Kind::Unusable);
    assert_eq!(failure(&cat, root.path(), Some("--x")).0, Kind::Invalid);
}

#[test]
fn bare_linked_and_packed_layouts_are_read() {
    let root = root();
    let cat = root.path().join("cat");
    let expected: Vec<_> = open(&cat, root.path(), None).expect("a snapshot").entries().to_vec();
    git(root.path(), &["clone", "-q", "--bare", "cat", "bare.git"]);
    git(&cat, &["worktree", "add", "-q", "--detach", "../linked"]);
    git(root.path(), &["clone", "-q", "--shared", "cat", "borrowing"]);
    git(root.path(), &["clone", "-q", "--depth=1", &format!("file://{}", cat.display()), "shallow"]);
    git(&cat, &["gc", "-q"]);
    for (folder, name) in [
        ("bare.git", "bare"),
        ("linked", "linked"),
        ("borrowing", "borrowing"),
        ("shallow", "shallow"),
        ("cat/.git", "cat"),
        ("cat", "cat"),
    ] {
        let snapshot = open(&root.path().join(folder), root.path(), None).expect(folder);
        assert_eq!(snapshot.entries(), expected, "{folder}");
        assert_eq!(snapshot.origin().name, name, "{folder}");
        assert_eq!(snapshot.read(&snapshot.entries()[0]).expect(folder), b"# Cat\n");
    }
}

#[test]
fn what_leads_out_of_the_root_is_refused() {
    let outside = root();
    let cat = outside.path().join("cat");
    let root = root();
    assert_eq!(failure(&cat, root.path(), None).0, Kind::Refused);
    assert_eq!(failure(&root.path().join("../"), root.path(), None).0, Kind::Refused);

    std::os::unix::fs::symlink(&cat, root.path().join("symlink")).expect("a link");
    assert_eq!(failure(&root.path().join("symlink"), root.path(), None).0, Kind::Refused);

    git(root.path(), &["clone", "-q", "--shared", &cat.display().to_string(), "borrowing"]);
    let (kind, text) = failure(&root.path().join("borrowing"), root.path(), None);
    assert_eq!(kind, Kind::Refused);
    assert!(text.contains("alternates"), "{text}");

    git(&cat, &["worktree", "add", "-q", &root.path().join("linked").display().to_string(), "feature/tail"]);
    let (kind, text) = failure(&root.path().join("linked"), root.path(), None);
    assert_eq!(kind, Kind::Refused);
    assert!(text.contains("linked work tree"), "{text}");

    for part in ["objects", "objects/pack", "refs"] {
        let folder = root.path().join(part.replace('/', "-"));
        git(root.path(), &["clone", "-q", "--bare", "cat", &folder.display().to_string()]);
        fs::rename(folder.join(part), outside.path().join(part.replace('/', "-"))).expect("a move");
        std::os::unix::fs::symlink(outside.path().join(part.replace('/', "-")), folder.join(part)).expect("a link");
        assert_eq!(failure(&folder, root.path(), None).0, Kind::Refused, "{part}");
    }
}

#[test]
fn what_is_not_a_repository_is_said_so() {
    let root = root();
    let plain = root.path().join("plain");
    fs::create_dir(&plain).expect("a folder");
    let (kind, text) = failure(&plain, root.path(), None);
    assert_eq!(kind, Kind::Unusable);
    assert!(text.contains("is not a Git repository"), "{text}");
    let (_, text) = failure(&root.path().join("cat/src"), root.path(), None);
    assert!(text.contains("cat is one: name that folder"), "{text}");
    assert_eq!(failure(&root.path().join("nothing"), root.path(), None).0, Kind::NotFound);
    assert_eq!(failure(&root.path().join("cat/README.md"), root.path(), None).0, Kind::Unusable);
}

#[test]
fn repositories_without_a_commit_to_look_at() {
    let root = root();
    git(root.path(), &["init", "-q", "empty"]);
    let (kind, text) = failure(&root.path().join("empty"), root.path(), None);
    assert_eq!(kind, Kind::Unusable);
    assert!(text.contains("empty"), "{text}");

    let cat = root.path().join("cat");
    fs::write(cat.join(".git/HEAD"), "ref: refs/heads/gone\n").expect("HEAD");
    let (kind, text) = failure(&cat, root.path(), None);
    assert_eq!(kind, Kind::Unusable);
    assert!(text.contains("no default branch") && text.contains("feature/tail, main"), "{text}");
}

#[test]
fn formats_that_we_cannot_read_are_named() {
    let root = root();
    for (option, word) in [("--object-format=sha256", "sha256"), ("--ref-format=reftable", "reftable")] {
        git(root.path(), &["init", "-q", option, word]);
        let folder = root.path().join(word);
        git(&folder, &["commit", "-q", "--allow-empty", "-m", "x"]);
        let (kind, text) = failure(&folder, root.path(), None);
        assert_eq!(kind, Kind::Unusable, "{word}");
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn hostile_names_are_escaped() {
    let hostile = Hostile::new();
    let blob = hostile.blob(b"x");
    let other = hostile.blob(b"y");
    let inner = hostile.tree(&[("100644", b"a", blob)]);
    let tree = hostile.tree(&[
        ("100644", b"..", blob),
        ("40000", b".git", inner),
        ("40000", b"..", inner),
        ("100644", b"/etc/passwd", blob),
        ("100644", b"a\nb\x1b[2J", blob),
        ("100644", b"\xff", blob),
        ("100644", b"twice", blob),
        ("100644", b"twice", other),
        ("120000", b"link", blob),
        ("160000", b"module", blob),
        ("100755", b"run", blob),
    ]);
    hostile.commit(tree);
    let snapshot = open(&hostile.path(), &hostile.path(), None).expect("a snapshot");
    let expected = [
        "\\x2e.",
        "\\x2e./a",
        "\\x2egit/a",
        "\\x2fetc\\x2fpasswd",
        "\\xff",
        "a\\x0ab\\x1b[2J",
        "link",
        "module",
        "run",
        "twice",
    ];
    assert_eq!(paths(&snapshot), expected);
    assert_eq!(snapshot.notes().len(), 2, "{:?}", snapshot.notes());
    let module = &snapshot.entries()[7];
    assert_eq!((module.kind, module.size), (EntryKind::Submodule, 0));
    assert_eq!(snapshot.read(module).expect_err("no content").kind(), Kind::Unusable);
}

#[test]
fn trees_over_the_caps_are_refused() {
    let hostile = Hostile::new();
    let blob = hostile.blob(b"x");
    let names: Vec<String> = (0..100_000).map(|n| format!("f{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| ("100644", name.as_bytes(), blob)).collect();
    let mut bomb = hostile.tree(&[("100644", b"f", blob)]);
    for _ in 0..10 {
        bomb =
            hostile.tree(&[("40000", b"a", bomb), ("40000", b"b", bomb), ("40000", b"c", bomb), ("40000", b"d", bomb)]);
    }
    let mut deep = hostile.tree(&[("100644", b"f", blob)]);
    for _ in 0..1000 {
        deep = hostile.tree(&[("40000", b"d", deep)]);
    }
    let long = [b'n'; 4000];
    for (tree, word) in [
        (hostile.tree(&many), "more than 1000 entries"),
        (bomb, "more than 1000 entries"),
        (deep, "deeper than 16"),
        (hostile.tree(&[("100644", &long, blob)]), "more than 1024 bytes"),
    ] {
        hostile.commit(tree);
        let (kind, text) = failure(&hostile.path(), &hostile.path(), None);
        assert_eq!(kind, Kind::TooLarge, "{word}");
        assert!(text.contains(word) && text.len() < 400, "{text}");
    }
}

#[test]
fn large_blobs_are_listed_but_not_read() {
    let hostile = Hostile::new();
    let tree = hostile.tree(&[
        ("100644", b"huge", hostile.claimed_blob(2 << 30)),
        ("100644", b"large", hostile.blob(&vec![0; 5 << 20])),
        ("100644", b"small", hostile.blob(b"x")),
    ]);
    hostile.commit(tree);
    let snapshot = open(&hostile.path(), &hostile.path(), None).expect("a snapshot");
    let sizes: Vec<u64> = snapshot.entries().iter().map(|entry| entry.size).collect();
    assert_eq!(sizes, [2 << 30, 5 << 20, 1]);
    for entry in &snapshot.entries()[..2] {
        assert!(entry.size > settings().max_object_mb << 20);
        assert_eq!(snapshot.read(entry).expect_err("too large").kind(), Kind::TooLarge);
    }
    assert_eq!(snapshot.read(&snapshot.entries()[2]).expect("small"), b"x");
}

#[test]
fn damaged_objects_cost_a_failure() {
    let hostile = Hostile::new();
    let blob = hostile.blob(b"x");
    let missing = gix::ObjectId::from_hex(&[b'1'; 40]).expect("an id");
    for entries in [
        vec![("100644", &b"gone"[..], missing)],
        vec![("40000", b"gone", missing)],
        vec![("40000", b"blob-as-tree", blob)],
        vec![("100644", b"tree-as-blob", hostile.tree(&[]))],
    ] {
        hostile.commit(hostile.tree(&entries));
        assert_eq!(failure(&hostile.path(), &hostile.path(), None).0, Kind::Unusable, "{entries:?}");
    }
    hostile.commit(missing);
    assert_eq!(failure(&hostile.path(), &hostile.path(), None).0, Kind::Unusable);
}

#[test]
fn many_threads_read_at_once() {
    let hostile = Hostile::new();
    let names: Vec<String> = (0..200).map(|n| format!("f{n:03}")).collect();
    let entries: Vec<_> = names.iter().map(|n| ("100644", n.as_bytes(), hostile.blob(n.as_bytes()))).collect();
    hostile.commit(hostile.tree(&entries));
    let snapshot = open(&hostile.path(), &hostile.path(), None).expect("a snapshot");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for entry in snapshot.entries() {
                    assert_eq!(snapshot.read(entry).expect("content"), entry.path.as_bytes());
                }
            });
        }
    });
}
