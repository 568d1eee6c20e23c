-- What the pages are measured over. $JOBS finished jobs over 20 weeks, denser the later: in the last hour some 170,000 of
-- ten million; a tenth as many generations and audited deeds, a hundredth as many live jobs. $ANALYSIS is a whole analysis.
SET session_replication_role = replica;
SET synchronous_commit = off;
SET work_mem = '64MB';
SET maintenance_work_mem = '1GB';

BEGIN;
CREATE FUNCTION pg_temp.id(at timestamptz, n bigint) RETURNS uuid LANGUAGE sql AS $$
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || left(md5(n::text), 3) || '8'
          || substr(md5(n::text), 4, 15))::uuid
$$;
CREATE FUNCTION pg_temp.moment(n bigint, many bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT now() - interval '1 s' - interval '20 weeks' * (n::float8 / many) ^ 2
$$;
CREATE FUNCTION pg_temp.one(n bigint) RETURNS uuid LANGUAGE sql AS $$ SELECT md5('user ' || n % 1000)::uuid $$;

-- The weeks of history that the program would have made by now.
DO $$ DECLARE monday date; ending text; BEGIN
  FOR monday IN SELECT generate_series(date_trunc('week', now() AT TIME ZONE 'utc' - interval '20 weeks'),
                                       now() AT TIME ZONE 'utc' - interval '1 week', interval '1 week') LOOP
    FOREACH ending IN ARRAY ARRAY['completed', 'discarded', 'cancelled'] LOOP
      CONTINUE WHEN to_regclass(format('queue.history_%s_%s', ending, to_char(monday, 'IYYY"_w"IW'))) IS NOT NULL;
      EXECUTE format('CREATE TABLE queue.history_%1$s_%2$s PARTITION OF queue.history_%1$s FOR VALUES FROM (%3$L) TO (%4$L)', ending,
                     to_char(monday, 'IYYY"_w"IW'), monday || ' 00:00Z', monday + 7 || ' 00:00Z');
    END LOOP;
  END LOOP;
END $$;

INSERT INTO public.users (id, username, email)
  SELECT pg_temp.one(n), 'user' || n, 'user' || n || '@example.org' FROM generate_series(0, 999) AS n;
INSERT INTO public.tokens (user_id, name, prefix, hash, scopes)
  SELECT pg_temp.one(n), 'token ' || n, 'rtc_' || n, sha256(n::text::bytea), ARRAY['enqueue', 'read'] FROM generate_series(0, 999) AS n;

INSERT INTO queue.workers (id, name, slots, lease_until)
  SELECT md5('worker ' || n)::uuid, 'host' || n || ':4711', 32, now() + interval '30 days' FROM generate_series(0, 9) AS n;
INSERT INTO queue.worker_names (id, name, started_at)
  SELECT md5('worker ' || n)::uuid, 'host' || n || ':4711', now() FROM generate_series(0, 99) AS n;

INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts, attempts, deaths,
                           user_id, worker_id, kind, state, limit_key, tags, payload)
SELECT pg_temp.id(at, n), at, at, at + run_after, at + run_after + interval '1 ms' * (n * 7919 % 900), tries, 0, 5, tries - 1, 0,
       CASE WHEN n % 3 = 0 THEN pg_temp.one(n) END, md5('worker ' || n % 100)::uuid, kind,
       CASE WHEN n % 50 = 40 THEN 'discarded' WHEN n % 100 = 16 THEN 'cancelled' ELSE 'completed' END,
       CASE kind WHEN 'generation' THEN 'github.com' WHEN 'webhook' THEN 'example.org' END,
       CASE WHEN n % 1000 = 80 THEN ARRAY['nightly'] END,
       CASE kind
         WHEN 'generation' THEN jsonb_build_object('github_url', 'https://github.com/owner' || n % 1000 || '/name' || n % 7001)
         WHEN 'webhook' THEN jsonb_build_object('event_id', pg_temp.id(at, -n), 'generation_id', pg_temp.id(at, n - 1), 'state',
                'completed', 'url', 'https://example.org/hook', 'request', jsonb_build_object('github_url', 'https://github.com/owner/name'))
         WHEN 'backup' THEN '{"database": "cats"}' ELSE '{}' END
FROM (SELECT n, pg_temp.moment(n, $JOBS) AS at, interval '1 ms' * (n * 104729 % 3000) AS run_after,
             CASE WHEN n % 50 = 40 THEN 5 WHEN n % 100 = 24 THEN 2 ELSE 1 END AS tries,
             CASE WHEN n % 8 = 0 THEN 'generation' WHEN n % 8 IN (1, 2) THEN 'webhook' WHEN n % 1000 = 3 THEN 'backup'
                  WHEN n % 1000 = 5 THEN 'drill' WHEN n % 100 = 7 THEN 'maintenance' ELSE 'probe' END AS kind
      FROM generate_series($JOBS, 1, -1) AS n) AS job;

INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, finished_at, outcome, error_class, error, hint)
SELECT pg_temp.id(at, n), claim, md5('worker ' || n % 100)::uuid, at, at + interval '1 s',
       CASE WHEN claim = tries AND tries = 5 THEN 'discarded' ELSE 'retried' END,
       (ARRAY['unavailable', 'refused', 'invalid', 'timeout'])[n / 50 % 4 + 1],
       'the host github.com answered 503 to attempt ' || claim || ' of job ' || n, 'try again later'
FROM (SELECT n, pg_temp.moment(n, $JOBS) AS at, CASE WHEN n % 50 = 40 THEN 5 ELSE 2 END AS tries
      FROM generate_series($JOBS, 1, -1) AS n WHERE n % 50 = 40 OR n % 100 = 24) AS job,
     generate_series(1, CASE WHEN tries = 5 THEN 5 ELSE 1 END) AS claim;
INSERT INTO queue.job_logs (job_id, claim, created_at, lines)
SELECT pg_temp.id(at, n), 1, at, '[]' FROM (SELECT n, pg_temp.moment(n, $JOBS) AS at FROM generate_series($JOBS / 100, 1, -1) AS n) AS job;
INSERT INTO queue.deliveries (id, job_id, claim, event_id, generation_id, at, seconds, status)
SELECT pg_temp.id(at, n), pg_temp.id(at, n), 1, pg_temp.id(at, -n), pg_temp.id(at, n - 1), at, 0.1, 200
FROM (SELECT n, pg_temp.moment(n, $JOBS) AS at FROM generate_series($JOBS, 1, -1) AS n WHERE n % 8 = 1) AS job;

-- Generations, a tenth as many as jobs; one in a hundred with a whole analysis. Indexes are made after.
CREATE TEMPORARY TABLE made AS SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
  FROM pg_index WHERE indrelid = 'public.generations'::regclass AND NOT indisprimary;
DO $$ DECLARE name text; BEGIN FOR name IN SELECT made.name FROM made LOOP EXECUTE 'DROP INDEX ' || name; END LOOP; END $$;
INSERT INTO public.generations (id, user_id, created_at, github_url, repo_owner, repo_name, primary_language, repo_size_kb,
                                code_quality_score, cat_attributes, analysis_data, commit_oid, story, meme_text_top,
                                meme_text_bottom, score_model, image_path, original_image_path, image_bytes, image_type,
                                image_width, image_height, step_seconds)
SELECT pg_temp.id(at, n), CASE WHEN n % 3 = 0 THEN pg_temp.one(n) END, at AT TIME ZONE 'utc',
       'https://github.com/owner' || n % 1000 || '/name' || n % 7001, 'owner' || n % 1000, 'name' || n % 7001, language,
       n % 20000, n / 8 % 101 / 10.0,
       jsonb_build_object('size', (ARRAY['small', 'medium', 'large', 'very_large'])[n / 8 % 4 + 1], 'age', 'adult', 'breed', breed,
                          'color', (ARRAY['ginger', 'black', 'cream', 'grey'])[n / 16 % 4 + 1], 'beauty_score', n / 8 % 101 / 10.0,
                          'expression', 'neutral', 'background', 'a workshop', 'language', language),
       CASE WHEN n % 800 = 0 THEN $ANALYSIS ELSE
         jsonb_build_object('sloc', n % 100000, 'primary_language', language, 'summary', 'A repository of ' || language,
                            'metrics', jsonb_build_object('has_tests', n % 16 = 0, 'function_count', n / 8 % 5000)) END,
       md5(n::text) || left(md5(n::text), 8), 'This cat purrs.', 'TOP', 'BOTTOM', '2026-11.1',
       'images/v1/' || md5(n::text) || '.png', 'images/v1/' || md5('o' || n) || '.png', 250000, 'image/png', 1024, 1024,
       '{"fetch": 1.5, "analyse": 2.5, "score": 0.1, "paint": 1.2}'
FROM (SELECT n, pg_temp.moment(n, $JOBS) AS at,
             (ARRAY['Rust', 'Go', 'Python', 'Java', 'Rust', 'Python', 'Python', 'Java', 'Rust', 'Elm'])[n / 8 % 10 + 1] AS language,
             (ARRAY['maine_coon', 'tabby', 'persian', 'siamese'])[n / 8 % 4 + 1] AS breed
      FROM generate_series(8, $JOBS * 83 / 100, 8) AS n WHERE n % 50 <> 40 AND n % 100 <> 16) AS cat
ORDER BY at;
-- A handful that no other is like.
UPDATE public.generations SET cat_attributes = cat_attributes || '{"breed": "ragdoll"}', primary_language = 'Julia'
WHERE id IN (SELECT pg_temp.id(pg_temp.moment(n, $JOBS), n) FROM (VALUES (8), ($JOBS / 16 * 8), ($JOBS / 20 * 8)) AS cat (n));
DO $$ DECLARE definition text; BEGIN FOR definition IN SELECT made.definition FROM made LOOP EXECUTE definition; END LOOP; END $$;

-- What is live: 90 in 100 wait, in lanes of all sizes; others run, are scheduled, are parked.
INSERT INTO queue.jobs (id, created_at, run_at, rank, lane, user_id, kind, limit_key, payload)
SELECT pg_temp.id(at, -n), at, at, at, queue.lane(kind, key, owner), owner, kind, key,
       jsonb_build_object('github_url', 'https://github.com/owner' || n % 1000 || '/name' || n % 7001)
FROM (SELECT n, now() - interval '12 hours' * n / ($JOBS / 100) AS at,
             CASE WHEN n % 10 < 6 THEN 'generation' WHEN n % 10 < 9 THEN 'webhook' ELSE 'probe' END AS kind,
             CASE WHEN n % 10 < 3 THEN pg_temp.one(n) END AS owner,
             CASE WHEN n % 10 < 6 THEN 'github.com' WHEN n % 10 < 9 THEN 'host' || n % 50 || '.example' END AS key
      FROM generate_series($JOBS / 1000, $JOBS / 100, 1) AS n) AS job;
UPDATE queue.jobs SET state = 'running', worker_id = md5('worker ' || abs(lane % 10))::uuid, claims = 1, started_at = now()
WHERE id IN (SELECT id FROM queue.jobs ORDER BY rank LIMIT 320);
INSERT INTO queue.steps (job_id, step, state, started_at)
  SELECT id, 'fetch', 'running', now() FROM queue.jobs WHERE state = 'running' AND kind = 'generation';
INSERT INTO queue.jobs (id, run_at, rank, due_at, lane, kind, payload, state)
SELECT pg_temp.id(now(), -n), now() + n * interval '10 s', NULL, now() + n * interval '10 s', queue.lane('generation', NULL, NULL),
       'generation', '{"github_url": "https://github.com/owner/later"}', 'scheduled' FROM generate_series(1, $JOBS / 2000) AS n;
INSERT INTO queue.jobs (id, rank, lane, kind, payload, state, parked_because)
SELECT pg_temp.id(now() - n * interval '1 min', -n), NULL, 0, 'webhook', '{"url": "https://example.org/hook"}', 'parked', 'the host is away'
FROM generate_series(1, $JOBS / 2000) AS n;

INSERT INTO queue.schedules (name, cron, kind, next_at, fires_at)
SELECT 'schedule ' || n, '0 3 * * *', CASE n % 2 WHEN 0 THEN 'maintenance' ELSE 'probe' END, now() + n * interval '1 min', now() + n * interval '1 min'
FROM generate_series(1, 1000) AS n;
INSERT INTO queue.slots (schedule, due_at, outcome, job_id)
SELECT 'schedule ' || n, now() - day * interval '1 day', 'enqueued', pg_temp.id(now(), n * 100 + day)
FROM generate_series(1, 1000) AS n, generate_series(1, 50) AS day;

INSERT INTO backup.backups (name, job_id, database, store, format, compression, encrypted, started_at, seconds, bytes, raw_bytes, tables,
                            rows, server_version, verdict, drilled_at, restore_seconds, pruned_at)
SELECT database || to_char(at AT TIME ZONE 'utc', '_YYYYMMDD_HH24MISS"Z"'), md5('backup ' || n)::uuid, database, 'file:///backups', 'stream', 'zstd', false, at, 60,
       1000000000 - n * 10000, 4000000000, 30, 20000000 - n * 100, 150018, CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'verified' END,
       at + interval '2 min', 100, CASE WHEN n > 2000 THEN at + interval '30 days' END
FROM (SELECT n, CASE n % 10 WHEN 9 THEN 'other' ELSE current_database() END AS database, now() - n * interval '20 min' AS at
      FROM generate_series(1, 10000) AS n) AS backup;
INSERT INTO backup.drills (id, backup, started_at, finished_at, verdict, tables, rows, images, fetched_bytes, scratch_bytes, restore_seconds)
SELECT md5(name)::uuid, name, drilled_at, drilled_at, verdict, 30, rows, 0, bytes, raw_bytes, 100 FROM backup.backups;

INSERT INTO web.audit (at, user_id, who, via, action, target, detail, outcome, request_id)
SELECT pg_temp.moment(n, $JOBS / 10), pg_temp.one(n), 'user' || n % 1000, CASE n % 2 WHEN 0 THEN 'http' ELSE 'dashboard' END,
       (ARRAY['jobs.cancel', 'jobs.retry', 'schedules.pause', 'backups.make', 'users.add'])[n % 5 + 1], md5(n::text)::uuid::text,
       '{"why": "measured"}', 'done', md5('request ' || n)
FROM generate_series($JOBS / 10, 1, -1) AS n;

COMMIT;
