//! `public.generations`: reading, deleting, export and import, and which pictures are in use. Those of jobs are written by
//! `outcomes::complete` only.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::Generation;
use crate::model::job::JobKind;

pub mod export;
pub mod import;
mod list;

pub use list::{GenerationFilter, Page, REACH, list, newest, page};

/// One generation, with its analysis.
pub async fn get(db: &Db, id: Uuid) -> Result<Option<Generation>> {
    Ok(sqlx::query_as!(
        Generation,
        r#"SELECT id, LEAST(GREATEST(created_at, '0001-01-01'), '9999-12-31') AT TIME ZONE 'utc' AS "created_at!: DateTime<Utc>",
                  github_url, repo_owner, repo_name,
                  commit_oid, primary_language, repo_size_kb, code_quality_score::float8 AS code_quality_score,
                  cat_attributes, analysis_data, score_model, image_path, original_image_path, image_prompt, story,
                  meme_text_top, meme_text_bottom, degraded, step_seconds, user_id
           FROM public.generations WHERE id = $1"#,
        id
    )
    .fetch_optional(db.pool())
    .await?)
}

/// Deletes a generation; returns the keys of its pictures, which other rows may name, too.
pub async fn delete(db: &Db, id: Uuid) -> Result<Vec<String>> {
    let row =
        sqlx::query!("DELETE FROM public.generations WHERE id = $1 RETURNING image_path, original_image_path", id)
            .fetch_optional(db.pool())
            .await?
            .ok_or_else(|| unknown(id))?;
    // What others wrote may be empty, which is no key.
    Ok(row.image_path.into_iter().chain(row.original_image_path).filter(|key| !key.is_empty()).collect())
}

/// The picture's key of a generation whose picture had one of these paths in the founding application.
pub async fn picture_once_at(db: &Db, paths: &[String]) -> Result<Option<String>> {
    let found = sqlx::query_scalar!(
        "SELECT image_path FROM public.generations WHERE former_image_path = ANY ($1) LIMIT 1",
        paths
    );
    Ok(found.fetch_optional(db.pool()).await?.flatten())
}

/// Of these keys, the ones that a generation names.
pub async fn pictures_in_use(db: &Db, keys: &[String]) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT key AS "key!" FROM unnest($1::text[]) AS key
           WHERE EXISTS (SELECT FROM public.generations WHERE image_path = key)
              OR EXISTS (SELECT FROM public.generations WHERE original_image_path = key)"#,
        keys
    )
    .fetch_all(db.pool())
    .await?)
}

/// There is no generation with that id.
#[must_use]
pub fn unknown(id: Uuid) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no generation {id}"))
        .hint("see them with: repo-to-cat generations list; a job that is not completed has none yet")
}

/// Fails (`NotFound`) where the job with that id is of another kind.
pub fn check_kind(id: Uuid, kind: &str) -> Result<()> {
    if kind == JobKind::Generation.name() {
        return Ok(());
    }
    let what = format!("job {id} is no generation but a {kind} job");
    Err(Failure::new(Kind::NotFound, what).hint(format!("see it with: repo-to-cat jobs show {id}")))
}

/// What lists tell of a generation: all but its analysis.
#[must_use]
pub fn without_analysis(generation: Generation) -> Generation {
    Generation { analysis_data: None, ..generation }
}
