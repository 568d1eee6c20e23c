-- The role stays: other databases of this server may use it, and people may be members.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'repo_to_cat_enqueuer') THEN
        REVOKE USAGE ON SCHEMA queue FROM repo_to_cat_enqueuer;
    END IF;
END $$;
DROP FUNCTION queue.allow_enqueueing(name);
DROP FUNCTION queue.result(uuid);
DROP FUNCTION queue.status(uuid);
DROP FUNCTION queue.enqueue_generations(
    text[], text[], integer[], timestamptz, interval, text[], text, interval, text, integer, interval, timestamptz, text[],
    uuid, text);
DROP FUNCTION queue.enqueue_generation(
    text, text, integer, timestamptz, interval, text, text, interval, text, integer, interval, timestamptz, text[], uuid,
    text, text);
DROP FUNCTION queue.generation_payload(text, text);
DROP FUNCTION queue.enqueue_jobs(
    text, jsonb[], integer[], timestamptz, interval, text[], text, interval, text, integer, interval, timestamptz, text[],
    uuid, text[], text);
DROP FUNCTION queue.enqueue_job(
    text, jsonb, integer, timestamptz, interval, text, text, interval, text, integer, interval, timestamptz, text[], uuid,
    text, text, uuid, text);
DROP FUNCTION queue.traceparent_of(text);
DROP FUNCTION queue.take_key(text, text, uuid, text, timestamptz, text, boolean);
DROP FUNCTION queue.check_options(
    integer, timestamptz, interval, text, interval, text, integer, interval, timestamptz, text[], text);
DROP FUNCTION queue.read_url(text);
DROP FUNCTION queue.check_reference(text);
DROP FUNCTION queue.random_tail();
DROP FUNCTION queue.tick();
DROP FUNCTION queue.id_of(bigint, text);
DROP TABLE queue.returned_keys;
ALTER TABLE queue.unique_keys DROP COLUMN fingerprint;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA queue TO PUBLIC;
