//! What holds in any store.

use std::collections::HashSet;
use std::time::Duration;

use repo_to_cat::model::backup::BackupName;
use repo_to_cat::model::failure::Kind;
use repo_to_cat::providers::vault::{DRILL, MANIFEST, S3, Vault};
use tempfile::TempDir;

use super::{bucket, bytes, name, read, store};
use crate::support::postgres::temporary_folder;
use crate::support::s3::S3Server;

/// A store, and what it is in.
struct Scene {
    vault: Vault,
    _folder: Option<TempDir>,
    _server: Option<S3Server>,
}

/// Each sort of store, new. The bucket's lists come in pages of two, the folder's path is odd.
fn scenes() -> [Scene; 2] {
    let folder = temporary_folder();
    let place = folder.path().join("the \u{e4}ther % vault");
    let server = S3Server::start();
    server.page(2);
    let bucket = bucket(&server);
    [
        Scene {
            vault: Vault::open(place.to_str().unwrap(), &S3::default()).unwrap(),
            _folder: Some(folder),
            _server: None,
        },
        Scene { vault: bucket, _folder: None, _server: Some(server) },
    ]
}

#[tokio::test]
async fn a_backup_exists_from_its_manifest_on_and_is_read_as_it_was_written() {
    for Scene { vault, .. } in &scenes() {
        let name = name("a/b c", 0);
        let large = bytes(40 << 20);
        let draft = vault.begin(&name).await.unwrap();
        for (file, length) in [("empty", 0), ("small", 3), ("cats.dump.zst", large.len())] {
            let mut upload = draft.create(file).await.unwrap();
            let mut rest = large.slice(..length);
            while !rest.is_empty() {
                upload.write(rest.split_to(rest.len().min(1_000_003))).await.unwrap();
            }
            upload.finish().await.unwrap();
        }
        assert_eq!(vault.list().await.unwrap(), [], "{}: a draft is no backup", vault.place());
        draft.publish(b"{\"version\":1}".to_vec()).await.unwrap();
        assert_eq!(vault.list().await.unwrap(), std::slice::from_ref(&name));
        assert_eq!(vault.get(&name, MANIFEST).await.unwrap().as_deref(), Some(&b"{\"version\":1}"[..]));
        assert_eq!(vault.get(&name, "empty").await.unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(vault.get(&name, DRILL).await.unwrap(), None);
        assert_eq!(read(vault, &name, "empty").await, b"");
        assert!(read(vault, &name, "cats.dump.zst").await == large, "{}", vault.place());
        assert_eq!(vault.read(&name, "nothing").await.err().unwrap().kind(), Kind::NotFound);
    }
}

#[tokio::test]
async fn backups_are_listed_by_age_and_a_name_is_given_once() {
    for Scene { vault, .. } in &scenes() {
        let names = [name("z", 0), name("a", 5), name("a_latest", 9), name("z", 60), name("a", 3600)];
        for name in [3, 1, 4, 0, 2].map(|at| &names[at]) {
            store(vault, name).await;
        }
        assert_eq!(vault.list().await.unwrap(), names);
        assert_eq!(vault.begin(&names[1]).await.err().unwrap().kind(), Kind::Conflict);
        assert_eq!(read(vault, &names[1], "cats.dump").await, b"meow", "what is there is not touched");
    }
}

#[tokio::test]
async fn small_files_are_added_and_replaced_where_there_is_a_backup() {
    for Scene { vault, .. } in &scenes() {
        let (name, other) = (name("cats", 0), name("cats", 1));
        store(vault, &name).await;
        for text in ["first", "second"] {
            vault.put(&name, DRILL, text.into()).await.unwrap();
            assert_eq!(vault.get(&name, DRILL).await.unwrap().as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(vault.put(&other, DRILL, vec![]).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(vault.get(&other, DRILL).await.unwrap(), None);
        assert_eq!(vault.list().await.unwrap(), [name]);
    }
}

#[tokio::test]
async fn the_latest_is_of_its_database_and_exists() {
    for Scene { vault, .. } in &scenes() {
        assert_eq!(vault.latest("cats").await.unwrap(), None);
        let names = [name("cats", 0), name("cats", 1), name("dogs", 2)];
        for name in &names {
            store(vault, name).await;
            vault.set_latest(name).await.unwrap();
        }
        assert_eq!(vault.latest("cats").await.unwrap().as_ref(), Some(&names[1]));
        assert_eq!(vault.latest("dogs").await.unwrap().as_ref(), Some(&names[2]));
        vault.set_latest(&names[0]).await.unwrap();
        assert_eq!(vault.latest("cats").await.unwrap().as_ref(), Some(&names[0]));
        vault.remove(&names[0]).await.unwrap();
        assert_eq!(vault.latest("cats").await.unwrap(), None);
        assert_eq!(vault.list().await.unwrap(), names[1..]);
    }
}

#[tokio::test]
async fn what_is_removed_or_discarded_leaves_nothing() {
    for Scene { vault, .. } in &scenes() {
        let names = [name("cats", 0), name("cats", 1)];
        store(vault, &names[0]).await;
        vault.remove(&names[0]).await.unwrap();
        assert_eq!(vault.remove(&names[0]).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(vault.get(&names[0], "cats.dump").await.unwrap(), None);
        let draft = vault.begin(&names[1]).await.unwrap();
        let mut upload = draft.create("cats.dump").await.unwrap();
        upload.write(bytes(9)).await.unwrap();
        upload.finish().await.unwrap();
        draft.discard().await.unwrap();
        assert_eq!(vault.sweep(Duration::ZERO, true).await.unwrap(), [""; 0]);
        assert_eq!(vault.list().await.unwrap(), [""; 0].map(|_| name("x", 0)));
    }
}

#[tokio::test]
async fn the_same_name_can_be_begun_again_after_a_crash() {
    for Scene { vault, .. } in &scenes() {
        let name = name("cats", 0);
        let draft = vault.begin(&name).await.unwrap();
        let mut upload = draft.create("half.dump").await.unwrap();
        upload.write(bytes(9)).await.unwrap();
        upload.finish().await.unwrap();
        // As if the process had been killed: nothing is undone.
        std::mem::forget(draft);
        store(vault, &name).await;
        assert_eq!(vault.get(&name, "half.dump").await.unwrap(), None);
        assert_eq!(read(vault, &name, "cats.dump").await, b"meow");
    }
}

#[tokio::test]
async fn leftovers_are_swept_when_they_are_old_and_nothing_else_is() {
    for Scene { vault, .. } in &scenes() {
        let names: [BackupName; 2] = [name("cats", 0), name("cats", 1)];
        store(vault, &names[0]).await;
        vault.set_latest(&names[0]).await.unwrap();
        let draft = vault.begin(&names[1]).await.unwrap();
        let mut finished = draft.create("one.dump").await.unwrap();
        finished.write(bytes(9)).await.unwrap();
        finished.finish().await.unwrap();
        let mut open = draft.create("two.dump").await.unwrap();
        open.write(bytes(40 << 20)).await.unwrap();
        std::mem::forget((draft, open));

        let hour = Duration::from_secs(3600);
        assert_eq!(vault.sweep(hour, false).await.unwrap(), [""; 0], "they may be somebody's who is at work");
        let found: HashSet<String> = vault.sweep(Duration::ZERO, true).await.unwrap().into_iter().collect();
        assert!(!found.is_empty() && found.iter().all(|left| left.contains(names[1].as_str())), "{found:?}");
        let swept: HashSet<String> = vault.sweep(Duration::ZERO, false).await.unwrap().into_iter().collect();
        assert_eq!(swept, found);
        assert_eq!(vault.sweep(Duration::ZERO, true).await.unwrap(), [""; 0]);
        assert_eq!(vault.list().await.unwrap(), names[..1]);
        assert_eq!(read(vault, &names[0], "cats.dump").await, b"meow");
        assert_eq!(vault.latest("cats").await.unwrap().as_ref(), Some(&names[0]));
    }
}

#[tokio::test]
async fn a_store_is_tried_and_nothing_stays() {
    for Scene { vault, .. } in &scenes() {
        vault.check().await.unwrap();
        assert_eq!(vault.sweep(Duration::ZERO, true).await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn a_file_is_a_plain_name() {
    for Scene { vault, .. } in &scenes() {
        let name = name("cats", 0);
        store(vault, &name).await;
        for file in ["../x", "/etc/passwd", "a/b", "..", ""] {
            assert_eq!(vault.get(&name, file).await.unwrap_err().kind(), Kind::Refused, "{file}");
            assert_eq!(vault.read(&name, file).await.err().unwrap().kind(), Kind::Refused, "{file}");
            assert_eq!(vault.put(&name, file, vec![]).await.unwrap_err().kind(), Kind::Refused, "{file}");
        }
        let draft = vault.begin(&super::name("cats", 1)).await.unwrap();
        assert_eq!(draft.create("../x").await.err().unwrap().kind(), Kind::Refused);
        draft.discard().await.unwrap();
    }
}
