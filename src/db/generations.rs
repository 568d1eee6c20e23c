//! `public.generations`: reading, deleting, and which pictures are in use. They are written by `outcomes::complete` only.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::Generation;

/// Which generations to list.
#[derive(Debug, Clone, Default)]
pub struct GenerationFilter {
    /// Only of this owner.
    pub owner: Option<String>,
    /// Only of repositories with this name.
    pub name: Option<String>,
    /// Only in this primary language.
    pub language: Option<String>,
    /// Only those persisted before this one (the last of the page before).
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// One generation, with its analysis.
pub async fn get(db: &Db, id: Uuid) -> Result<Option<Generation>> {
    Ok(sqlx::query_as!(
        Generation,
        r#"SELECT id, created_at AT TIME ZONE 'utc' AS "created_at!: DateTime<Utc>", github_url, repo_owner, repo_name,
                  commit_oid, primary_language, repo_size_kb, code_quality_score::float8 AS code_quality_score,
                  cat_attributes, analysis_data, score_model, image_path, original_image_path, image_prompt, story,
                  meme_text_top, meme_text_bottom, degraded, step_seconds, user_id
           FROM public.generations WHERE id = $1"#,
        id
    )
    .fetch_optional(db.pool())
    .await?)
}

/// Generations, newest first, without their analyses.
pub async fn list(db: &Db, filter: &GenerationFilter) -> Result<Vec<Generation>> {
    Ok(sqlx::query_as!(
        Generation,
        r#"SELECT id, created_at AT TIME ZONE 'utc' AS "created_at!: DateTime<Utc>", github_url, repo_owner, repo_name,
                  commit_oid, primary_language, repo_size_kb, code_quality_score::float8 AS code_quality_score,
                  cat_attributes, NULL::jsonb AS analysis_data, score_model, image_path, original_image_path,
                  image_prompt, story, meme_text_top, meme_text_bottom, degraded, step_seconds, user_id
           FROM public.generations
           WHERE ($1::text IS NULL OR repo_owner = $1) AND ($2::text IS NULL OR repo_name = $2)
             AND ($3::text IS NULL OR primary_language = $3)
             AND ($4::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM public.generations WHERE id = $4))
           ORDER BY created_at DESC, id DESC LIMIT $5"#,
        filter.owner,
        filter.name,
        filter.language,
        filter.before,
        filter.limit
    )
    .fetch_all(db.pool())
    .await?)
}

/// Deletes a generation; returns the keys of its pictures, which other rows may name, too.
pub async fn delete(db: &Db, id: Uuid) -> Result<Vec<String>> {
    let row =
        sqlx::query!("DELETE FROM public.generations WHERE id = $1 RETURNING image_path, original_image_path", id)
            .fetch_optional(db.pool())
            .await?
            .ok_or_else(|| unknown(id))?;
    Ok(row.image_path.into_iter().chain(row.original_image_path).collect())
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
