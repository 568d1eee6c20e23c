-- Webhooks: who asked for a cat is told how it ended. The event is a job, made in the transaction that ends the
-- generation, whatever ends it, so that none is lost and none invented. docs/webhooks.md is for those who receive them.

CREATE FUNCTION queue.announce() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    url constant text := new.payload ->> 'webhook_url';
BEGIN
    -- What was parked by a restore ends here for this copy only: to those who asked, it is no news.
    IF EXISTS (SELECT FROM queue.home WHERE new.created_at < held_since) THEN
        RETURN NULL;
    END IF;
    -- Limits go by the host that is told, and so do lanes: a slow one holds nobody else up. How often it is tried, the
    -- worker's settings say; here is the most that a job may be.
    PERFORM queue.enqueue_job('webhook',
        jsonb_build_object('event_id', queue.id_of(queue.tick(), queue.random_tail()), 'generation_id', new.id,
                           'state', new.state, 'finished_at', new.finished_at, 'claims', new.claims, 'url', url,
                           'request', new.payload - 'webhook_url'),
        max_attempts => 100, user_id => new.user_id, traceparent => new.traceparent,
        limit_key => lower(substring(url from '^[A-Za-z]+://([A-Za-z0-9._-]{1,253})')));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION queue.announce() IS
    'Enqueues the webhook that tells how a generation ended, unless a restore parked it and nobody has said go.';

-- Of other jobs the condition is all that it costs.
CREATE TRIGGER announce AFTER INSERT ON queue.history FOR EACH ROW
    WHEN (new.kind = 'generation' AND new.payload ->> 'webhook_url' IS NOT NULL) EXECUTE FUNCTION queue.announce();

CREATE FUNCTION queue.add_webhook(id uuid, url text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    IF (octet_length(url) <= 2048 AND url ~ '^https?://[^][:space:][:cntrl:]/?#@]+([/?#][^[:space:][:cntrl:]]*)?$') IS NOT TRUE THEN
        RAISE EXCEPTION 'the webhook''s URL is none' USING ERRCODE = 'RC003',
            HINT = 'It reads as in https://example.org/path, without a password, in at most 2048 bytes.';
    END IF;
    UPDATE queue.jobs AS job SET payload = job.payload || jsonb_build_object('webhook_url', url)
    WHERE job.id = id AND job.kind = 'generation' AND coalesce(job.payload ->> 'webhook_url', url) = url;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION queue.add_webhook(uuid, text) IS
    'Has a URL told how a generation ends; to be called in the transaction that asks for it. False where that has ended
already, or tells another URL. See docs/webhooks.md.';

CREATE TABLE queue.deliveries (
    id uuid PRIMARY KEY,
    job_id uuid NOT NULL,
    claim integer NOT NULL,
    event_id uuid NOT NULL,
    generation_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT queue.now(),
    seconds real NOT NULL,
    status smallint,
    error text,
    answer text,
    CONSTRAINT deliveries_of_job UNIQUE (job_id, claim)
);
CREATE INDEX deliveries_of_generation ON queue.deliveries (generation_id);
COMMENT ON TABLE queue.deliveries IS 'What became of each try to deliver a webhook; kept as long as the history of its job.';
COMMENT ON COLUMN queue.deliveries.id IS 'Identity, in the order of time.';
COMMENT ON COLUMN queue.deliveries.job_id IS 'The webhook''s job.';
COMMENT ON COLUMN queue.deliveries.claim IS 'Which claim of it.';
COMMENT ON COLUMN queue.deliveries.event_id IS 'The event: the same in all tries and replays, by which a receiver knows it again.';
COMMENT ON COLUMN queue.deliveries.generation_id IS 'The generation that ended.';
COMMENT ON COLUMN queue.deliveries.at IS 'When the try was over.';
COMMENT ON COLUMN queue.deliveries.seconds IS 'How long it took.';
COMMENT ON COLUMN queue.deliveries.status IS 'The HTTP status of the answer; null: there was none.';
COMMENT ON COLUMN queue.deliveries.error IS 'Why it does not count as delivered; null: it does.';
COMMENT ON COLUMN queue.deliveries.answer IS 'How the answer began: 500 bytes at most.';

REVOKE EXECUTE ON FUNCTION queue.announce(), queue.add_webhook(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION queue.allow_enqueueing(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA queue TO %I', role);
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION
           queue.enqueue_generation(
             text, text, integer, timestamptz, interval, text, text, interval, text, integer, interval, timestamptz, text[],
             uuid, text, text),
           queue.enqueue_generations(
             text[], text[], integer[], timestamptz, interval, text[], text, interval, text, integer, interval, timestamptz,
             text[], uuid, text),
           queue.add_webhook(uuid, text), queue.status(uuid), queue.result(uuid) TO %I', role);
END $$;

-- Whoever was allowed to ask for cats may ask to be told, too.
SELECT queue.allow_enqueueing(rolname)
FROM pg_proc, aclexplode(proacl) AS allowed JOIN pg_roles ON pg_roles.oid = allowed.grantee
WHERE pg_proc.oid = 'queue.status(uuid)'::regprocedure AND allowed.privilege_type = 'EXECUTE' AND allowed.grantee <> proowner;
