-- Back to one history by month and the columns of before. Jobs of kinds that did not exist then go.
ALTER TABLE queue.jobs RENAME TO jobs_after;
ALTER TABLE queue.jobs_after RENAME CONSTRAINT jobs_pkey TO jobs_after_pkey;
ALTER TABLE queue.history RENAME TO history_after;
DROP INDEX queue.history_by_id, queue.jobs_claim, queue.jobs_due;

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
INSERT INTO queue.jobs
SELECT id, kind, state, priority, run_at, payload, created_at, claims, attempts, max_attempts, deaths, worker_id,
       started_at, unique_key, user_id
FROM queue.jobs_after WHERE kind <> 'probe';
CREATE INDEX jobs_claim ON queue.jobs (priority DESC, run_at, id) WHERE state = 'available';
CREATE INDEX jobs_due ON queue.jobs (run_at) WHERE state = 'scheduled';
CREATE INDEX jobs_running ON queue.jobs (worker_id) WHERE state = 'running';

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
CREATE TABLE queue.history_default PARTITION OF queue.history DEFAULT;
INSERT INTO queue.history
SELECT id, kind, state, priority, run_at, payload, created_at, claims, attempts, max_attempts, deaths, worker_id,
       started_at, finished_at, unique_key, user_id
FROM queue.history_after WHERE kind <> 'probe';
CREATE INDEX history_by_id ON queue.history (id);
CREATE INDEX history_newest ON queue.history (finished_at DESC, id DESC);

DROP FUNCTION queue.archive(queue.jobs_after, text);
DROP FUNCTION queue.oldest_program();
DROP FUNCTION queue.wake(text);
DROP FUNCTION queue.wake_clock();
DROP TABLE queue.jobs_after, queue.history_after, queue.sleepers, queue.kinds, queue.limits, queue.buckets;
DROP FUNCTION queue.lane(text, text, uuid);
DROP FUNCTION queue.rank(timestamptz, integer);
ALTER TABLE queue.workers DROP COLUMN slots;
ALTER TABLE queue.unique_keys DROP COLUMN until_done, DROP COLUMN expires_at;
DELETE FROM queue.attempts WHERE outcome IN ('snoozed', 'parked');
ALTER TABLE queue.attempts DROP CONSTRAINT attempts_outcome_known;
ALTER TABLE queue.attempts ADD CONSTRAINT attempts_outcome_known CHECK (
    outcome IN ('retried', 'discarded', 'cancelled', 'handed_back', 'worker_lost'));
DROP DOMAIN queue.job_kind, queue.live_state;
