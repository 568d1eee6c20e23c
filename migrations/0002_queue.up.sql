-- The queue. Live jobs are few and change often; finished ones move to history in the statement that finishes them.

CREATE SCHEMA queue;
COMMENT ON SCHEMA queue IS 'Jobs, their workers and their history.';

-- The one clock of the queue. Tests move it: ALTER DATABASE ... SET queue.clock_offset = '1 hour'.
CREATE FUNCTION queue.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT pg_catalog.now() + coalesce(nullif(current_setting('queue.clock_offset', true), ''), '0')::interval
$$;
COMMENT ON FUNCTION queue.now() IS 'The time that leases, schedules and states go by.';

CREATE TABLE queue.jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'available',
    priority smallint NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT queue.now(),
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT queue.now(),
    claims integer NOT NULL DEFAULT 0,
    attempts smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL DEFAULT 5,
    deaths smallint NOT NULL DEFAULT 0,
    worker_id uuid,
    started_at timestamptz,
    unique_key text,
    user_id uuid,
    CONSTRAINT jobs_kind_known CHECK (kind IN ('generation', 'backup', 'drill', 'webhook', 'maintenance')),
    CONSTRAINT jobs_state_live CHECK (state IN ('scheduled', 'available', 'running', 'parked')),
    CONSTRAINT jobs_running_has_worker CHECK ((state = 'running') = (worker_id IS NOT NULL)),
    CONSTRAINT jobs_priority_range CHECK (priority BETWEEN -100 AND 100),
    CONSTRAINT jobs_attempts_range CHECK (attempts >= 0 AND max_attempts BETWEEN 1 AND 100)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE INDEX jobs_claim ON queue.jobs (priority DESC, run_at, id) WHERE state = 'available';
CREATE INDEX jobs_due ON queue.jobs (run_at) WHERE state = 'scheduled';
CREATE INDEX jobs_running ON queue.jobs (worker_id) WHERE state = 'running';

COMMENT ON TABLE queue.jobs IS 'Jobs that are not finished.';
COMMENT ON COLUMN queue.jobs.id IS 'Identity, given at enqueue; its generation bears the same.';
COMMENT ON COLUMN queue.jobs.kind IS 'What sort of work it is.';
COMMENT ON COLUMN queue.jobs.state IS 'scheduled, available, running or parked.';
COMMENT ON COLUMN queue.jobs.priority IS 'From -100 to 100; the higher goes first.';
COMMENT ON COLUMN queue.jobs.run_at IS 'Not before this time.';
COMMENT ON COLUMN queue.jobs.payload IS 'What to do, by kind.';
COMMENT ON COLUMN queue.jobs.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN queue.jobs.claims IS 'How often it was claimed. With worker_id it is the fence that a late write fails on.';
COMMENT ON COLUMN queue.jobs.attempts IS 'Attempts that ran and failed.';
COMMENT ON COLUMN queue.jobs.max_attempts IS 'Attempts before it is discarded.';
COMMENT ON COLUMN queue.jobs.deaths IS 'How often its worker was lost while it ran.';
COMMENT ON COLUMN queue.jobs.worker_id IS 'The worker that holds it.';
COMMENT ON COLUMN queue.jobs.started_at IS 'When it was last claimed.';
COMMENT ON COLUMN queue.jobs.unique_key IS 'Key that keeps a second job of its kind from being enqueued.';
COMMENT ON COLUMN queue.jobs.user_id IS 'Who asked for it.';

CREATE TABLE queue.history (
    id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    priority smallint NOT NULL,
    run_at timestamptz NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    claims integer NOT NULL,
    attempts smallint NOT NULL,
    max_attempts smallint NOT NULL,
    deaths smallint NOT NULL,
    worker_id uuid,
    started_at timestamptz,
    finished_at timestamptz NOT NULL,
    unique_key text,
    user_id uuid,
    CONSTRAINT history_state_final CHECK (state IN ('completed', 'discarded', 'cancelled'))
) PARTITION BY RANGE (finished_at);

CREATE INDEX history_by_id ON queue.history (id);
CREATE INDEX history_newest ON queue.history (finished_at DESC, id DESC);

-- Catches what falls outside the monthly partitions, which the scheduler makes ahead.
CREATE TABLE queue.history_default PARTITION OF queue.history DEFAULT;

COMMENT ON TABLE queue.history IS 'Finished jobs, partitioned by the time they finished.';
COMMENT ON TABLE queue.history_default IS 'Finished jobs outside every monthly partition.';
COMMENT ON COLUMN queue.history.id IS 'Identity of the job.';
COMMENT ON COLUMN queue.history.kind IS 'What sort of work it was.';
COMMENT ON COLUMN queue.history.state IS 'completed, discarded or cancelled.';
COMMENT ON COLUMN queue.history.priority IS 'Its priority.';
COMMENT ON COLUMN queue.history.run_at IS 'When it was last due.';
COMMENT ON COLUMN queue.history.payload IS 'What was to do.';
COMMENT ON COLUMN queue.history.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN queue.history.claims IS 'How often it was claimed.';
COMMENT ON COLUMN queue.history.attempts IS 'Attempts that ran and failed.';
COMMENT ON COLUMN queue.history.max_attempts IS 'Attempts it was given.';
COMMENT ON COLUMN queue.history.deaths IS 'How often its worker was lost while it ran.';
COMMENT ON COLUMN queue.history.worker_id IS 'The worker that finished it; null where a person did.';
COMMENT ON COLUMN queue.history.started_at IS 'When it was last claimed.';
COMMENT ON COLUMN queue.history.finished_at IS 'When it came to its end.';
COMMENT ON COLUMN queue.history.unique_key IS 'Its unique key.';
COMMENT ON COLUMN queue.history.user_id IS 'Who asked for it.';

CREATE TABLE queue.unique_keys (
    kind text NOT NULL,
    key text NOT NULL,
    job_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT queue.now(),
    PRIMARY KEY (kind, key),
    CONSTRAINT unique_keys_length CHECK (length(key) BETWEEN 1 AND 255)
);
CREATE INDEX unique_keys_by_job ON queue.unique_keys (job_id);

COMMENT ON TABLE queue.unique_keys IS 'Keys in use. A key is given back when its job is discarded or cancelled.';
COMMENT ON COLUMN queue.unique_keys.kind IS 'Kind of the job.';
COMMENT ON COLUMN queue.unique_keys.key IS 'The key.';
COMMENT ON COLUMN queue.unique_keys.job_id IS 'The job that holds it.';
COMMENT ON COLUMN queue.unique_keys.created_at IS 'Since when.';

CREATE TABLE queue.attempts (
    job_id uuid NOT NULL,
    claim integer NOT NULL,
    worker_id uuid,
    started_at timestamptz,
    finished_at timestamptz NOT NULL DEFAULT queue.now(),
    outcome text NOT NULL,
    error_class text,
    error text,
    hint text,
    causes text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (job_id, claim),
    CONSTRAINT attempts_outcome_known
        CHECK (outcome IN ('retried', 'discarded', 'cancelled', 'handed_back', 'worker_lost'))
);

COMMENT ON TABLE queue.attempts IS 'Attempts that did not complete their job. The one that did stands in history.';
COMMENT ON COLUMN queue.attempts.job_id IS 'The job.';
COMMENT ON COLUMN queue.attempts.claim IS 'Which claim of the job it was.';
COMMENT ON COLUMN queue.attempts.worker_id IS 'The worker.';
COMMENT ON COLUMN queue.attempts.started_at IS 'When it was claimed.';
COMMENT ON COLUMN queue.attempts.finished_at IS 'When it ended, or was seen to have ended.';
COMMENT ON COLUMN queue.attempts.outcome IS 'retried, discarded, cancelled, handed_back or worker_lost.';
COMMENT ON COLUMN queue.attempts.error_class IS 'Class of the error; it decides whether to try again.';
COMMENT ON COLUMN queue.attempts.error IS 'What was wrong.';
COMMENT ON COLUMN queue.attempts.hint IS 'What to do about it.';
COMMENT ON COLUMN queue.attempts.causes IS 'What caused it, outermost first.';

CREATE TABLE queue.workers (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT queue.now(),
    heartbeat_at timestamptz NOT NULL DEFAULT queue.now(),
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);

COMMENT ON TABLE queue.workers IS 'Workers that hold a lease. A row that is gone is a lease that is lost.';
COMMENT ON COLUMN queue.workers.id IS 'Identity of one life of a worker process.';
COMMENT ON COLUMN queue.workers.name IS 'Host and process, for people.';
COMMENT ON COLUMN queue.workers.started_at IS 'When it registered.';
COMMENT ON COLUMN queue.workers.heartbeat_at IS 'When it last renewed its lease.';
COMMENT ON COLUMN queue.workers.lease_until IS 'Until when its jobs are its own.';

CREATE TABLE queue.steps (
    job_id uuid NOT NULL,
    step text NOT NULL,
    state text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    fraction real,
    detail text,
    output jsonb,
    PRIMARY KEY (job_id, step),
    CONSTRAINT steps_state_known CHECK (state IN ('running', 'done'))
) WITH (fillfactor = 70);

COMMENT ON TABLE queue.steps IS 'Steps of the jobs: progress while they run, and what a later attempt need not do again.';
COMMENT ON COLUMN queue.steps.job_id IS 'The job.';
COMMENT ON COLUMN queue.steps.step IS 'Name of the step.';
COMMENT ON COLUMN queue.steps.state IS 'running or done.';
COMMENT ON COLUMN queue.steps.started_at IS 'When it was last started.';
COMMENT ON COLUMN queue.steps.finished_at IS 'When it was done.';
COMMENT ON COLUMN queue.steps.fraction IS 'Share that is done, 0 to 1.';
COMMENT ON COLUMN queue.steps.detail IS 'A few words on how far it is.';
COMMENT ON COLUMN queue.steps.output IS 'What the step made: the checkpoint from which a later attempt goes on.';
