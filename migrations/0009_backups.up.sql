-- The history of backups and drills. The store is the truth about which backups there are; these rows are for trends,
-- metrics and alarms, and go on where a backup was removed from the store.

CREATE SCHEMA backup;
COMMENT ON SCHEMA backup IS 'The history of backups and drills. Which backups there are the store knows.';

CREATE TABLE backup.backups (
    name text PRIMARY KEY,
    job_id uuid,
    database text NOT NULL,
    store text NOT NULL,
    format text NOT NULL,
    compression text NOT NULL,
    encrypted boolean NOT NULL,
    selection jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    seconds double precision NOT NULL,
    bytes bigint NOT NULL,
    raw_bytes bigint NOT NULL,
    tables bigint NOT NULL,
    rows bigint NOT NULL,
    server_version integer NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT queue.now(),
    verdict text NOT NULL DEFAULT 'unverified',
    drilled_at timestamptz,
    restore_seconds double precision,
    alarms text[] NOT NULL DEFAULT '{}',
    pruned_at timestamptz,
    CONSTRAINT backups_verdict_known CHECK (verdict IN ('unverified', 'verified', 'failed', 'unverifiable')),
    CONSTRAINT backups_verdict_drilled CHECK ((verdict = 'unverified') = (drilled_at IS NULL))
);
CREATE INDEX backups_newest ON backup.backups (database, started_at DESC);

COMMENT ON TABLE backup.backups IS 'Backups that were made, those that were removed since included.';
COMMENT ON COLUMN backup.backups.name IS 'Name of the backup: DATABASE_YYYYmmdd_HHMMSSZ.';
COMMENT ON COLUMN backup.backups.job_id IS 'The job that made it; null where it was made without a queue.';
COMMENT ON COLUMN backup.backups.database IS 'The database that it is of.';
COMMENT ON COLUMN backup.backups.store IS 'Where it was put.';
COMMENT ON COLUMN backup.backups.format IS 'plain, custom or directory.';
COMMENT ON COLUMN backup.backups.compression IS 'none, gzip, lz4 or zstd.';
COMMENT ON COLUMN backup.backups.encrypted IS 'Whether it is encrypted.';
COMMENT ON COLUMN backup.backups.selection IS 'Which part of the database; an empty object: all of it.';
COMMENT ON COLUMN backup.backups.started_at IS 'When it was begun, as its name says.';
COMMENT ON COLUMN backup.backups.seconds IS 'How long it took.';
COMMENT ON COLUMN backup.backups.bytes IS 'Its size in the store.';
COMMENT ON COLUMN backup.backups.raw_bytes IS 'Its size before compression and encryption.';
COMMENT ON COLUMN backup.backups.tables IS 'Tables whose rows are in it.';
COMMENT ON COLUMN backup.backups.rows IS 'Rows of all tables.';
COMMENT ON COLUMN backup.backups.server_version IS 'The server''s version, as server_version_num.';
COMMENT ON COLUMN backup.backups.recorded_at IS 'When this row was written.';
COMMENT ON COLUMN backup.backups.verdict IS 'What its last drill found: unverified (none yet), verified, failed or unverifiable.';
COMMENT ON COLUMN backup.backups.drilled_at IS 'When its last drill ended.';
COMMENT ON COLUMN backup.backups.restore_seconds IS 'How long restoring it took in its last drill that measured it.';
COMMENT ON COLUMN backup.backups.alarms IS 'How it is unlike the last verified backup before it, in sentences.';
COMMENT ON COLUMN backup.backups.pruned_at IS 'When retention removed it from the store.';

CREATE TABLE backup.drills (
    id uuid PRIMARY KEY,
    backup text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    verdict text NOT NULL,
    reason text,
    differences jsonb NOT NULL DEFAULT '[]',
    tables bigint NOT NULL,
    rows bigint NOT NULL,
    images bigint NOT NULL,
    fetched_bytes bigint NOT NULL,
    scratch_bytes bigint NOT NULL,
    restore_seconds double precision,
    server_version integer,
    CONSTRAINT drills_verdict_known CHECK (verdict IN ('verified', 'failed', 'unverifiable'))
);
CREATE INDEX drills_of_backup ON backup.drills (backup, finished_at DESC);

COMMENT ON TABLE backup.drills IS 'Drills: backups that were restored elsewhere and compared.';
COMMENT ON COLUMN backup.drills.id IS 'Identity: that of the job.';
COMMENT ON COLUMN backup.drills.backup IS 'Name of the backup that was tried.';
COMMENT ON COLUMN backup.drills.started_at IS 'When it began.';
COMMENT ON COLUMN backup.drills.finished_at IS 'When it ended.';
COMMENT ON COLUMN backup.drills.verdict IS 'verified, failed or unverifiable.';
COMMENT ON COLUMN backup.drills.reason IS 'Why, where it is not verified.';
COMMENT ON COLUMN backup.drills.differences IS 'What came back otherwise; at most 100 are told.';
COMMENT ON COLUMN backup.drills.tables IS 'Tables that were compared.';
COMMENT ON COLUMN backup.drills.rows IS 'Rows that were compared.';
COMMENT ON COLUMN backup.drills.images IS 'Pictures that were looked for in the store.';
COMMENT ON COLUMN backup.drills.fetched_bytes IS 'Bytes that were read from the store.';
COMMENT ON COLUMN backup.drills.scratch_bytes IS 'Disk space that the restored cluster took, in bytes.';
COMMENT ON COLUMN backup.drills.restore_seconds IS 'How long the restoring alone took.';
COMMENT ON COLUMN backup.drills.server_version IS 'The server that it was restored on, as server_version_num.';

CREATE TABLE backup.beginning (
    at timestamptz NOT NULL DEFAULT queue.now()
);
INSERT INTO backup.beginning DEFAULT VALUES;
COMMENT ON TABLE backup.beginning IS 'One row: since when this database could have had a verified backup.';
COMMENT ON COLUMN backup.beginning.at IS 'When this schema was made. Until the first backup is due, there is no alarm that there is none.';
