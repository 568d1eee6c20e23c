-- What was logged while jobs ran. Beside queue.attempts, which knows nothing of an attempt that completed its job.

CREATE TABLE queue.job_logs (
    job_id uuid NOT NULL,
    claim integer NOT NULL,
    dropped integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT queue.now(),
    lines jsonb NOT NULL,
    PRIMARY KEY (job_id, claim)
);

-- Rows come in the order of time: a summary per range of pages is enough to find the old ones, and costs no insert.
CREATE INDEX job_logs_by_time ON queue.job_logs USING brin (created_at);

COMMENT ON TABLE queue.job_logs IS 'Log lines of attempts at jobs; attempts that logged nothing have no row.';
COMMENT ON COLUMN queue.job_logs.job_id IS 'The job.';
COMMENT ON COLUMN queue.job_logs.claim IS 'Which claim of the job.';
COMMENT ON COLUMN queue.job_logs.dropped IS 'How many older lines were dropped: the newest 200, at most 64 KB, are kept.';
COMMENT ON COLUMN queue.job_logs.created_at IS 'When it was stored.';
COMMENT ON COLUMN queue.job_logs.lines IS 'The lines in order: at (by the clock of the worker''s host), level, target and message; secrets masked.';
