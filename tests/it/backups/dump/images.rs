//! The pictures that rows name.

use std::process::Command;

use repo_to_cat::backup::pipe::Identities;
use repo_to_cat::model::backup::manifest::{FileRole, Images};
use repo_to_cat::model::backup::{BackupRequest, Compression};
use repo_to_cat::model::picture::Canvas;

use super::bed::Bed;
use crate::queue::bed::Bed as Jobs;

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_listed_and_copied_where_they_are_there() {
    let jobs = Jobs::make().await;
    let bed = Bed::at(jobs.url.clone());
    let (job, _) = jobs.running().await;
    assert!(jobs.complete(&job).await);
    let stored = bed.yard.pictures.put(b"a picture".to_vec(), Canvas::WIDE).await.unwrap();
    jobs.rows("public.generations").await;
    sqlx::query(
        "UPDATE public.generations SET image_path = $1, original_image_path = 'images/v1/../../../../etc/passwd'",
    )
    .bind(&stored.key)
    .execute(&bed.pool)
    .await
    .unwrap();
    let request = BackupRequest { compression: Some(Compression::Gzip), ..BackupRequest::default() };
    let listed = bed.dump(&request).await.unwrap();
    assert_eq!(listed.images, Some(Images { count: 2, copied: false }));
    let copied = bed.dump(&BackupRequest { with_images: Some(true), ..request }).await.unwrap();
    assert_eq!(copied.images, Some(Images { count: 2, copied: true }));
    bed.check_files(&copied);
    let decoded = |role: FileRole| {
        let file = copied.files.iter().find(|file| file.role == role).unwrap();
        bed.decoded(&copied.name, file, &Identities::default())
    };
    let list = std::fs::read_to_string(decoded(FileRole::ImageList)).unwrap();
    let mut listed: Vec<&str> = list.lines().collect();
    listed.sort_unstable();
    assert_eq!(listed, ["images/v1/../../../../etc/passwd", &stored.key]);
    let out = bed.folder.path().join("unpacked");
    std::fs::create_dir(&out).unwrap();
    let unpacked =
        Command::new("tar").arg("-xf").arg(decoded(FileRole::Pictures)).arg("-C").arg(&out).output().unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    assert_eq!(std::fs::read(out.join(&stored.key)).unwrap(), b"a picture");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_ours_names_none() {
    let bed = Bed::make("CREATE TABLE generations (image_path text, original_image_path text)").await;
    let manifest = bed.dump(&BackupRequest { with_images: Some(true), ..BackupRequest::default() }).await.unwrap();
    assert_eq!((manifest.images, manifest.files.len()), (None, 1));
}
