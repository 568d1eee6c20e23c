//! Lists of generations, the newest first, by what people look for.
//!
//! What a list costs must not grow with the table. A column is found by its index, or on the way along the newest. What a
//! document must hold is looked for among the newest [`REACH`] first, where what is common is found soon, and beyond them
//! by the documents' own index, where what is rare is found soon.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::db::Db;
use crate::db::generations::unknown;
use crate::db::session::{Session, Transaction};
use crate::model::failure::Result;
use crate::model::generation::Generation;

/// How many generations are looked at one after the other for what their documents hold.
pub const REACH: i64 = 5000;
/// How many are looked at for a column that no index leads to: a language, a score, a name without its owner.
const COLUMN_REACH: i64 = 20_000;

/// Which generations. What is left out leaves all in.
#[derive(Debug, Clone, Default)]
pub struct GenerationFilter {
    /// Of this owner.
    pub owner: Option<String>,
    /// Of repositories with this name.
    pub name: Option<String>,
    /// Of the repository with this very URL.
    pub url: Option<String>,
    /// In this primary language.
    pub language: Option<String>,
    /// With this score or a higher one.
    pub min_score: Option<f64>,
    /// With this score or a lower one.
    pub max_score: Option<f64>,
    /// Whose attributes contain this document.
    pub attributes: Option<Value>,
    /// Whose analysis contains this document.
    pub analysis: Option<Value>,
    /// Persisted at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Persisted before this time.
    pub until: Option<DateTime<Utc>>,
    /// That this user asked for.
    pub user: Option<Uuid>,
    /// Persisted before this one (the last of the page before).
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

impl GenerationFilter {
    /// Whether it leaves out anything, but for what a page does.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.owner.is_none()
            && self.name.is_none()
            && self.url.is_none()
            && self.language.is_none()
            && self.min_score.is_none()
            && self.max_score.is_none()
            && self.since.is_none()
            && self.until.is_none()
            && self.user.is_none()
            && !self.is_about_documents()
    }

    const fn is_about_documents(&self) -> bool {
        self.attributes.is_some() || self.analysis.is_some()
    }

    /// Whether it is about columns that no index leads to.
    const fn is_about_rare_columns(&self) -> bool {
        self.language.is_some()
            || self.min_score.is_some()
            || self.max_score.is_some()
            || self.name.is_some() && self.owner.is_none()
    }

    /// The least and the highest score, if it is about scores: rows without one, or with NaN, are left out then.
    pub(super) fn scores(&self) -> (Option<f64>, Option<f64>) {
        let is_about_scores = self.min_score.is_some() || self.max_score.is_some();
        let bound = |score: Option<f64>, open| is_about_scores.then_some(score.unwrap_or(open));
        (bound(self.min_score, f64::NEG_INFINITY), bound(self.max_score, f64::INFINITY))
    }
}

/// A statement over the generations that a filter's columns let in: what comes before `WHERE` and what comes after. `$1`
/// and `$2` are the documents, `$12` and what follows is the caller's.
macro_rules! filtered {
    ($query:ident ($head:literal, $tail:literal), $filter:expr $(, $more:expr)*) => {
        sqlx::$query!(
            $head
                + r#"WHERE ($3::text IS NULL OR repo_owner = $3) AND ($4::text IS NULL OR repo_name = $4)
                       AND ($5::text IS NULL OR github_url = $5) AND ($6::text IS NULL OR primary_language = $6)
                       AND ($7::float8 IS NULL OR code_quality_score::float8 BETWEEN $7 AND $8)
                       AND ($9::timestamp IS NULL OR created_at >= $9) AND ($10::timestamp IS NULL OR created_at < $10)
                       AND ($11::uuid IS NULL OR user_id = $11) "#
                + $tail,
            $filter.attributes,
            $filter.analysis,
            $filter.owner,
            $filter.name,
            $filter.url,
            $filter.language,
            $filter.scores().0,
            $filter.scores().1,
            $filter.since.map(|time| time.naive_utc()),
            $filter.until.map(|time| time.naive_utc()),
            $filter.user
            $(, $more)*
        )
    };
}
pub(super) use filtered;

/// Where a list goes on: behind this place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// As text: PostgreSQL has moments that no calendar of ours has, such as `infinity`.
    created_at: String,
    id: Uuid,
}

/// A part of a list.
#[derive(Debug)]
pub struct Page {
    /// Generations, newest first, without their analyses.
    pub cats: Vec<Generation>,
    /// After which one to go on; none at the end of the list. Where the page is not full, so many were looked at.
    pub next: Option<Uuid>,
}

/// Generations, newest first, without their analyses, however far back they are. Fails where there is none to go on after.
pub async fn list(db: &Db, filter: &GenerationFilter) -> Result<Vec<Generation>> {
    let mut found = page(db, filter).await?;
    loop {
        let left = filter.limit - i64::try_from(found.cats.len()).unwrap_or(i64::MAX);
        let (Some(next), 1..) = (found.next, left) else { return Ok(found.cats) };
        let more = page(db, &GenerationFilter { before: Some(next), limit: left, ..filter.clone() }).await?;
        found.cats.extend(more.cats);
        found.next = more.next;
    }
}

/// The next part of a list, at a cost that does not grow with the table. Fails where there is none to go on after.
pub async fn page(db: &Db, filter: &GenerationFilter) -> Result<Page> {
    let mut reading = begin_reading(db).await?;
    let until = filter.until.map(|until| until.naive_utc());
    // One bound alone: of two, the walk might begin at the wrong one.
    let after = match (filter.before, until) {
        (Some(id), until) => Some(place_of(&mut reading, id, until).await?),
        (None, Some(until)) => Some(Place { created_at: until.to_string(), id: Uuid::nil() }),
        (None, None) => None,
    };
    let filter = &GenerationFilter { until: None, ..filter.clone() };
    let mut found = walk(&mut reading, filter, after).await?;
    let mut next = None;
    match found.reached {
        Some(last) if filter.is_about_rare_columns() => next = Some(last.id),
        Some(last) => {
            let more =
                search(&mut reading, filter, last, filter.limit - i64::try_from(found.ids.len()).unwrap_or(0)).await?;
            found.ids.extend(more);
        }
        None => {}
    }
    if i64::try_from(found.ids.len()).is_ok_and(|found| found == filter.limit) {
        next = found.ids.last().copied();
    }
    let cats = by_ids(&mut reading, &found.ids).await?;
    reading.commit().await?;
    Ok(Page { cats, next })
}

/// The place of a generation, or that of `until` where it is the later in the list.
async fn place_of(session: &mut Session<'_>, id: Uuid, until: Option<NaiveDateTime>) -> Result<Place> {
    sqlx::query_as!(
        Place,
        r#"SELECT created_at::text AS "created_at!", id AS "id!"
           FROM (SELECT created_at, id FROM public.generations WHERE id = $1
                 UNION ALL
                 SELECT $2, $3 WHERE $2::timestamp IS NOT NULL
                   AND EXISTS (SELECT FROM public.generations WHERE id = $1)) AS bound
           ORDER BY bound.created_at, bound.id LIMIT 1"#,
        id,
        until,
        Uuid::nil()
    )
    .fetch_optional(session)
    .await?
    .ok_or_else(|| unknown(id))
}

/// What was found on the way along the newest.
struct Found {
    ids: Vec<Uuid>,
    /// The last that was looked at, where there may be more behind it.
    reached: Option<Place>,
}

/// Goes along the newest that an index leads to, until the page is full or so many were looked at.
async fn walk(session: &mut Session<'_>, filter: &GenerationFilter, after: Option<Place>) -> Result<Found> {
    let reach = match (filter.is_about_documents(), filter.is_about_rare_columns()) {
        (true, _) => REACH.max(filter.limit),
        (false, true) => COLUMN_REACH.max(filter.limit),
        (false, false) => filter.limit,
    };
    // The last one comes along even where it is no match: what comes next goes on behind it.
    let rows = sqlx::query!(
        r#"SELECT id, created_at::text AS "created_at!", matches AS "matches!", nth = $14 AS "is_last!"
           FROM (SELECT id, created_at, row_number() OVER (ORDER BY created_at DESC, id DESC) AS nth,
                        ($4::text IS NULL OR coalesce(repo_name = $4, false))
                        AND ($6::text IS NULL OR coalesce(primary_language = $6, false))
                        AND ($7::float8 IS NULL OR coalesce(code_quality_score::float8 BETWEEN $7 AND $8, false))
                        AND ($1::jsonb IS NULL OR coalesce(cat_attributes @> $1, false))
                        AND ($2::jsonb IS NULL OR coalesce(analysis_data @> $2, false)) AS matches
                 FROM public.generations
                 WHERE ($3::text IS NULL OR repo_owner = $3) AND ($4::text IS NULL OR $3 IS NULL OR repo_name = $4)
                   AND ($5::text IS NULL OR github_url = $5)
                   AND ($9::timestamp IS NULL OR created_at >= $9) AND ($10::timestamp IS NULL OR created_at < $10)
                   AND ($11::uuid IS NULL OR user_id = $11)
                   AND ($12::text IS NULL OR (created_at, id) < ($12::text::timestamp, $13::uuid))
                 ORDER BY created_at DESC, id DESC LIMIT $14) AS looked
           WHERE matches OR nth = $14 ORDER BY looked.created_at DESC, id DESC LIMIT $15"#,
        filter.attributes,
        filter.analysis,
        filter.owner,
        filter.name,
        filter.url,
        filter.language,
        filter.scores().0,
        filter.scores().1,
        filter.since.map(|time| time.naive_utc()),
        filter.until.map(|time| time.naive_utc()),
        filter.user,
        after.as_ref().map(|place| place.created_at.as_str()),
        after.as_ref().map(|place| place.id),
        reach,
        filter.limit
    )
    .fetch_all(session)
    .await?;
    let ids: Vec<Uuid> = rows.iter().filter(|row| row.matches).map(|row| row.id).collect();
    let is_full = i64::try_from(ids.len()).unwrap_or(i64::MAX) >= filter.limit;
    let last = rows.last().filter(|row| row.is_last && !is_full);
    Ok(Found { ids, reached: last.map(|row| Place { created_at: row.created_at.clone(), id: row.id }) })
}

/// All that lie behind a place and whose documents match, by the documents' own index.
async fn search(session: &mut Session<'_>, filter: &GenerationFilter, after: Place, limit: i64) -> Result<Vec<Uuid>> {
    // Left with the documents' indexes: the planner cannot know that the walk has found little.
    sqlx::query!("SET LOCAL enable_indexscan = off").execute(&mut *session).await?;
    let ids = filtered!(
        query_scalar(
            "SELECT id FROM public.generations ",
            "AND ($1::jsonb IS NULL OR cat_attributes @> $1) AND ($2::jsonb IS NULL OR analysis_data @> $2)
             AND (created_at, id) < ($12::text::timestamp, $13::uuid)
             ORDER BY created_at DESC, id DESC LIMIT $14"
        ),
        filter,
        after.created_at,
        after.id,
        limit
    )
    .fetch_all(&mut *session)
    .await?;
    sqlx::query!("SET LOCAL enable_indexscan = on").execute(session).await?;
    Ok(ids)
}

/// The newest generations behind so many of them, without their analyses. What is passed over is read, too: few at a time.
pub async fn newest(db: &Db, passed_over: i64, limit: i64) -> Result<Vec<Generation>> {
    let mut reading = begin_reading(db).await?;
    let ids = sqlx::query_scalar!(
        "SELECT id FROM public.generations ORDER BY created_at DESC, id DESC OFFSET $1 LIMIT $2",
        passed_over,
        limit
    )
    .fetch_all(&mut *reading)
    .await?;
    let cats = by_ids(&mut reading, &ids).await?;
    reading.commit().await?;
    Ok(cats)
}

async fn by_ids(session: &mut Session<'_>, ids: &[Uuid]) -> Result<Vec<Generation>> {
    Ok(sqlx::query_as!(
        Generation,
        r#"SELECT id, LEAST(GREATEST(created_at, '0001-01-01'), '9999-12-31') AT TIME ZONE 'utc' AS "created_at!: DateTime<Utc>",
                  github_url, repo_owner, repo_name,
                  commit_oid, primary_language, repo_size_kb, code_quality_score::float8 AS code_quality_score,
                  cat_attributes, NULL::jsonb AS analysis_data, score_model, image_path, original_image_path,
                  image_prompt, story, meme_text_top, meme_text_bottom, degraded, step_seconds, user_id
           FROM public.generations WHERE id = ANY ($1) ORDER BY generations.created_at DESC, id DESC"#,
        ids
    )
    .fetch_all(session)
    .await?)
}

/// A transaction that sees one moment, and whose statements are planned for the very filter.
pub(super) async fn begin_reading(db: &Db) -> Result<Transaction<'static>> {
    let mut reading = db.pool().begin().await?;
    sqlx::raw_sql(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan;
         SET LOCAL enable_seqscan = off; SET LOCAL jit = off",
    )
    .execute(&mut *reading)
    .await?;
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bound_of_the_score_leaves_the_other_open() {
        let scores = |min_score, max_score| GenerationFilter { min_score, max_score, ..Default::default() }.scores();
        assert_eq!(scores(None, None), (None, None));
        assert_eq!(scores(Some(5.0), None), (Some(5.0), Some(f64::INFINITY)));
        assert_eq!(scores(None, Some(5.0)), (Some(f64::NEG_INFINITY), Some(5.0)));
    }
}
