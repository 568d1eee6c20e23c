//! The application's pictures, taken into the store.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;
use uuid::Uuid;

use super::bed::{HEAD, connect, original};
use crate::support::cli::Shell;
use crate::support::postgres::temporary_folder;

/// A PNG of one colour.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, width, height).write_header().unwrap();
    writer.write_image_data(&vec![7; (width * height) as usize]).unwrap();
    writer.finish().unwrap();
    bytes
}

#[tokio::test]
async fn pictures_are_taken_once_and_what_cannot_be_is_told() {
    let url = original(HEAD);
    let mut connection = connect(&url).await;
    let folder = temporary_folder();
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    fs::write(folder.path().join(format!("{one}.png")), png(768, 448)).unwrap();
    fs::write(folder.path().join(format!("{two}.png")), png(3, 5)).unwrap();
    fs::write(folder.path().join("photo.png"), b"\xff\xd8\xff\xe0 no PNG").unwrap();
    symlink(format!("{one}.png"), folder.path().join("link.png")).unwrap();
    let given = folder.path().to_str().unwrap();
    let shell = Shell::on(&url);
    let rows: i64 =
        sqlx::query_scalar("SELECT count(image_path) FROM generations").fetch_one(&mut connection).await.unwrap();

    let told = shell.json(&["migrate", "adopt", "--dry-run", "--pictures", given]);
    let expected = json!({
        "taken": rows - 5, "missing": 2, "unfit": 3,
        "first_missing": told["pictures"]["first_missing"], "first_unfit": told["pictures"]["first_unfit"],
    });
    assert_eq!(told["pictures"], expected);
    let mut first: Vec<&str> = ["first_missing", "first_unfit"]
        .iter()
        .flat_map(|key| told["pictures"][key].as_array().unwrap())
        .map(|path| path.as_str().unwrap())
        .collect();
    first.sort_unstable();
    assert_eq!(
        first,
        [
            "../outside.png",
            "/generated_images/gone.png",
            "/generated_images/link.png: a symbolic link",
            "/generated_images/photo.png: no PNG",
            ": names no file",
        ]
    );
    assert!(!shell.path("data/images").exists(), "a dry run makes no store");

    let done = shell.json(&["migrate", "adopt", "--yes", "--pictures", given]);
    assert_eq!(done["done"]["pictures"]["taken"], rows - 5);

    let taken: Vec<(String, String, i64, String, i32, i32)> = sqlx::query_as(
        "SELECT DISTINCT former_image_path, image_path, image_bytes, image_type, image_width, image_height
         FROM generations WHERE former_image_path IS NOT NULL ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let former: Vec<&str> = taken.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(
        former,
        [
            format!("/generated_images/{one}.png"),
            format!("/srv/app/generated_images/{one}.png"),
            format!("generated_images/{two}.png")
        ]
    );
    for (former, key, bytes, kind, width, height) in &taken {
        let wanted = if former.contains(&two.to_string()) { (png(3, 5), 3, 5) } else { (png(768, 448), 768, 448) };
        let stored = fs::read(shell.path("data").join(key)).unwrap();
        assert_eq!((&stored, *width, *height), (&wanted.0, wanted.1, wanted.2));
        assert_eq!((*bytes, kind.as_str()), (i64::try_from(stored.len()).unwrap(), "image/png"));
    }
    let left: Vec<String> = sqlx::query_scalar(
        "SELECT image_path FROM generations WHERE former_image_path IS NULL AND image_path IS NOT NULL ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(folder.path().join(format!("{one}.png")).exists(), "theirs stay, too");

    let again = shell.succeeds(&["migrate", "adopt", "--pictures", given]);
    assert!(again.starts_with("nothing to do") && again.contains("2 not in the folder: "), "{again}");
    let (id, former): (Uuid, String) =
        sqlx::query_as("SELECT id, former_image_path FROM generations WHERE former_image_path LIKE '/srv%'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    let opened = shell.json(&["generations", "open", &id.to_string()]);
    assert!(opened["file"].as_str().unwrap().contains("images/v1/"), "{former}: {opened}");
}
