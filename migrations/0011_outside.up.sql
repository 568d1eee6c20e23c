-- For people and tools that look from outside: three views, a comment on everything, and where the founding application
-- had its pictures.

ALTER TABLE public.generations ADD COLUMN former_image_path TEXT;
COMMENT ON COLUMN public.generations.former_image_path IS
    'What image_path was in the founding application, where its picture was taken into the image store.';

-- Not over queue.all_jobs, whose halves differ in type: PostgreSQL would put all rows together before it sorts them. What
-- is looked up for each row (worker, error) stands in the list of columns: it is done for the rows that are shown.
CREATE VIEW public.jobs_overview AS
SELECT id, kind, state, payload ->> 'github_url' AS repository, priority, attempts, max_attempts, created_at, run_at,
       started_at, finished_at, queue.now() - created_at AS age,
       CASE WHEN started_at IS NOT NULL THEN greatest(started_at - run_at, '0')
            WHEN finished_at IS NULL AND state = 'available' THEN greatest(queue.now() - run_at, '0') END AS wait,
       (SELECT name FROM queue.worker_names AS worker WHERE worker.id = job.worker_id) AS worker,
       (SELECT error FROM queue.attempts AS attempt WHERE attempt.job_id = job.id AND error IS NOT NULL
        ORDER BY claim DESC LIMIT 1) AS last_error,
       parked_because
FROM (
    SELECT id, kind::text, state::text, payload, priority, attempts, max_attempts, created_at, run_at, started_at,
           NULL::timestamptz AS finished_at, worker_id, parked_because
    FROM queue.jobs
    UNION ALL
    SELECT id, kind, state, payload, priority, attempts, max_attempts, created_at, run_at, started_at,
           finished_at, worker_id, NULL::text
    FROM queue.history) AS job;
COMMENT ON VIEW public.jobs_overview IS
    'Jobs, live and finished, for people: SELECT * FROM jobs_overview ORDER BY id DESC LIMIT 20.';
COMMENT ON COLUMN public.jobs_overview.id IS 'Identity of the job. Sort by it, descending, for the newest first: it is made in the order of time and has an index.';
COMMENT ON COLUMN public.jobs_overview.kind IS 'What sort of work it is: generation, backup, drill, webhook, maintenance, probe.';
COMMENT ON COLUMN public.jobs_overview.state IS 'scheduled, available, running, parked, completed, discarded or cancelled.';
COMMENT ON COLUMN public.jobs_overview.repository IS 'The repository that a generation is of; null for other kinds.';
COMMENT ON COLUMN public.jobs_overview.priority IS 'From -100 to 100; a point is worth 6 seconds of waiting.';
COMMENT ON COLUMN public.jobs_overview.attempts IS 'Attempts that ran and failed.';
COMMENT ON COLUMN public.jobs_overview.max_attempts IS 'Attempts before it is discarded.';
COMMENT ON COLUMN public.jobs_overview.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN public.jobs_overview.run_at IS 'Not before this time, or when it was last due.';
COMMENT ON COLUMN public.jobs_overview.started_at IS 'When it was last claimed.';
COMMENT ON COLUMN public.jobs_overview.finished_at IS
    'When it came to its end; null while it is live. With finished_at IS NOT NULL live jobs are not even looked at.';
COMMENT ON COLUMN public.jobs_overview.age IS 'How long ago it was enqueued.';
COMMENT ON COLUMN public.jobs_overview.wait IS 'How long it was due before it was started, or is due by now; null where it is not due.';
COMMENT ON COLUMN public.jobs_overview.worker IS 'Host and process that hold it or finished it.';
COMMENT ON COLUMN public.jobs_overview.last_error IS 'What its last failed attempt failed on.';
COMMENT ON COLUMN public.jobs_overview.parked_because IS 'Why it is parked.';

-- The time is that of the steps, which stands in the row: the job itself may have left history.
CREATE VIEW public.generations_overview AS
SELECT id, created_at, repo_owner, repo_name, github_url, commit_oid, primary_language AS language, repo_size_kb AS size_kb,
       code_quality_score AS score, cat_attributes ->> 'size' AS size, cat_attributes ->> 'age' AS age,
       cat_attributes ->> 'breed' AS breed, cat_attributes ->> 'color' AS color,
       cat_attributes ->> 'expression' AS expression, concat_ws(' / ', meme_text_top, meme_text_bottom) AS caption,
       image_path AS picture,
       (SELECT round(sum(CASE WHEN jsonb_typeof(step.value) = 'number' THEN step.value::numeric END), 3)
        FROM jsonb_each(CASE WHEN jsonb_typeof(step_seconds) = 'object' THEN step_seconds END) AS step) AS seconds,
       degraded, user_id
FROM public.generations;
COMMENT ON VIEW public.generations_overview IS
    'Cats, for people: SELECT * FROM generations_overview ORDER BY created_at DESC LIMIT 20.';
COMMENT ON COLUMN public.generations_overview.id IS 'Identity, which is its job''s.';
COMMENT ON COLUMN public.generations_overview.created_at IS 'When the result was persisted, UTC. Sort by it, descending, for the newest first: it has an index.';
COMMENT ON COLUMN public.generations_overview.repo_owner IS 'Owner of the repository.';
COMMENT ON COLUMN public.generations_overview.repo_name IS 'Name of the repository.';
COMMENT ON COLUMN public.generations_overview.github_url IS 'URL of the repository.';
COMMENT ON COLUMN public.generations_overview.commit_oid IS 'The commit that was analysed.';
COMMENT ON COLUMN public.generations_overview.language IS 'Language with the most code.';
COMMENT ON COLUMN public.generations_overview.size_kb IS 'Size of the repository at the commit, in KB of 1,024 bytes.';
COMMENT ON COLUMN public.generations_overview.score IS 'Code quality, 0.0 to 10.0.';
COMMENT ON COLUMN public.generations_overview.size IS 'Size of the cat.';
COMMENT ON COLUMN public.generations_overview.age IS 'Age of the cat.';
COMMENT ON COLUMN public.generations_overview.breed IS 'Breed of the cat.';
COMMENT ON COLUMN public.generations_overview.color IS 'Color of the cat.';
COMMENT ON COLUMN public.generations_overview.expression IS 'Expression of the cat.';
COMMENT ON COLUMN public.generations_overview.caption IS 'Both lines of the caption.';
COMMENT ON COLUMN public.generations_overview.picture IS 'Key of the captioned picture in the image store.';
COMMENT ON COLUMN public.generations_overview.seconds IS 'How long its steps took together.';
COMMENT ON COLUMN public.generations_overview.degraded IS 'Whether a fall-back provider stood in for the wanted one.';
COMMENT ON COLUMN public.generations_overview.user_id IS 'Who asked for it.';

CREATE VIEW public.backups_overview AS
SELECT name, database, started_at, queue.now() - started_at AS age, pg_size_pretty(bytes) AS size, bytes, rows, seconds,
       verdict, drilled_at, restore_seconds, alarms, pruned_at IS NOT NULL AS pruned, pruned_at
FROM backup.backups;
COMMENT ON VIEW public.backups_overview IS
    'Backups that were made, for people: SELECT * FROM backups_overview WHERE NOT pruned ORDER BY started_at DESC LIMIT 20.';
COMMENT ON COLUMN public.backups_overview.name IS 'Name of the backup: DATABASE_YYYYmmdd_HHMMSSZ.';
COMMENT ON COLUMN public.backups_overview.database IS 'The database that it is of.';
COMMENT ON COLUMN public.backups_overview.started_at IS 'When it was begun.';
COMMENT ON COLUMN public.backups_overview.age IS 'How long ago that was.';
COMMENT ON COLUMN public.backups_overview.size IS 'Its size in the store, for people.';
COMMENT ON COLUMN public.backups_overview.bytes IS 'Its size in the store.';
COMMENT ON COLUMN public.backups_overview.rows IS 'Rows of all tables.';
COMMENT ON COLUMN public.backups_overview.seconds IS 'How long it took to make.';
COMMENT ON COLUMN public.backups_overview.verdict IS 'What its last drill found: unverified (none yet), verified, failed or unverifiable.';
COMMENT ON COLUMN public.backups_overview.drilled_at IS 'When its last drill ended.';
COMMENT ON COLUMN public.backups_overview.restore_seconds IS 'How long restoring it took in its last drill that measured it.';
COMMENT ON COLUMN public.backups_overview.alarms IS 'How it is unlike the last verified backup before it, in sentences.';
COMMENT ON COLUMN public.backups_overview.pruned IS 'Whether retention removed it from the store.';
COMMENT ON COLUMN public.backups_overview.pruned_at IS 'When retention removed it.';

-- What earlier migrations left without a comment.
COMMENT ON COLUMN queue.returned_keys.kind IS 'Kind of the job.';
COMMENT ON COLUMN queue.returned_keys.key IS 'The key.';
COMMENT ON COLUMN queue.returned_keys.job_id IS 'The job that held it.';
COMMENT ON COLUMN queue.returned_keys.created_at IS 'Since when the job held it.';
COMMENT ON COLUMN queue.returned_keys.until_done IS 'Whether it would have been given back when the job completed, too.';
COMMENT ON COLUMN queue.returned_keys.expires_at IS 'When another job might have taken it, whatever became of this one.';
COMMENT ON COLUMN queue.returned_keys.fingerprint IS 'What the job was asked to do, in short: the same key for something else is a conflict.';
COMMENT ON COLUMN queue.all_jobs.id IS 'Identity, given at enqueue; its generation bears the same.';
COMMENT ON COLUMN queue.all_jobs.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN queue.all_jobs.run_at IS 'Not before this time, or when it was last due.';
COMMENT ON COLUMN queue.all_jobs.due_at IS 'When it becomes available; null unless it is scheduled.';
COMMENT ON COLUMN queue.all_jobs.started_at IS 'When it was last claimed.';
COMMENT ON COLUMN queue.all_jobs.finished_at IS 'When it came to its end; null while it is live.';
COMMENT ON COLUMN queue.all_jobs.deadline IS 'Not to be started after this time.';
COMMENT ON COLUMN queue.all_jobs.timeout_seconds IS 'How long one attempt may take; null: as the worker is set.';
COMMENT ON COLUMN queue.all_jobs.claims IS 'How often it was claimed.';
COMMENT ON COLUMN queue.all_jobs.priority IS 'From -100 to 100; a point is worth 6 seconds of waiting.';
COMMENT ON COLUMN queue.all_jobs.max_attempts IS 'Attempts before it is discarded.';
COMMENT ON COLUMN queue.all_jobs.attempts IS 'Attempts that ran and failed.';
COMMENT ON COLUMN queue.all_jobs.deaths IS 'How often its worker was lost while it ran.';
COMMENT ON COLUMN queue.all_jobs.user_id IS 'Who asked for it.';
COMMENT ON COLUMN queue.all_jobs.worker_id IS 'The worker that holds it or finished it.';
COMMENT ON COLUMN queue.all_jobs.rerun_of IS 'The finished job that it does again.';
COMMENT ON COLUMN queue.all_jobs.kind IS 'What sort of work it is.';
COMMENT ON COLUMN queue.all_jobs.state IS 'scheduled, available, running, parked, completed, discarded or cancelled.';
COMMENT ON COLUMN queue.all_jobs.limit_key IS 'What limits go by within its kind.';
COMMENT ON COLUMN queue.all_jobs.unique_key IS 'Key that keeps a second job of its kind from being enqueued.';
COMMENT ON COLUMN queue.all_jobs.tags IS 'Words to find it by; null where it has none.';
COMMENT ON COLUMN queue.all_jobs.traceparent IS 'The trace of who enqueued it.';
COMMENT ON COLUMN queue.all_jobs.payload IS 'What to do, by kind.';
COMMENT ON COLUMN queue.all_jobs.parked_because IS 'Why it is parked.';
