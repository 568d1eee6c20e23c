//! What the founding application left in its tables, counted. The tables may lack columns of ours, hence unchecked SQL.

use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::FromRow;

use crate::db::migrate::foreign;
use crate::db::{Db, Session};
use crate::model::failure::Result;

/// How many rows there are, and how many are odd. All are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromRow)]
pub struct Census {
    /// Rows of generations.
    pub generations: i64,
    /// Rows of users.
    pub users: i64,
    /// Users whose token stands there as it is.
    pub plain_tokens: i64,
    /// Scores below 0 or above 10.
    pub scores_outside: i64,
    /// Scores that are `NaN`.
    pub scores_not_a_number: i64,
    /// Rows without a score.
    pub no_score: i64,
    /// Rows without a language.
    pub no_language: i64,
    /// Rows whose owner or name is null or empty.
    pub no_name: i64,
    /// Rows with a size below nothing.
    pub negative_sizes: i64,
    /// Rows whose URL another row has, too, beyond the first.
    #[sqlx(skip)]
    pub same_url: i64,
    /// Rows whose URL would be refused today.
    #[sqlx(skip)]
    pub refused_urls: i64,
}

/// Counts. `is_refused` tells of a URL whether it would be refused today.
pub async fn census(db: &Db, is_refused: impl Fn(&str) -> bool) -> Result<Census> {
    let mut session = db.pool().acquire().await?;
    let mut census: Census = sqlx::query_as(
        "SELECT count(*) AS generations,
                (SELECT count(*) FROM public.users) AS users,
                (SELECT count(api_token) FROM public.users) AS plain_tokens,
                count(*) FILTER (WHERE code_quality_score <> 'NaN' AND code_quality_score NOT BETWEEN 0 AND 10)
                  AS scores_outside,
                count(*) FILTER (WHERE code_quality_score = 'NaN') AS scores_not_a_number,
                count(*) FILTER (WHERE code_quality_score IS NULL) AS no_score,
                count(*) FILTER (WHERE primary_language IS NULL) AS no_language,
                count(*) FILTER (WHERE coalesce(repo_owner, '') = '' OR coalesce(repo_name, '') = '') AS no_name,
                count(*) FILTER (WHERE repo_size_kb < 0) AS negative_sizes
         FROM public.generations",
    )
    .fetch_one(&mut session)
    .await?;
    let mut urls =
        sqlx::query_as::<_, (String, i64)>("SELECT github_url, count(*) FROM public.generations GROUP BY github_url")
            .fetch(&mut session);
    while let Some((url, rows)) = urls.try_next().await? {
        census.same_url += rows - 1;
        if is_refused(&url) {
            census.refused_urls += rows;
        }
    }
    Ok(census)
}

/// Tables that are adopted or that tell what was.
const ADOPTED: [&str; 3] = ["public.users", "public.generations", "public.alembic_version"];

/// Tables of others, as `schema.name`, sorted: not those that are adopted, nor the system's, nor an extension's.
pub(super) async fn other_tables(session: &mut Session<'_>) -> Result<Vec<String>> {
    let all = foreign::relations(session.connection(), "rpvmf").await?;
    Ok(all.into_iter().filter(|name| !ADOPTED.contains(&name.as_str())).collect())
}
