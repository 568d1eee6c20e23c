-- Schedules and their slots. A slot is unique by its schedule and time: whatever happens to the hosts, it fires once.

CREATE TABLE queue.schedules (
    name text PRIMARY KEY,
    cron text NOT NULL,
    zone text NOT NULL DEFAULT 'UTC',
    kind text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    priority smallint NOT NULL DEFAULT 0,
    max_attempts smallint,
    key_prefix text,
    missed text NOT NULL DEFAULT 'once',
    missed_limit smallint NOT NULL DEFAULT 10,
    overlap text NOT NULL DEFAULT 'skip',
    jitter_seconds integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'active',
    next_at timestamptz,
    fires_at timestamptz,
    declared jsonb,
    created_at timestamptz NOT NULL DEFAULT queue.now(),
    updated_at timestamptz NOT NULL DEFAULT queue.now(),
    CONSTRAINT schedules_name_length CHECK (length(name) BETWEEN 1 AND 64),
    CONSTRAINT schedules_payload_object CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT schedules_priority_range CHECK (priority BETWEEN -100 AND 100),
    CONSTRAINT schedules_max_attempts_range CHECK (max_attempts BETWEEN 1 AND 100),
    CONSTRAINT schedules_missed_known CHECK (missed IN ('skip', 'once', 'all')),
    CONSTRAINT schedules_missed_limit_range CHECK (missed_limit BETWEEN 1 AND 100),
    CONSTRAINT schedules_overlap_known CHECK (overlap IN ('skip', 'queue')),
    CONSTRAINT schedules_jitter_range CHECK (jitter_seconds BETWEEN 0 AND 86400),
    CONSTRAINT schedules_state_known CHECK (state IN ('active', 'paused', 'withdrawn')),
    CONSTRAINT schedules_next_and_fires CHECK ((next_at IS NULL) = (fires_at IS NULL) AND fires_at >= next_at)
) WITH (fillfactor = 70);

CREATE INDEX schedules_due ON queue.schedules (fires_at) WHERE state = 'active';

COMMENT ON TABLE queue.schedules IS 'What is enqueued by the clock. Change it with: repo-to-cat schedules edit; it works out the next slot anew.';
COMMENT ON COLUMN queue.schedules.name IS 'Name, by which people and the configuration call it.';
COMMENT ON COLUMN queue.schedules.cron IS 'When: five fields of cron, @daily and the like, or @every 90s.';
COMMENT ON COLUMN queue.schedules.zone IS 'IANA name of the time zone that cron is read in.';
COMMENT ON COLUMN queue.schedules.kind IS 'What sort of jobs it makes.';
COMMENT ON COLUMN queue.schedules.payload IS 'What they are to do, by kind.';
COMMENT ON COLUMN queue.schedules.priority IS 'Their priority, from -100 to 100; the higher goes first.';
COMMENT ON COLUMN queue.schedules.max_attempts IS 'Attempts before one is discarded; null: the setting of the scheduler''s host.';
COMMENT ON COLUMN queue.schedules.key_prefix IS 'What their unique keys begin with; the slot''s time follows. Null: they have none.';
COMMENT ON COLUMN queue.schedules.missed IS 'Slots that came while no scheduler ran: skip, once (one job for all) or all (the latest missed_limit).';
COMMENT ON COLUMN queue.schedules.missed_limit IS 'How many missed slots run where missed is all.';
COMMENT ON COLUMN queue.schedules.overlap IS 'A slot that comes before the job of an earlier one is finished: skip or queue.';
COMMENT ON COLUMN queue.schedules.jitter_seconds IS 'A slot fires up to so many seconds late.';
COMMENT ON COLUMN queue.schedules.state IS 'active, paused (by a person) or withdrawn (no longer in the configuration).';
COMMENT ON COLUMN queue.schedules.next_at IS 'The first slot that is not done with; null where none comes.';
COMMENT ON COLUMN queue.schedules.fires_at IS 'When that slot fires: its time and its jitter.';
COMMENT ON COLUMN queue.schedules.declared IS 'The declaration in the configuration as it was last applied; null where no configuration has it.';
COMMENT ON COLUMN queue.schedules.created_at IS 'When it was added.';
COMMENT ON COLUMN queue.schedules.updated_at IS 'When it was last changed; its slots do not count.';

CREATE TABLE queue.slots (
    schedule text NOT NULL REFERENCES queue.schedules ON UPDATE CASCADE ON DELETE CASCADE,
    due_at timestamptz NOT NULL,
    outcome text NOT NULL,
    job_id uuid,
    note text,
    noted_at timestamptz NOT NULL DEFAULT queue.now(),
    PRIMARY KEY (schedule, due_at),
    CONSTRAINT slots_outcome_known CHECK (outcome IN ('enqueued', 'skipped', 'missed', 'failed')),
    CONSTRAINT slots_enqueued_has_job CHECK ((outcome = 'enqueued') = (job_id IS NOT NULL))
);

COMMENT ON TABLE queue.slots IS 'The latest slots of each schedule, written in the transaction that enqueues their jobs.';
COMMENT ON COLUMN queue.slots.schedule IS 'The schedule.';
COMMENT ON COLUMN queue.slots.due_at IS 'The slot.';
COMMENT ON COLUMN queue.slots.outcome IS 'enqueued, skipped (an earlier job was not finished), missed (no scheduler ran) or failed (no job could be made).';
COMMENT ON COLUMN queue.slots.job_id IS 'Its job.';
COMMENT ON COLUMN queue.slots.note IS 'More about it, for people.';
COMMENT ON COLUMN queue.slots.noted_at IS 'When it was done with.';
