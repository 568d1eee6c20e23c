//! What is changed of jobs that wait: their place in line, their time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;

/// Gives waiting jobs another priority, and the place in line that goes with it.
pub(super) async fn reprioritize(db: &Db, ids: &[Uuid], states: &[String], priority: i16) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "UPDATE queue.jobs SET priority = $3::smallint, rank = CASE WHEN rank IS NOT NULL THEN queue.rank(run_at, $3::smallint) END
         WHERE id = ANY (ARRAY (
           SELECT id FROM queue.jobs WHERE id = ANY ($1) AND state = ANY ($2) AND state <> 'running'
           FOR UPDATE SKIP LOCKED))
         RETURNING id",
        ids,
        states,
        priority
    )
    .fetch_all(db.pool())
    .await?)
}

/// Lets scheduled and parked jobs wait no longer.
pub(super) async fn make_available(db: &Db, ids: &[Uuid], states: &[String]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"WITH freed AS (
             UPDATE queue.jobs SET state = 'available', run_at = queue.now(), due_at = NULL, parked_because = NULL,
                                   rank = queue.rank(queue.now(), priority)
             WHERE id = ANY (ARRAY (
               SELECT id FROM queue.jobs
               WHERE id = ANY ($1) AND state = ANY ($2) AND state IN ('scheduled', 'parked') FOR UPDATE SKIP LOCKED))
             RETURNING id, kind
           ), woken AS (SELECT queue.wake(kind) FROM (SELECT DISTINCT kind FROM freed) AS kinds)
           SELECT id AS "id!" FROM freed WHERE (SELECT count(*) FROM woken) >= 0"#,
        ids,
        states
    )
    .fetch_all(db.pool())
    .await?)
}

/// Gives waiting jobs another time, and lets workers know. One whose time has come waits in line as of then. Those that
/// would only start after their deadline stay as they are.
pub(super) async fn reschedule(db: &Db, ids: &[Uuid], states: &[String], run_at: DateTime<Utc>) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"WITH moved AS (
             UPDATE queue.jobs
             SET run_at = $3, state = CASE WHEN $3 > queue.now() THEN 'scheduled' ELSE 'available' END,
                 due_at = CASE WHEN $3 > queue.now() THEN $3 END,
                 rank = CASE WHEN $3 > queue.now() THEN NULL ELSE queue.rank($3, priority) END
             WHERE id = ANY (ARRAY (
               SELECT id FROM queue.jobs
               WHERE id = ANY ($1) AND state = ANY ($2) AND state IN ('scheduled', 'available')
                 AND coalesce(deadline > $3, true) FOR UPDATE SKIP LOCKED))
             RETURNING id, kind
           ), woken AS (
             SELECT queue.wake(kind), queue.wake_clock() FROM (SELECT DISTINCT kind FROM moved) AS kinds
           )
           SELECT id AS "id!" FROM moved WHERE (SELECT count(*) FROM woken) >= 0"#,
        ids,
        states,
        run_at
    )
    .fetch_all(db.pool())
    .await?)
}
