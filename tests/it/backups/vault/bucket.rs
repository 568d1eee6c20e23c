//! A bucket whose server refuses, fails, is slow or goes away.

use std::time::Duration;

use repo_to_cat::model::failure::Kind;
use repo_to_cat::providers::vault::{Draft, MANIFEST, Upload, Vault};

use super::{bucket, bytes, name, read, s3, store};
use crate::support::s3::{BUCKET, Faults, S3Server};

/// Enough for three parts.
const LARGE: usize = 40 << 20;

/// Waits until there are no open uploads and no objects but those.
async fn wait_until_only(server: &S3Server, keys: &[&str]) {
    for _ in 0..6000 {
        if server.uploads() == 0 && server.keys() == keys {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} uploads and {:?} stay", server.uploads(), server.keys());
}

async fn begin(vault: &Vault) -> (Draft, Upload) {
    let draft = vault.begin(&name("cats", 0)).await.unwrap();
    let upload = draft.create("cats.dump").await.unwrap();
    (draft, upload)
}

#[tokio::test]
async fn a_store_that_refuses_is_told_and_by_whom() {
    let server = S3Server::start();
    let vault = bucket(&server);
    for (status, kind) in [(403, Kind::Unauthorized), (400, Kind::Unavailable), (500, Kind::Unavailable)] {
        server.fail(Faults { refuse: Some(status), ..Faults::default() });
        let failure = vault.check().await.unwrap_err();
        assert_eq!(failure.kind(), kind, "{failure}");
        assert!(failure.what().contains("s3://cats/prod") && failure.what().contains(&status.to_string()), "{failure}");
        assert!(failure.what().contains("As it was told to"), "{failure}");
    }
    server.fail(Faults::default());
    let stranger = Vault::open(
        "s3://cats/prod",
        &repo_to_cat::providers::vault::S3 { access_key_id: "stranger".into(), ..s3(&server) },
    );
    assert_eq!(stranger.unwrap().list().await.unwrap_err().kind(), Kind::Unauthorized);
    let nowhere = Vault::open("s3://dogs", &s3(&server)).unwrap();
    for failure in [nowhere.list().await.unwrap_err(), nowhere.check().await.unwrap_err()] {
        assert_eq!(failure.kind(), Kind::NotFound);
        assert!(failure.what().contains("NoSuchBucket"), "{failure}");
    }
    drop(server);
    assert_eq!(vault.list().await.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_part_that_fails_is_sent_again_and_one_that_always_does_ends_it() {
    let server = S3Server::start();
    let vault = bucket(&server);
    server.fail(Faults { part: Some((2, 1)), part_cuts: 1, ..Faults::default() });
    let (draft, mut upload) = begin(&vault).await;
    upload.write(bytes(LARGE)).await.unwrap();
    upload.finish().await.unwrap();
    assert!(server.object(&format!("prod/{}/cats.dump", name("cats", 0))).unwrap() == bytes(LARGE));
    draft.discard().await.unwrap();

    server.fail(Faults { part: Some((2, usize::MAX)), ..Faults::default() });
    let (draft, mut upload) = begin(&vault).await;
    let written = upload.write(bytes(LARGE)).await;
    let failure = match written {
        Ok(()) => upload.finish().await.unwrap_err(),
        Err(failure) => {
            drop(upload);
            failure
        }
    };
    assert_eq!(failure.kind(), Kind::Unavailable);
    assert!(failure.what().contains("cats.dump") && failure.what().contains("InternalError"), "{failure}");
    draft.discard().await.unwrap();
    wait_until_only(&server, &[]).await;
}

#[tokio::test]
async fn whoever_stops_waiting_leaves_nothing() {
    let server = S3Server::start();
    let vault = bucket(&server);
    // Stopped while parts are asked for, while they are sent, and while the last word is said.
    for (delay, length) in [(400, LARGE), (150, LARGE), (150, 9)] {
        server.fail(Faults { delay: Duration::from_millis(delay), ..Faults::default() });
        let (draft, mut upload) = begin(&vault).await;
        let sending = async {
            for piece in bytes(length).chunks(1 << 20) {
                upload.write(piece.to_vec().into()).await.unwrap();
            }
            upload.finish().await.unwrap();
            std::future::pending::<()>().await;
        };
        tokio::time::timeout(Duration::from_millis(300), sending).await.unwrap_err();
        drop(draft);
        server.fail(Faults::default());
        wait_until_only(&server, &[]).await;
    }
    assert_eq!(vault.list().await.unwrap(), []);
}

#[tokio::test]
async fn a_manifest_that_does_not_arrive_makes_no_backup() {
    let server = S3Server::start();
    let vault = bucket(&server);
    let (draft, mut upload) = begin(&vault).await;
    upload.write(bytes(9)).await.unwrap();
    upload.finish().await.unwrap();
    server.fail(Faults { file: Some(MANIFEST), ..Faults::default() });
    let failure = draft.publish(b"{}".to_vec()).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Unavailable);
    server.fail(Faults::default());
    wait_until_only(&server, &[]).await;
}

#[tokio::test]
async fn a_download_that_breaks_off_is_taken_up_where_it_was() {
    let server = S3Server::start();
    let vault = bucket(&server);
    let (draft, mut upload) = begin(&vault).await;
    upload.write(bytes(3 << 20)).await.unwrap();
    upload.finish().await.unwrap();
    draft.publish(b"{}".to_vec()).await.unwrap();
    server.fail(Faults { cuts: 2, ..Faults::default() });
    assert!(read(&vault, &name("cats", 0), "cats.dump").await == bytes(3 << 20));
}

#[tokio::test]
async fn a_backup_goes_with_its_manifest_first() {
    let server = S3Server::start();
    let vault = bucket(&server);
    store(&vault, &name("cats", 0)).await;
    server.place("prod/readme.txt", b"not ours");
    server.place("other/cats_20261122_030000Z/manifest.json", b"{}");
    vault.remove(&name("cats", 0)).await.unwrap();
    let requests = server.requests();
    let deleted: Vec<&str> = requests.iter().filter_map(|request| request.strip_prefix("DELETE ")).collect();
    let prefix = format!("prod/{}", name("cats", 0));
    assert_eq!(deleted, [format!("{prefix}/manifest.json?"), format!("{prefix}/cats.dump?")]);
    assert_eq!(vault.sweep(Duration::ZERO, false).await.unwrap(), [""; 0], "what is not ours stays");
    assert_eq!(server.keys(), ["other/cats_20261122_030000Z/manifest.json", "prod/readme.txt"]);
}

#[tokio::test]
async fn what_is_young_stays_and_what_is_old_goes() {
    let server = S3Server::start();
    let vault = bucket(&server);
    let (draft, mut open) = begin(&vault).await;
    open.write(bytes(LARGE)).await.unwrap();
    let prefix = format!("prod/{}", name("cats", 0));
    server.place(&format!("{prefix}/one.dump"), b"x");
    server.place("prod/.check-1", b"x");
    std::mem::forget((draft, open));
    let day = Duration::from_secs(86_400);
    assert_eq!(vault.sweep(day, false).await.unwrap(), [""; 0]);
    server.age(day);
    server.place(&format!("{prefix}/two.dump"), b"x");
    let swept = vault.sweep(day, false).await.unwrap();
    assert_eq!(
        swept,
        [".check-1".to_owned(), format!("{}/cats.dump (upload)", name("cats", 0))],
        "one of its files is young"
    );
    server.age(day);
    assert_eq!(vault.sweep(day, false).await.unwrap(), [format!("{}/", name("cats", 0))]);
    assert_eq!((server.uploads(), server.keys()), (0, vec![]));
}

#[tokio::test]
async fn a_bucket_without_a_prefix_works_as_well() {
    let server = S3Server::start();
    let vault = Vault::open(&format!("s3://{BUCKET}"), &s3(&server)).unwrap();
    store(&vault, &name("cats", 0)).await;
    vault.set_latest(&name("cats", 0)).await.unwrap();
    assert_eq!(vault.latest("cats").await.unwrap(), Some(name("cats", 0)));
    assert_eq!(vault.list().await.unwrap(), [name("cats", 0)]);
    assert_eq!(vault.sweep(Duration::ZERO, false).await.unwrap(), [""; 0]);
    assert_eq!((vault.place().as_str(), vault.free_bytes().unwrap()), ("s3://cats", None));
}
