//! Pictures that rows name by a path of the founding application's, and rows that name ours instead.
//!
//! The column `former_image_path` comes with a later migration than these tables, hence unchecked SQL.

use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;
use crate::model::picture::StoredPicture;

/// A page of rows.
const PAGE: i64 = 500;

/// How many rows name a picture that is not in a store like ours. `prefix` is what all keys of ours begin with.
pub async fn count(db: &Db, prefix: &str) -> Result<i64> {
    let count = "SELECT count(*) FROM public.generations WHERE NOT starts_with(image_path, $1)";
    Ok(sqlx::query_scalar(count).bind(prefix).fetch_one(db.pool()).await?)
}

/// The next of those rows after `after`, by id: each with its path. None are left where it is empty.
pub async fn page(db: &Db, prefix: &str, after: Option<Uuid>) -> Result<Vec<(Uuid, String)>> {
    Ok(sqlx::query_as(
        "SELECT id, image_path FROM public.generations
         WHERE NOT starts_with(image_path, $1) AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
    )
    .bind(prefix)
    .bind(after)
    .bind(PAGE)
    .fetch_all(db.pool())
    .await?)
}

/// Lets a row name a picture of our store, and keeps the path that it had; returns whether it still had that path.
pub async fn take(db: &Db, id: Uuid, former: &str, picture: &StoredPicture) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE public.generations
         SET image_path = $3, former_image_path = $2, image_bytes = $4, image_type = $5, image_width = $6,
             image_height = $7
         WHERE id = $1 AND image_path = $2",
    )
    .bind(id)
    .bind(former)
    .bind(&picture.key)
    .bind(picture.bytes.cast_signed())
    .bind(&picture.media_type)
    .bind(picture.canvas.width.cast_signed())
    .bind(picture.canvas.height.cast_signed())
    .execute(db.pool())
    .await?;
    Ok(done.rows_affected() == 1)
}
