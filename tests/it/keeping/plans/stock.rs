//! A database with much in it: finished jobs over many weeks, and jobs that wait, in lanes of all sizes.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::keeping::yard::Yard;

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Finished jobs.
    pub history: i64,
    /// The weeks that they spread over.
    pub weeks: i32,
    /// Jobs that wait.
    pub waiting: i64,
    /// Jobs of each sort that is less common: those that run, are due, have missed their deadline.
    pub some: i64,
}

/// Fits into the suite.
pub const SMALL: Size = Size { history: 50_000, weeks: 6, waiting: 20_000, some: 300 };
/// What the figures are promised for.
pub const LARGE: Size = Size { history: 10_000_000, weeks: 20, waiting: 1_000_000, some: 1000 };

const FILL: &str = "
CREATE FUNCTION pg_temp.id(at timestamptz, n bigint) RETURNS uuid LANGUAGE sql AS $$
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || left(md5(n::text), 3) || '8'
          || substr(md5(n::text), 4, 15))::uuid
$$;
INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts, attempts,
                           deaths, user_id, worker_id, kind, state, payload)
SELECT pg_temp.id(at, n), at, at, at + interval '1 s', at + interval '2 s', 1, 0, 5, 0, 0,
       CASE WHEN n % 3 = 0 THEN md5((n % 1000)::text)::uuid END, md5((n % 50)::text)::uuid,
       CASE n % 4 WHEN 0 THEN 'generation' WHEN 1 THEN 'webhook' ELSE 'probe' END,
       CASE n % 20 WHEN 0 THEN 'discarded' WHEN 1 THEN 'cancelled' ELSE 'completed' END,
       '{\"github_url\": \"https://github.com/cat/cat\"}'
FROM generate_series(1, $HISTORY) AS n, LATERAL (SELECT now() - n * (interval '$WEEKS weeks' / $HISTORY) AS at) AS time;
INSERT INTO queue.attempts (job_id, claim, outcome) SELECT id, 1, 'retried' FROM queue.history WHERE state = 'discarded';
-- Half of what waits is in one lane, the rest in many.
INSERT INTO queue.jobs (id, created_at, run_at, rank, lane, user_id, kind, limit_key, payload)
SELECT pg_temp.id(at, n), at, at, at, queue.lane(kind, key, owner), owner, kind, key,
       '{\"github_url\": \"https://github.com/cat/cat\"}'
FROM (SELECT n, now() - interval '12 hours' + n * (interval '11 hours' / $WAITING) AS at,
             CASE WHEN n % 10 < 8 THEN 'probe' WHEN n % 10 < 9 THEN 'generation' ELSE 'webhook' END AS kind,
             CASE WHEN n % 10 < 3 THEN md5((n % 200)::text)::uuid END AS owner,
             CASE WHEN n % 10 = 9 THEN 'host ' || n % 50 END AS key
      FROM generate_series(1, $WAITING) AS n) AS job;
-- Scheduled ones, of which some are due; parked ones; some whose deadline has passed.
INSERT INTO queue.jobs (id, run_at, rank, due_at, lane, kind, payload, state)
SELECT pg_temp.id(now(), n), now(), NULL, now() + (n - $SOME) * interval '1 s', queue.lane('generation', NULL, NULL), 'generation',
       '{}', 'scheduled'
FROM generate_series(1, 20 * $SOME) AS n;
INSERT INTO queue.jobs (id, rank, lane, kind, payload, state, parked_because)
SELECT pg_temp.id(now() - interval '1 day', n), NULL, 0, 'webhook', '{}', 'parked', 'a test' FROM generate_series(1, 10 * $SOME) AS n;
INSERT INTO queue.jobs (id, rank, lane, kind, payload, deadline)
SELECT pg_temp.id(now() - interval '2 days', n), now(), queue.lane('drill', NULL, NULL), 'drill', '{}', now() - interval '1 s'
FROM generate_series(1, $SOME) AS n;
-- What runs lies where it lay.
INSERT INTO queue.workers (id, name, slots, lease_until)
SELECT md5(n::text)::uuid, 'worker ' || n, 1000, now() + interval '1 day' FROM generate_series(1, 5) AS n;
UPDATE queue.jobs SET state = 'running', worker_id = md5('1')::uuid, claims = 1, started_at = now(), limited = true
WHERE id IN (SELECT id FROM queue.jobs WHERE lane = queue.lane('probe', NULL, NULL) ORDER BY rank LIMIT $SOME);
";

/// While the server's own vacuum looks at a table, what the test changed and took back stays in the way of what it measures.
const LEAVE_TO_THE_TEST: &str = "
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('queue', 'public') LOOP
    EXECUTE 'ALTER TABLE ' || name || ' SET (autovacuum_enabled = off)';
  END LOOP;
END $$";

/// Fills a database.
pub async fn fill(yard: &Yard, size: Size) {
    for week in (5..=size.weeks + 5).step_by(5) {
        yard.make_weeks_as_of(week * 7).await;
    }
    yard.run(LEAVE_TO_THE_TEST).await;
    let fill = FILL
        .replace("$HISTORY", &size.history.to_string())
        .replace("$WEEKS", &size.weeks.to_string())
        .replace("$WAITING", &size.waiting.to_string())
        .replace("$SOME", &size.some.to_string());
    yard.run(format!("BEGIN; {fill} COMMIT")).await;
    // Without it the first reader of each page would count as writing it, and the plans would be guesses.
    yard.run("VACUUM ANALYZE").await;
}

/// What statements are asked about, as SQL literals.
pub struct Stock {
    /// A worker that holds jobs.
    pub worker: String,
    /// The jobs that it runs, and their claims.
    pub running: String,
    pub claims: String,
    /// One of them.
    pub one_running: String,
    /// One that is available.
    pub waiting: String,
    /// One that was discarded.
    pub discarded: String,
    /// Ten that were completed lately.
    pub completed: String,
    /// All lanes: their numbers, kinds, first ranks; a quota of four for each.
    pub lanes: [String; 4],
    /// How many jobs `running` has, and how many lanes there are.
    pub counts: (i64, i64),
}

impl Stock {
    /// Looks it up.
    pub async fn of(connection: &mut PgConnection) -> Self {
        let mut texts = Vec::new();
        for query in [
            "SELECT md5('1')::uuid::text",
            "SELECT array_agg(id ORDER BY id)::text FROM queue.jobs WHERE state = 'running'",
            "SELECT array_agg(claims ORDER BY id)::text FROM queue.jobs WHERE state = 'running'",
            "SELECT id::text FROM queue.jobs WHERE state = 'running' LIMIT 1",
            "SELECT id::text FROM queue.jobs WHERE state = 'available' AND kind = 'generation' LIMIT 1",
            "SELECT id::text FROM queue.history WHERE state = 'discarded' ORDER BY finished_at LIMIT 1 OFFSET 100",
            "SELECT array_agg(id)::text FROM (SELECT id FROM queue.history WHERE state = 'completed' ORDER BY id DESC LIMIT 10) AS j",
            "SELECT array_agg(lane)::text FROM (SELECT lane FROM queue.jobs WHERE rank IS NOT NULL GROUP BY lane ORDER BY lane) AS l",
            "SELECT array_agg(kind)::text FROM (SELECT lane, min(kind) AS kind FROM queue.jobs WHERE rank IS NOT NULL GROUP BY lane ORDER BY lane) AS l",
            "SELECT array_agg(rank)::text FROM (SELECT lane, min(rank) AS rank FROM queue.jobs WHERE rank IS NOT NULL GROUP BY lane ORDER BY lane) AS l",
            "SELECT array_agg(4)::text FROM (SELECT lane FROM queue.jobs WHERE rank IS NOT NULL GROUP BY lane ORDER BY lane) AS l",
        ] {
            let text: String = sqlx::query_scalar(query).fetch_one(&mut *connection).await.unwrap();
            texts.push(format!("'{text}'"));
        }
        let counts =
            "SELECT count(*) FILTER (WHERE state = 'running'), count(DISTINCT lane) FILTER (WHERE rank IS NOT NULL)
                      FROM queue.jobs";
        let counts = sqlx::query_as(counts).fetch_one(connection).await.unwrap();
        let [worker, running, claims, one_running, waiting, discarded, completed, lanes @ ..] =
            <[_; 11]>::try_from(texts).unwrap();
        Self { worker, running, claims, one_running, waiting, discarded, completed, lanes, counts }
    }

    /// An array with a value for each running job.
    pub fn each(&self, value: &str) -> String {
        format!("array_fill({value}, ARRAY[{}])", self.counts.0)
    }

    /// An id that nobody has.
    pub fn new_id() -> String {
        format!("'{}'", Uuid::now_v7())
    }
}
