//! The pictures that our own database's rows name: which they are, and on demand they themselves.

use std::io::Write;

use chrono::{DateTime, Utc};

use super::files::{Files, unwritten};
use super::tar::Tar;
use crate::db::source::Holder;
use crate::model::backup::manifest::{FileRole, StoredFile};
use crate::model::failure::Result;
use crate::providers::pictures::Pictures;

/// Lists the pictures of the snapshot, and tells how many they are.
pub(super) async fn list(files: &Files<'_>, mut holder: Holder) -> Result<(StoredFile, (Holder, u64))> {
    let waiter = files.waiter();
    let listing = files.write("images.txt", FileRole::ImageList, files.small(), move |encoder| {
        let mut count = 0;
        if let Some(keys) = waiter.wait(holder.image_keys())? {
            waiter.each(keys, |lines| {
                count += memchr::memchr_iter(b'\n', lines).count() as u64;
                encoder.write_all(lines).map_err(unwritten)
            })?;
        }
        Ok((holder, count))
    });
    listing.await
}

/// Copies the pictures of the snapshot into a tar archive. One that is not in the store is told, and left out: the rows
/// are worth keeping without it.
pub(super) async fn copy(
    files: &Files<'_>,
    mut holder: Holder,
    pictures: Pictures,
    moment: DateTime<Utc>,
) -> Result<(StoredFile, Holder)> {
    let waiter = files.waiter();
    let copying = files.write("pictures.tar", FileRole::Pictures, files.small(), move |encoder| {
        let (mut tar, mut missing) = (Tar::new(encoder, moment), 0);
        if let Some(keys) = waiter.wait(holder.image_keys())? {
            waiter.each(keys, |lines| {
                let keys = lines.split(|byte| *byte == b'\n').filter(|key| !key.is_empty());
                for key in keys.map(|key| str::from_utf8(key).unwrap_or_default()) {
                    let picture = if is_key(key) { waiter.wait(pictures.get(key))? } else { None };
                    match picture {
                        Some(picture) => tar.add(key, &picture).map_err(unwritten)?,
                        None => missing += 1,
                    }
                }
                Ok(())
            })?;
        }
        tar.finish().map_err(unwritten)?;
        if missing > 0 {
            tracing::warn!(missing, "pictures that rows name are not in the store, and so not in the backup");
        }
        Ok(holder)
    });
    copying.await
}

/// Whether it could be the key of a picture: what people write into a row may be anything.
fn is_key(key: &str) -> bool {
    key.len() <= 100 && key.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
