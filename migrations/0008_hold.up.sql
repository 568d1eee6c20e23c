-- Where the queue is at home, so that a copy of the database is noticed, whatever made it: after a restore nothing may run
-- twice by surprise. What was not finished is parked, and nothing is fired or swept, until a person says go.

CREATE TABLE queue.home (
    one_row boolean PRIMARY KEY DEFAULT true,
    epoch integer NOT NULL DEFAULT 1,
    system_identifier text,
    database_oid oid,
    held_since timestamptz,
    held_because text,
    CONSTRAINT home_one_row CHECK (one_row),
    CONSTRAINT home_held_because CHECK ((held_since IS NULL) = (held_because IS NULL))
);
COMMENT ON TABLE queue.home IS 'The place where this queue works, and whether it is held: its one row is written by queue.settle(), queue.hold() and queue.release().';
COMMENT ON COLUMN queue.home.one_row IS 'True: there is one row.';
COMMENT ON COLUMN queue.home.epoch IS 'How often the queue began to live: 1, and one more with each hold.';
COMMENT ON COLUMN queue.home.system_identifier IS 'The cluster that it works in; null where nobody was allowed to read it, or no service ran yet.';
COMMENT ON COLUMN queue.home.database_oid IS 'The database that it works in; null where no service ran yet.';
COMMENT ON COLUMN queue.home.held_since IS 'Since when it is held; null: it is not.';
COMMENT ON COLUMN queue.home.held_because IS 'Why it is held.';

INSERT INTO queue.home DEFAULT VALUES;

CREATE FUNCTION queue.system_identifier() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') THEN
        RETURN (SELECT system_identifier FROM pg_catalog.pg_control_system());
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION queue.system_identifier() IS 'The cluster that this database is in; null where we may not read it.';

CREATE FUNCTION queue.database_oid() RETURNS oid LANGUAGE sql STABLE AS $$
    SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()
$$;
COMMENT ON FUNCTION queue.database_oid() IS 'This database. Its number stays when it is renamed, and no copy has it.';

CREATE FUNCTION queue.is_at_home() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(database_oid = queue.database_oid(), true)
       AND coalesce(system_identifier = queue.system_identifier(), true)
    FROM queue.home
$$;
COMMENT ON FUNCTION queue.is_at_home() IS 'Whether this is the database that the queue worked in last, so far as is known.';

CREATE FUNCTION queue.is_held() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT held_since IS NOT NULL OR NOT queue.is_at_home() FROM queue.home
$$;
COMMENT ON FUNCTION queue.is_held() IS 'Whether a person must say go before anything is fired or swept here.';

CREATE FUNCTION queue.hold(reason text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    jobs bigint;
    why text := 'restored: ' || regexp_replace(reason, '^restored ', '');
BEGIN
    UPDATE queue.home
    SET epoch = epoch + 1, system_identifier = queue.system_identifier(), database_oid = queue.database_oid(),
        held_since = coalesce(held_since, queue.now()), held_because = reason;
    -- The leases first: a claim that is under way locks its worker's row, so what comes after sees what it brought.
    DELETE FROM queue.workers;
    DELETE FROM queue.sleepers;
    WITH live AS (
        SELECT id, worker_id FROM queue.jobs WHERE state <> 'parked' FOR UPDATE
    ), parked AS (
        UPDATE queue.jobs AS job
        SET state = 'parked', parked_because = why, worker_id = NULL, limited = false, rank = NULL,
            due_at = NULL
        FROM live WHERE job.id = live.id
        RETURNING job.id, job.claims, job.started_at, live.worker_id
    ), attempt AS (
        INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error)
        SELECT id, claims, worker_id, started_at, 'parked', why FROM parked WHERE worker_id IS NOT NULL
    )
    SELECT count(*) INTO jobs FROM parked;
    RETURN jobs;
END $$;
COMMENT ON FUNCTION queue.hold(text) IS
    'Begins a new epoch, held: parks every job that is not finished and takes all leases away; returns how many it parked.
Jobs that are enqueued later run. queue.release() ends it.';

CREATE FUNCTION queue.release() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    jobs bigint;
BEGIN
    UPDATE queue.home SET held_since = NULL, held_because = NULL;
    WITH freed AS (
        UPDATE queue.jobs
        SET state = CASE WHEN run_at > queue.now() THEN 'scheduled' ELSE 'available' END,
            due_at = CASE WHEN run_at > queue.now() THEN run_at END,
            rank = CASE WHEN run_at > queue.now() THEN NULL ELSE queue.rank(run_at, priority) END,
            parked_because = NULL
        WHERE parked_because LIKE 'restored: %' AND state = 'parked'
        RETURNING kind
    ), kinds AS (
        SELECT kind, count(*) AS jobs FROM freed GROUP BY kind
    )
    SELECT coalesce(sum(kinds.jobs), 0) INTO jobs FROM kinds, LATERAL (SELECT queue.wake(kind)) AS woken;
    PERFORM queue.wake_clock();
    PERFORM pg_catalog.pg_notify('queue_schedules', '');
    RETURN jobs;
END $$;
COMMENT ON FUNCTION queue.release() IS
    'Says go: ends the hold, and what it parked waits for a worker or for its time again; returns how many jobs those are.';

CREATE FUNCTION queue.settle() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- Mostly all is known and as it was, and nobody waits for anybody.
    IF queue.is_at_home() AND EXISTS (
        SELECT FROM queue.home
        WHERE database_oid IS NOT NULL AND (system_identifier IS NOT NULL OR queue.system_identifier() IS NULL))
    THEN
        RETURN false;
    END IF;
    -- Of several services that start at once, one does it; the others see what it did.
    PERFORM FROM queue.home FOR UPDATE;
    IF queue.is_at_home() THEN
        UPDATE queue.home
        SET database_oid = queue.database_oid(), system_identifier = coalesce(queue.system_identifier(), system_identifier);
        RETURN false;
    END IF;
    PERFORM queue.hold('this database is a copy, or the server''s cluster is another one');
    RETURN true;
END $$;
COMMENT ON FUNCTION queue.settle() IS
    'Notes where the queue works, when a service starts. Where it worked elsewhere before, it was restored or copied: holds it
and returns true.';

-- A service that was running while its database was replaced under it notices, too, and so do programs of before: they
-- cannot claim without a lease, and take one up or renew one that lapsed.
CREATE FUNCTION queue.settle_before_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT queue.settle() THEN
        RETURN new;
    END IF;
    RAISE WARNING 'this database was restored or copied: its unfinished jobs are parked and its schedules held'
        USING HINT = 'Look at it, then type: repo-to-cat backup release';
    -- All leases are gone, that which was to be renewed, too.
    RETURN CASE WHEN tg_op = 'INSERT' THEN new END;
END $$;
COMMENT ON FUNCTION queue.settle_before_lease() IS 'Lets nobody have a lease before queue.settle() looked where this is.';
CREATE TRIGGER settle_before_lease BEFORE INSERT ON queue.workers
    FOR EACH ROW EXECUTE FUNCTION queue.settle_before_lease();
CREATE TRIGGER settle_before_renewal BEFORE UPDATE ON queue.workers
    FOR EACH ROW WHEN (old.lease_until <= queue.now()) EXECUTE FUNCTION queue.settle_before_lease();

REVOKE EXECUTE ON FUNCTION
    queue.system_identifier(), queue.database_oid(), queue.is_at_home(), queue.is_held(), queue.hold(text), queue.release(),
    queue.settle(), queue.settle_before_lease() FROM PUBLIC;
