//! Generations as text, one after the other, as files of them have it.
//!
//! The server writes every value, so that each number is the one that it holds. The order is that of
//! [`COLUMNS`](crate::model::generation::columns::COLUMNS).

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

use crate::db::generations::list::{self, filtered};
use crate::db::{Db, Transaction, generations::GenerationFilter};
use crate::model::failure::{Failure, Result};

/// An export under way: all of its rows are of one moment.
#[derive(Debug)]
pub struct Export {
    reading: Transaction<'static>,
}

impl Export {
    /// Begins.
    pub async fn begin(db: &Db) -> Result<Self> {
        let mut reading = list::begin_reading(db).await?;
        // Values as they are written everywhere, whatever the server or the role is set to.
        sqlx::query!("SET LOCAL datestyle = 'ISO'").execute(&mut *reading).await?;
        Ok(Self { reading })
    }

    /// A JSON object for each generation that the filter lets in, newest first. A column without a value is left out; in
    /// the JSON columns `null` is a value.
    pub fn json<'s>(&'s mut self, filter: &GenerationFilter) -> BoxStream<'s, Result<String>> {
        filtered!(
            query_scalar(
                r#"SELECT '{' || concat_ws(',',
                      '"id":' || to_json(id)::text, '"created_at":' || to_json(created_at)::text,
                      '"github_url":' || to_json(github_url)::text,
                      '"repo_owner":' || to_json(repo_owner)::text,
                      '"repo_name":' || to_json(repo_name)::text,
                      '"commit_oid":' || to_json(commit_oid)::text,
                      '"primary_language":' || to_json(primary_language)::text,
                      '"repo_size_kb":' || to_json(repo_size_kb)::text,
                      '"code_quality_score":' || to_json(code_quality_score)::text,
                      '"score_model":' || to_json(score_model)::text,
                      '"cat_attributes":' || cat_attributes::text, '"analysis_data":' || analysis_data::text,
                      '"image_path":' || to_json(image_path)::text,
                      '"original_image_path":' || to_json(original_image_path)::text,
                      '"former_image_path":' || to_json(former_image_path)::text,
                      '"image_bytes":' || to_json(image_bytes)::text,
                      '"image_type":' || to_json(image_type)::text,
                      '"image_width":' || to_json(image_width)::text,
                      '"image_height":' || to_json(image_height)::text,
                      '"image_prompt":' || to_json(image_prompt)::text, '"story":' || to_json(story)::text,
                      '"meme_text_top":' || to_json(meme_text_top)::text,
                      '"meme_text_bottom":' || to_json(meme_text_bottom)::text,
                      '"degraded":' || to_json(degraded)::text, '"step_seconds":' || step_seconds::text,
                      '"user_id":' || to_json(user_id)::text) || '}' AS "line!"
                   FROM public.generations "#,
                "AND ($1::jsonb IS NULL OR cat_attributes @> $1) AND ($2::jsonb IS NULL OR analysis_data @> $2)
                 ORDER BY created_at DESC, id DESC"
            ),
            filter
        )
        .fetch(&mut *self.reading)
        .map_err(Failure::from)
        .boxed()
    }

    /// The text of each column, for each generation that the filter lets in, newest first.
    pub fn fields<'s>(&'s mut self, filter: &GenerationFilter) -> BoxStream<'s, Result<Vec<Option<String>>>> {
        filtered!(
            query_scalar(
                r#"SELECT ARRAY[id::text, created_at::text, github_url::text, repo_owner::text, repo_name::text,
                      commit_oid::text, primary_language::text, repo_size_kb::text, code_quality_score::text,
                      score_model::text, cat_attributes::text, analysis_data::text, image_path::text,
                      original_image_path::text, former_image_path::text, image_bytes::text,
                      image_type::text, image_width::text, image_height::text, image_prompt::text,
                      story::text, meme_text_top::text, meme_text_bottom::text, degraded::text,
                      step_seconds::text, user_id::text] AS "fields!: Vec<Option<String>>"
                   FROM public.generations "#,
                "AND ($1::jsonb IS NULL OR cat_attributes @> $1) AND ($2::jsonb IS NULL OR analysis_data @> $2)
                 ORDER BY created_at DESC, id DESC"
            ),
            filter
        )
        .fetch(&mut *self.reading)
        .map_err(Failure::from)
        .boxed()
    }

    /// Ends it, once its rows are read.
    pub async fn finish(self) -> Result<()> {
        Ok(self.reading.commit().await?)
    }
}
