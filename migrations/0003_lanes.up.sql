-- The queue for many jobs: claims that rewrite little, lanes for a fair share, history by state and week.

-- Written anew, since the order of the columns counts: what a claim changes stands together at the end, so that the
-- update stays on its page, touches no index and writes few bytes of WAL.
ALTER TABLE queue.jobs RENAME TO jobs_before;
ALTER TABLE queue.jobs_before RENAME CONSTRAINT jobs_pkey TO jobs_before_pkey;
ALTER TABLE queue.history RENAME TO history_before;
DROP INDEX queue.jobs_claim, queue.jobs_due, queue.jobs_running, queue.history_by_id, queue.history_newest;

CREATE FUNCTION queue.lane(kind text, limit_key text, user_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT pg_catalog.hashtextextended(kind || chr(31) || coalesce(limit_key, '') || chr(31) || coalesce(user_id::text, ''), 0)
$$;
COMMENT ON FUNCTION queue.lane(text, text, uuid) IS 'The lane that a job waits in: one for each kind, limit key and user.';

CREATE FUNCTION queue.rank(run_at timestamptz, priority integer) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT run_at - priority * interval '6 seconds' $$;
COMMENT ON FUNCTION queue.rank(timestamptz, integer) IS
    'The place in a lane: a point of priority is worth 6 seconds, so that no job waits for ever for more urgent ones.';

CREATE FUNCTION queue.oldest_program() RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT 3 $$;
COMMENT ON FUNCTION queue.oldest_program() IS
    'Programs whose newest migration is this one or a later one work on this schema: old ones may run on while new ones come.';

-- Domains, not constraints of the table: those are read anew for each statement, at a quarter of the cost of an insert.
CREATE DOMAIN queue.job_kind AS text COLLATE "C"
    CHECK (VALUE IN ('generation', 'backup', 'drill', 'webhook', 'maintenance', 'probe'));
COMMENT ON DOMAIN queue.job_kind IS 'What sort of work a job is.';
CREATE DOMAIN queue.live_state AS text COLLATE "C" CHECK (VALUE IN ('scheduled', 'available', 'running', 'parked'));
COMMENT ON DOMAIN queue.live_state IS 'Where a job stands that is not finished.';

CREATE TABLE queue.jobs (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT queue.now(),
    run_at timestamptz NOT NULL DEFAULT queue.now(),
    rank timestamptz DEFAULT queue.now(),
    due_at timestamptz,
    deadline timestamptz,
    lane bigint NOT NULL DEFAULT 0,
    timeout_seconds integer,
    priority smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL DEFAULT 5,
    user_id uuid,
    rerun_of uuid,
    kind queue.job_kind NOT NULL,
    limit_key text COLLATE "C",
    unique_key text COLLATE "C",
    tags text[],
    traceparent text,
    payload jsonb NOT NULL,
    parked_because text,
    attempts smallint NOT NULL DEFAULT 0,
    deaths smallint NOT NULL DEFAULT 0,
    limited boolean NOT NULL DEFAULT false,
    state queue.live_state NOT NULL DEFAULT 'available',
    claims integer NOT NULL DEFAULT 0,
    worker_id uuid,
    started_at timestamptz,
    CONSTRAINT jobs_running_has_worker CHECK ((state = 'running') = (worker_id IS NOT NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

INSERT INTO queue.jobs (id, created_at, run_at, rank, due_at, lane, priority, max_attempts, user_id, kind, unique_key,
                        payload, attempts, deaths, state, claims, worker_id, started_at)
SELECT id, created_at, run_at,
       CASE WHEN state IN ('available', 'running') THEN queue.rank(run_at, priority) END,
       CASE WHEN state = 'scheduled' THEN run_at END,
       queue.lane(kind, NULL, user_id), priority, max_attempts, user_id, kind, unique_key,
       payload, attempts, deaths, state, claims, worker_id, started_at
FROM queue.jobs_before;
DROP TABLE queue.jobs_before;

-- No index may hold a column that a claim changes (state, claims, worker_id, started_at), not even in its predicate.
CREATE INDEX jobs_claim ON queue.jobs (lane, rank) WHERE rank IS NOT NULL;
CREATE INDEX jobs_due ON queue.jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_deadline ON queue.jobs (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX jobs_limited ON queue.jobs (kind, limit_key) WHERE limited;

COMMENT ON TABLE queue.jobs IS 'Jobs that are not finished.';
COMMENT ON COLUMN queue.jobs.id IS 'Identity, given at enqueue; its generation bears the same.';
COMMENT ON COLUMN queue.jobs.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN queue.jobs.run_at IS 'Not before this time.';
COMMENT ON COLUMN queue.jobs.rank IS 'Its place in its lane, the earliest first; null while it is scheduled or parked.';
COMMENT ON COLUMN queue.jobs.due_at IS 'When it becomes available; null unless it is scheduled.';
COMMENT ON COLUMN queue.jobs.deadline IS 'Not to be started after this time: it is discarded then.';
COMMENT ON COLUMN queue.jobs.lane IS 'queue.lane(kind, limit_key, user_id). Workers go round the lanes.';
COMMENT ON COLUMN queue.jobs.timeout_seconds IS 'How long one attempt may take; null: as the worker is set.';
COMMENT ON COLUMN queue.jobs.priority IS 'From -100 to 100; a point is worth 6 seconds of waiting.';
COMMENT ON COLUMN queue.jobs.max_attempts IS 'Attempts before it is discarded.';
COMMENT ON COLUMN queue.jobs.user_id IS 'Who asked for it.';
COMMENT ON COLUMN queue.jobs.rerun_of IS 'The finished job that it does again.';
COMMENT ON COLUMN queue.jobs.kind IS 'What sort of work it is.';
COMMENT ON COLUMN queue.jobs.limit_key IS 'What limits go by within its kind, such as the host that it asks.';
COMMENT ON COLUMN queue.jobs.unique_key IS 'Key that keeps a second job of its kind from being enqueued.';
COMMENT ON COLUMN queue.jobs.tags IS 'Words to find it by; null where it has none.';
COMMENT ON COLUMN queue.jobs.traceparent IS 'The trace of who enqueued it, as W3C Trace Context writes it.';
COMMENT ON COLUMN queue.jobs.payload IS 'What to do, by kind.';
COMMENT ON COLUMN queue.jobs.parked_because IS 'Why it is parked.';
COMMENT ON COLUMN queue.jobs.attempts IS 'Attempts that ran and failed.';
COMMENT ON COLUMN queue.jobs.deaths IS 'How often its worker was lost while it ran.';
COMMENT ON COLUMN queue.jobs.limited IS 'Whether it runs now and counts against a limit.';
COMMENT ON COLUMN queue.jobs.state IS 'scheduled, available, running or parked.';
COMMENT ON COLUMN queue.jobs.claims IS 'How often it was claimed. With worker_id it is the fence that a late write fails on.';
COMMENT ON COLUMN queue.jobs.worker_id IS 'The worker that holds it.';
COMMENT ON COLUMN queue.jobs.started_at IS 'When it was last claimed.';

CREATE TABLE queue.history (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    run_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz NOT NULL,
    deadline timestamptz,
    timeout_seconds integer,
    claims integer NOT NULL,
    priority smallint NOT NULL,
    max_attempts smallint NOT NULL,
    attempts smallint NOT NULL,
    deaths smallint NOT NULL,
    user_id uuid,
    worker_id uuid,
    rerun_of uuid,
    kind text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    limit_key text COLLATE "C",
    unique_key text COLLATE "C",
    tags text[],
    traceparent text,
    payload jsonb NOT NULL
) PARTITION BY LIST (state);

CREATE TABLE queue.history_completed PARTITION OF queue.history FOR VALUES IN ('completed') PARTITION BY RANGE (finished_at);
CREATE TABLE queue.history_discarded PARTITION OF queue.history FOR VALUES IN ('discarded') PARTITION BY RANGE (finished_at);
CREATE TABLE queue.history_cancelled PARTITION OF queue.history FOR VALUES IN ('cancelled') PARTITION BY RANGE (finished_at);
CREATE TABLE queue.history_completed_default PARTITION OF queue.history_completed DEFAULT;
CREATE TABLE queue.history_discarded_default PARTITION OF queue.history_discarded DEFAULT;
CREATE TABLE queue.history_cancelled_default PARTITION OF queue.history_cancelled DEFAULT;

CREATE INDEX history_by_id ON queue.history (id);
CREATE INDEX history_by_user ON queue.history (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX history_by_time ON queue.history USING brin (finished_at);

INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts, attempts,
                           deaths, user_id, worker_id, kind, state, unique_key, payload)
SELECT id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts, attempts,
       deaths, user_id, worker_id, kind, state, unique_key, payload
FROM queue.history_before;
DROP TABLE queue.history_before;

COMMENT ON TABLE queue.history IS 'Finished jobs, by state, then by the week in which they finished.';
COMMENT ON TABLE queue.history_completed IS 'Completed jobs.';
COMMENT ON TABLE queue.history_discarded IS 'Discarded jobs: the dead letters.';
COMMENT ON TABLE queue.history_cancelled IS 'Cancelled jobs.';
COMMENT ON TABLE queue.history_completed_default IS 'Completed jobs outside every week that was prepared.';
COMMENT ON TABLE queue.history_discarded_default IS 'Discarded jobs outside every week that was prepared.';
COMMENT ON TABLE queue.history_cancelled_default IS 'Cancelled jobs outside every week that was prepared.';
COMMENT ON COLUMN queue.history.id IS 'Identity of the job.';
COMMENT ON COLUMN queue.history.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN queue.history.run_at IS 'When it was last due.';
COMMENT ON COLUMN queue.history.started_at IS 'When it was last claimed.';
COMMENT ON COLUMN queue.history.finished_at IS 'When it came to its end.';
COMMENT ON COLUMN queue.history.deadline IS 'It was not to be started after this time.';
COMMENT ON COLUMN queue.history.timeout_seconds IS 'How long one attempt was allowed to take.';
COMMENT ON COLUMN queue.history.claims IS 'How often it was claimed.';
COMMENT ON COLUMN queue.history.priority IS 'Its priority.';
COMMENT ON COLUMN queue.history.max_attempts IS 'Attempts it was given.';
COMMENT ON COLUMN queue.history.attempts IS 'Attempts that ran and failed.';
COMMENT ON COLUMN queue.history.deaths IS 'How often its worker was lost while it ran.';
COMMENT ON COLUMN queue.history.user_id IS 'Who asked for it.';
COMMENT ON COLUMN queue.history.worker_id IS 'The worker that finished it; null where a person did.';
COMMENT ON COLUMN queue.history.rerun_of IS 'The finished job that it did again.';
COMMENT ON COLUMN queue.history.kind IS 'What sort of work it was.';
COMMENT ON COLUMN queue.history.state IS 'completed, discarded or cancelled.';
COMMENT ON COLUMN queue.history.limit_key IS 'What limits went by.';
COMMENT ON COLUMN queue.history.unique_key IS 'Its unique key.';
COMMENT ON COLUMN queue.history.tags IS 'Words to find it by; null where it had none.';
COMMENT ON COLUMN queue.history.traceparent IS 'The trace of who enqueued it.';
COMMENT ON COLUMN queue.history.payload IS 'What was to do.';

-- Ends jobs off the hot path: whoever ends one deletes its row and passes it here.
CREATE FUNCTION queue.archive(job queue.jobs, ended_as text) RETURNS uuid LANGUAGE sql AS $$
    INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, deadline, timeout_seconds, claims,
                               priority, max_attempts, attempts, deaths, user_id, worker_id, rerun_of, kind, state,
                               limit_key, unique_key, tags, traceparent, payload)
    VALUES (job.id, job.created_at, job.run_at, job.started_at, queue.now(), job.deadline, job.timeout_seconds, job.claims,
            job.priority, job.max_attempts, job.attempts, job.deaths, job.user_id, job.worker_id, job.rerun_of, job.kind,
            ended_as, job.limit_key, job.unique_key, job.tags, job.traceparent, job.payload)
    RETURNING id
$$;
COMMENT ON FUNCTION queue.archive(queue.jobs, text) IS 'Writes a job that has ended into history; returns its id.';

ALTER TABLE queue.unique_keys
    ADD COLUMN until_done boolean NOT NULL DEFAULT false,
    ADD COLUMN expires_at timestamptz;
CREATE INDEX unique_keys_expiring ON queue.unique_keys (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON COLUMN queue.unique_keys.until_done IS 'Whether the key is given back when its job completes, too.';
COMMENT ON COLUMN queue.unique_keys.expires_at IS 'When the key may be taken by another job, whatever became of this one.';

ALTER TABLE queue.workers ADD COLUMN slots integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN queue.workers.slots IS 'Jobs that it runs at once.';

-- Unlogged: after a crash nobody sleeps; workers that come back look first and lie down then.
CREATE UNLOGGED TABLE queue.sleepers (
    kind text COLLATE "C" NOT NULL,
    worker_id uuid NOT NULL,
    PRIMARY KEY (kind, worker_id)
);
COMMENT ON TABLE queue.sleepers IS 'Workers that have nothing to do and want to be woken.';
COMMENT ON COLUMN queue.sleepers.kind IS 'Kind of the jobs to be woken for.';
COMMENT ON COLUMN queue.sleepers.worker_id IS 'The worker.';

-- Volatile, hence with a snapshot of its own: it sees who fell asleep after the statement that calls it began. Called
-- after the insert, when the transaction has its number: a worker that falls asleep unseen sees that number instead.
-- In a stricter isolation it has the transaction's old snapshot, which may miss a sleeper: then it always notifies.
CREATE FUNCTION queue.wake(kind text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM pg_catalog.pg_notify('queue_jobs', kind);
    ELSIF EXISTS (SELECT FROM queue.sleepers AS sleeper WHERE sleeper.kind = wake.kind) THEN
        PERFORM pg_catalog.pg_notify('queue_jobs', kind);
    END IF;
END $$;
COMMENT ON FUNCTION queue.wake(text) IS 'Wakes workers that sleep until there are jobs of a kind. Call it after inserting jobs.';

CREATE FUNCTION queue.wake_clock() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' OR EXISTS (SELECT FROM queue.sleepers) THEN
        PERFORM pg_catalog.pg_notify('queue_control', 'due');
    END IF;
END $$;
COMMENT ON FUNCTION queue.wake_clock() IS 'Lets workers look when the next job is due. Call it after inserting scheduled jobs.';

CREATE TABLE queue.kinds (
    kind text COLLATE "C" PRIMARY KEY,
    paused_at timestamptz,
    paused_because text
);
COMMENT ON TABLE queue.kinds IS 'Kinds of jobs that somebody has steered; one that is missing runs freely.';
COMMENT ON COLUMN queue.kinds.kind IS 'The kind.';
COMMENT ON COLUMN queue.kinds.paused_at IS 'Since when no job of the kind is started; null: they are.';
COMMENT ON COLUMN queue.kinds.paused_because IS 'Why it was paused.';

CREATE TABLE queue.limits (
    kind text COLLATE "C" NOT NULL,
    limit_key text COLLATE "C" NOT NULL DEFAULT '',
    max_running integer,
    rate_count integer,
    rate_seconds integer,
    PRIMARY KEY (kind, limit_key),
    CONSTRAINT limits_positive CHECK (max_running >= 0 AND rate_count > 0 AND rate_seconds > 0),
    CONSTRAINT limits_rate_whole CHECK ((rate_count IS NULL) = (rate_seconds IS NULL)),
    CONSTRAINT limits_something CHECK (max_running IS NOT NULL OR rate_count IS NOT NULL)
);
COMMENT ON TABLE queue.limits IS 'How much may run at once, and how much may be started in a time, over all hosts.';
COMMENT ON COLUMN queue.limits.kind IS 'The kind.';
COMMENT ON COLUMN queue.limits.limit_key IS 'Empty: the kind as a whole. *: each limit key for itself. Else this limit key.';
COMMENT ON COLUMN queue.limits.max_running IS 'Jobs that may run at once; null: any number.';
COMMENT ON COLUMN queue.limits.rate_count IS 'Jobs that may be started in rate_seconds; null: any number.';
COMMENT ON COLUMN queue.limits.rate_seconds IS 'The time that rate_count is for, in seconds.';

CREATE TABLE queue.buckets (
    kind text COLLATE "C" NOT NULL,
    limit_key text COLLATE "C" NOT NULL DEFAULT '',
    tokens double precision NOT NULL,
    filled_at timestamptz NOT NULL DEFAULT queue.now(),
    PRIMARY KEY (kind, limit_key)
);
COMMENT ON TABLE queue.buckets IS 'What is left of each rate: a token is taken for each job that is started.';
COMMENT ON COLUMN queue.buckets.kind IS 'The kind.';
COMMENT ON COLUMN queue.buckets.limit_key IS 'The limit key; empty: the kind as a whole.';
COMMENT ON COLUMN queue.buckets.tokens IS 'Tokens that were left at filled_at.';
COMMENT ON COLUMN queue.buckets.filled_at IS 'When tokens was true.';

-- Who steers the queue says so; workers look at once.
ALTER TABLE queue.attempts DROP CONSTRAINT attempts_outcome_known;
ALTER TABLE queue.attempts ADD CONSTRAINT attempts_outcome_known CHECK (
    outcome IN ('retried', 'discarded', 'cancelled', 'handed_back', 'worker_lost', 'snoozed', 'parked'));
COMMENT ON COLUMN queue.attempts.outcome IS 'retried, discarded, cancelled, handed_back, worker_lost, snoozed or parked.';
