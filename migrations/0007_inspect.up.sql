-- Looking at jobs: one view over live and finished ones, ways to the rare among the live, names of workers that are gone.

CREATE VIEW queue.all_jobs AS
SELECT id, created_at, run_at, due_at, started_at, NULL::timestamptz AS finished_at, deadline, timeout_seconds, claims,
       priority, max_attempts, attempts, deaths, user_id, worker_id, rerun_of, kind, state, limit_key, unique_key, tags,
       traceparent, payload, parked_because
FROM queue.jobs
UNION ALL
SELECT id, created_at, run_at, NULL::timestamptz, started_at, finished_at, deadline, timeout_seconds, claims,
       priority, max_attempts, attempts, deaths, user_id, worker_id, rerun_of, kind, state, limit_key, unique_key, tags,
       traceparent, payload, NULL::text
FROM queue.history;
COMMENT ON VIEW queue.all_jobs IS 'Jobs, live and finished, with the columns of queue.jobs and finished_at.';

-- None of these is touched by a claim, and only the last by the enqueue of a job that may start at once.
CREATE INDEX jobs_parked ON queue.jobs (id) WHERE parked_because IS NOT NULL;
CREATE INDEX jobs_scheduled ON queue.jobs (id) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_by_user ON queue.jobs (user_id, id) WHERE user_id IS NOT NULL;

-- The workers' rows go with their leases; attempts name them for longer.
CREATE TABLE queue.worker_names (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    started_at timestamptz NOT NULL
);
COMMENT ON TABLE queue.worker_names IS 'Who the workers were that attempts and history name; kept for a year.';
COMMENT ON COLUMN queue.worker_names.id IS 'Identity of one life of a worker process.';
COMMENT ON COLUMN queue.worker_names.name IS 'Host and process, for people.';
COMMENT ON COLUMN queue.worker_names.started_at IS 'When it registered.';

INSERT INTO queue.worker_names SELECT id, name, started_at FROM queue.workers;

-- A trigger, so that programs of before leave their names, too. It runs once in a worker's life.
CREATE FUNCTION queue.keep_worker_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO queue.worker_names (id, name, started_at) VALUES (new.id, new.name, new.started_at) ON CONFLICT DO NOTHING;
    DELETE FROM queue.worker_names WHERE started_at < queue.now() - interval '1 year'
        AND NOT EXISTS (SELECT FROM queue.workers WHERE workers.id = worker_names.id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION queue.keep_worker_name() IS 'Notes the name of a worker that registers.';
CREATE TRIGGER keep_worker_name AFTER INSERT ON queue.workers FOR EACH ROW EXECUTE FUNCTION queue.keep_worker_name();

-- Summaries made as the table grows, so that a look at the last minutes does not read all since the last vacuum. The
-- ranges are long enough that the server keeps up with them, and short to read.
DROP INDEX queue.history_by_time;
CREATE INDEX history_by_time ON queue.history USING brin (finished_at) WITH (pages_per_range = 512, autosummarize = on);
