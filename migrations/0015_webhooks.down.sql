-- Webhooks that are not delivered yet stay in queue.jobs: programs of before leave them alone.
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
           queue.status(uuid), queue.result(uuid) TO %I', role);
END $$;
DROP TABLE queue.deliveries;
DROP FUNCTION queue.add_webhook(uuid, text);
DROP TRIGGER announce ON queue.history;
DROP FUNCTION queue.announce();
