//! A folder: who may read it, where links lead, and a disk that is full.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use repo_to_cat::model::backup::BackupName;
use repo_to_cat::model::failure::Kind;
use repo_to_cat::providers::vault::{DRILL, MANIFEST, S3, Vault};

use super::{bytes, name, store};
use crate::support::postgres::temporary_folder;

fn open(folder: &Path) -> Vault {
    Vault::open(folder.to_str().unwrap(), &S3::default()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn nobody_else_may_read_it() {
    let folder = temporary_folder();
    let root = folder.path().join("vault");
    let (vault, name) = (open(&root), name("cats", 0));
    store(&vault, &name).await;
    vault.put(&name, DRILL, b"{}".to_vec()).await.unwrap();
    vault.set_latest(&name).await.unwrap();
    let of = root.join(name.as_str());
    assert_eq!((mode(&root), mode(&of)), (0o700, 0o700));
    assert_eq!(entries(&of), ["cats.dump", DRILL, MANIFEST]);
    for file in entries(&of) {
        assert_eq!(mode(&of.join(&file)), 0o600, "{file}");
    }
    assert_eq!(entries(&root), [name.as_str(), "cats_latest"]);
    assert_eq!(
        fs::read_link(root.join("cats_latest")).unwrap(),
        Path::new(name.as_str()),
        "it may be moved as a whole"
    );
}

#[tokio::test]
async fn what_is_no_backup_is_neither_listed_nor_touched() {
    let folder = temporary_folder();
    let root = folder.path().join("vault");
    let (vault, name) = (open(&root), name("cats", 0));
    store(&vault, &name).await;
    let foreign = super::name("cats", 1);
    fs::create_dir(root.join(foreign.as_str())).unwrap();
    fs::write(root.join(super::name("cats", 2).as_str()), "a file").unwrap();
    fs::write(root.join("notes.txt"), "notes").unwrap();
    fs::create_dir(root.join(".git.draft")).unwrap();
    let before = entries(&root);
    assert_eq!(vault.list().await.unwrap(), [name]);
    assert_eq!(vault.remove(&foreign).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(vault.begin(&foreign).await.err().unwrap().kind(), Kind::Conflict);
    assert_eq!(vault.sweep(Duration::ZERO, false).await.unwrap(), [""; 0]);
    assert_eq!(entries(&root), before);
}

#[tokio::test]
async fn links_lead_nowhere() {
    let folder = temporary_folder();
    let (root, elsewhere) = (folder.path().join("vault"), folder.path().join("elsewhere"));
    let (vault, name, linked) = (open(&root), name("cats", 0), super::name("cats", 1));
    store(&vault, &name).await;
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join(MANIFEST), "{}").unwrap();
    symlink(&elsewhere, root.join(linked.as_str())).unwrap();
    symlink(elsewhere.join(MANIFEST), root.join(name.as_str()).join("link")).unwrap();
    symlink("../elsewhere", root.join("dogs_latest")).unwrap();
    assert_eq!(vault.list().await.unwrap(), std::slice::from_ref(&name));
    assert_eq!(vault.get(&linked, MANIFEST).await.unwrap(), None);
    assert_eq!(vault.get(&name, "link").await.unwrap(), None);
    assert_eq!(vault.read(&name, "link").await.err().unwrap().kind(), Kind::NotFound);
    assert_eq!(vault.put(&linked, DRILL, vec![]).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(vault.remove(&linked).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(vault.latest("dogs").await.unwrap(), None);
    // What would be written over a link replaces the link.
    vault.put(&name, "link", b"ours".to_vec()).await.unwrap();
    assert_eq!(fs::read_to_string(elsewhere.join(MANIFEST)).unwrap(), "{}");
    assert_eq!(entries(&elsewhere), [MANIFEST]);
}

#[tokio::test]
async fn a_draft_that_is_dropped_is_gone_and_never_half_published() {
    let folder = temporary_folder();
    let vault = open(folder.path());
    let (mut published, mut gone) = (0, 0);
    for round in 0..40 {
        let name = name("cats", round);
        let draft = vault.begin(&name).await.unwrap();
        let mut upload = draft.create("cats.dump").await.unwrap();
        upload.write(bytes(9)).await.unwrap();
        upload.finish().await.unwrap();
        // Cancelled before it has begun, somewhere on the way, or just after.
        let publishing = draft.publish(b"{}".to_vec());
        if round < 5 {
            drop(publishing);
        } else {
            _ = tokio::time::timeout(Duration::from_micros(50 * round.unsigned_abs()), publishing).await;
        }
        let files = |name: &BackupName| fs::read_dir(folder.path().join(name.as_str())).map(Iterator::count).ok();
        crate::support::postgres::wait_until("the end of it", || {
            !folder.path().join(format!(".{name}.draft")).exists()
                && !folder.path().join(format!(".{name}.removed")).exists()
        });
        match files(&name) {
            Some(count) => {
                assert_eq!(count, 2, "it is whole");
                published += 1;
            }
            None => gone += 1,
        }
    }
    assert_eq!(published + gone, 40);
    assert!(gone > 0, "the first are given no time at all");
    assert_eq!(entries(folder.path()).len(), published);
}

#[tokio::test]
async fn an_upload_that_is_dropped_is_not_there() {
    let folder = temporary_folder();
    let (vault, name) = (open(folder.path()), name("cats", 0));
    let draft = vault.begin(&name).await.unwrap();
    let mut upload = draft.create("cats.dump").await.unwrap();
    upload.write(bytes(9)).await.unwrap();
    assert_eq!(draft.create("cats.dump").await.err().unwrap().kind(), Kind::Environment, "a file is begun once");
    drop(upload);
    draft.publish(b"{}".to_vec()).await.unwrap();
    assert_eq!(entries(&folder.path().join(name.as_str())), [MANIFEST]);
}

#[tokio::test]
async fn the_room_that_is_left_is_known() {
    let folder = temporary_folder();
    let free = open(folder.path()).free_bytes().unwrap().unwrap();
    let told = Command::new("df").args(["--output=size", "-B1"]).arg(folder.path()).output().unwrap();
    let size: u64 = String::from_utf8(told.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
    assert!(free > 0 && free <= size, "{free} of {size}");
}

#[tokio::test]
async fn a_disk_that_is_full_is_told_and_nothing_stays() {
    let folder = temporary_folder();
    let root = folder.path().join("vault");
    let Some(_disk) = crate::support::disk::SmallDisk::mount(&root, 2) else {
        eprintln!("skipped: file systems cannot be mounted here");
        return;
    };
    let (vault, name) = (open(&root), name("cats", 0));
    let draft = vault.begin(&name).await.unwrap();
    let mut upload = draft.create("cats.dump").await.unwrap();
    upload.write(bytes(1 << 20)).await.unwrap();
    let failure = upload.write(bytes(2 << 20)).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Environment);
    for words in ["No space left on device", "after 1.0 MB", "cats.dump", "vault"] {
        assert!(failure.what().contains(words), "{words}: {failure}");
    }
    assert!(failure.hint_text().unwrap().contains("disk is full"), "{failure:?}");
    drop(upload);
    draft.discard().await.unwrap();
    assert_eq!(entries(&root), [""; 0]);
    store(&vault, &name).await;
    assert_eq!(vault.list().await.unwrap(), [name]);
}

/// Holds for every user, root too: the size of files is limited in a child, which runs this very test again.
#[tokio::test]
async fn a_file_that_may_grow_no_further_is_told() {
    const PLACE: &str = "VAULT_TEST_LIMITED_FOLDER";
    if let Some(root) = std::env::var_os(PLACE) {
        let vault = open(Path::new(&root));
        let draft = vault.begin(&name("cats", 0)).await.unwrap();
        let mut upload = draft.create("cats.dump").await.unwrap();
        let failure = upload.write(bytes(4 << 20)).await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Environment);
        assert!(failure.what().contains("File too large"), "{failure}");
        drop((upload, draft));
        assert_eq!(entries(Path::new(&root)), [""; 0]);
        return;
    }
    let folder = temporary_folder();
    let itself = std::env::current_exe().unwrap();
    // The signal that comes with it would end the child before it is told.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" a_file_that_may_grow_no_further_is_told";
    let ran = Command::new("bash").args(["-c", script]).arg(itself).env(PLACE, folder.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("1 passed"));
    assert_eq!(fs::metadata(folder.path()).unwrap().nlink(), 2, "no folder is left in it");
}
