-- Enqueueing in SQL, from any language, in the caller's transaction. docs/enqueue.md is for those who call.
--
-- Functions that others may call run as their owner (SECURITY DEFINER) with a search path of their own, so that the
-- caller needs no right to any table and can slip in nothing. They raise errors of class RC:
--   RC001 not the URL of a repository    RC002 not the name of a branch, tag or commit    RC003 an option is wrong
--   RC004 the key belongs to another request

ALTER TABLE queue.unique_keys ADD COLUMN fingerprint text;
COMMENT ON COLUMN queue.unique_keys.fingerprint IS
    'Digest of the request that took the key; another request with the key is refused. Null: none is.';

-- Written with `SELECT *` of the other: whoever adds a column there adds it here.
CREATE TABLE queue.returned_keys (LIKE queue.unique_keys, PRIMARY KEY (job_id));
COMMENT ON TABLE queue.returned_keys IS
    'How discarded and cancelled jobs held the keys that they gave back: one that is reopened asks for its key on the same terms.';

-- Inlined where it is called, hence without a search path of its own. A tick is a 4096th of a millisecond since 1970; the
-- leading 0 holds until the year 2527.
CREATE FUNCTION queue.id_of(tick bigint, tail text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('0' || to_hex(((tick >> 12) << 16) | 28672 | (tick & 4095)) || tail)::uuid
$$;
COMMENT ON FUNCTION queue.id_of(bigint, text) IS
    'A UUID of version 7: the time, finer than a millisecond so that ids made at once keep their order, and a random tail.';

CREATE FUNCTION queue.tick() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM clock_timestamp())::float8 * 4096000)::bigint
$$;
COMMENT ON FUNCTION queue.tick() IS 'The time for queue.id_of.';

CREATE FUNCTION queue.random_tail() RETURNS text LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT substr(gen_random_uuid()::text, 20)
$$;
COMMENT ON FUNCTION queue.random_tail() IS 'The tail for queue.id_of: 62 random bits. Ids of one statement share it.';

-- The grammar is that of src/model/repository.rs, which a test compares with this.
CREATE FUNCTION queue.check_reference(ref text) RETURNS void LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF octet_length(ref) > 200
       OR ref COLLATE "C" !~ '^[A-Za-z0-9_@+=,][A-Za-z0-9._@+=,-]*(/[A-Za-z0-9_@+=,][A-Za-z0-9._@+=,-]*)*$'
       OR ref COLLATE "C" ~* '\.\.|\.(lock)?(/|$)' THEN
        RAISE EXCEPTION 'the ref is not the name of a branch, tag or commit' USING ERRCODE = 'RC002',
            DETAIL = format('It is "%s".', left(ref, 200)),
            HINT = 'Allowed: letters, digits and . _ @ + = , - in parts joined by /, at most 200 bytes.';
    END IF;
END $$;
COMMENT ON FUNCTION queue.check_reference(text) IS 'Raises RC002 where it is not the name of a branch, tag or commit.';

CREATE FUNCTION queue.read_url(url text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    found text[] := regexp_match(url COLLATE "C",
        '^(?:[Hh][Tt][Tt][Pp][Ss]://([A-Za-z0-9.-]+)(?::([1-9][0-9]{0,4}))?/|git@([A-Za-z0-9.-]+):)([A-Za-z0-9._@+=,/-]+)$');
    port text := found[2];
    path text[] := string_to_array(regexp_replace(found[4], '/$', ''), '/');
    host text := lower(coalesce(found[1], found[3]) COLLATE "C");
    levels integer := cardinality(path);
    marker integer;
    ref text;
    owner text;
    name text;
    flaw text;
BEGIN
    IF found IS NULL OR octet_length(url) > 2048 THEN
        flaw := 'it has none of the allowed forms';
    ELSIF octet_length(host) > 253 OR host ~ '[^.]{64}|(^|\.)xn--|(^|\.)([0-9]+|0x[^.]*)$'
       OR host !~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$' OR port::integer > 65535 THEN
        flaw := 'its host is no host name or its port no port';
    ELSIF levels < 2 OR path && ARRAY['', '.', '..'] THEN
        flaw := 'its path does not name an owner and a repository';
    ELSE
        IF host IN ('github.com', 'codeberg.org', 'bitbucket.org') THEN
            levels := 2;
        ELSE
            -- Elsewhere groups may nest: the repository ends where a reference is announced.
            FOR at IN 3 .. levels LOOP
                IF path[at] = 'tree' OR path[at] = '-' AND path[at + 1] = 'tree'
                   OR path[at] = 'src' AND path[at + 1] IN ('branch', 'tag', 'commit') THEN
                    levels := at - 1;
                    EXIT;
                END IF;
            END LOOP;
        END IF;
        IF levels < cardinality(path) THEN
            marker := CASE WHEN path[levels + 1] = 'tree' THEN 1
                           WHEN path[levels + 1] = '-' AND path[levels + 2] = 'tree'
                             OR path[levels + 1] = 'src' AND path[levels + 2] IN ('branch', 'tag', 'commit') THEN 2 END;
            IF marker IS NULL OR levels + marker = cardinality(path) THEN
                flaw := 'what follows the repository''s name is not a branch';
            ELSE
                ref := array_to_string(path[levels + marker + 1 :], '/');
                PERFORM queue.check_reference(ref);
            END IF;
        END IF;
        owner := array_to_string(path[: levels - 1], '/');
        name := regexp_replace(path[levels], '\.git$', '');
        IF owner || '/' || path[levels] !~ '^[A-Za-z0-9._][A-Za-z0-9._-]*(/[A-Za-z0-9._][A-Za-z0-9._-]*)+$'
           OR owner || '/' || path[levels] ~ '[^/]{101}' OR name IN ('', '.', '..') OR name COLLATE "C" ~* '\.git$' THEN
            flaw := 'a part of its path is no name';
        ELSIF octet_length(owner) > 255 OR host = 'github.com' AND (octet_length(owner) > 39 OR owner ~ '[._]') THEN
            flaw := 'its owner is no owner''s name';
        END IF;
    END IF;
    IF flaw IS NOT NULL THEN
        RAISE EXCEPTION 'the URL does not name a repository: %', flaw USING ERRCODE = 'RC001',
            -- Without passwords.
            DETAIL = format('It is "%s".', left(regexp_replace(
                regexp_replace(url, '//.*@', '//***@'), '^(?!git@[^@]*$)[^/]*@', '***@'), 200)),
            HINT = 'Allowed: https://host/owner/name, with or without .git or .../tree/BRANCH, and git@host:owner/name.';
    END IF;
    RETURN ARRAY['https://' || host || CASE WHEN port <> '443' THEN ':' || port ELSE '' END || '/' || owner || '/' || name,
                 host, ref];
END $$;
COMMENT ON FUNCTION queue.read_url(text) IS
    'Reads the URL of a repository: its one spelling, its host, and the reference that it names or null. Raises RC001 or RC002.';

CREATE FUNCTION queue.check_options(
    priority integer, run_at timestamptz, delay interval, unique_scope text, unique_window interval, on_conflict text,
    max_attempts integer, timeout interval, deadline timestamptz, tags text[], limit_key text
) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    flaw text := CASE
        WHEN priority NOT BETWEEN -100 AND 100 THEN format('priority is %s; it goes from -100 to 100', priority)
        WHEN run_at IS NOT NULL AND delay IS NOT NULL THEN 'run_at and delay are given; one of them says when to start'
        WHEN delay < '0' THEN format('delay is %s; it cannot be negative', delay)
        WHEN coalesce(run_at, queue.now() + delay) > queue.now() + interval '3660 days'
            THEN 'the start is more than ten years ahead'
        WHEN unique_scope NOT IN ('open', 'success') THEN format('unique_scope is "%s"; it is open or success', unique_scope)
        WHEN unique_window <= '0' THEN format('unique_window is %s; it must be more than nothing', unique_window)
        WHEN on_conflict NOT IN ('keep', 'replace', 'reschedule')
            THEN format('on_conflict is "%s"; it is keep, replace or reschedule', on_conflict)
        WHEN max_attempts NOT BETWEEN 1 AND 100 THEN format('max_attempts is %s; it goes from 1 to 100', max_attempts)
        WHEN timeout NOT BETWEEN '1 second' AND '30 days'
            THEN format('timeout is %s; it goes from 1 second to 30 days', timeout)
        WHEN deadline <= run_at THEN 'the deadline is not after run_at, so the job would never be started'
        WHEN limit_key IN ('', '*') THEN format('the limit key is "%s", which stands for others', limit_key)
        WHEN char_length(limit_key) > 255 THEN 'the limit key has more than 255 characters'
        WHEN cardinality(tags) > 32 THEN format('there are %s tags; 32 are allowed', cardinality(tags))
    END;
    tag text;
BEGIN
    IF tags IS NOT NULL AND flaw IS NULL THEN
        FOREACH tag IN ARRAY tags LOOP
            IF (char_length(tag) BETWEEN 1 AND 100 AND tag !~ '[[:cntrl:]]') IS NOT TRUE THEN
                flaw := 'a tag has 1 to 100 characters and no control characters';
            END IF;
        END LOOP;
    END IF;
    IF flaw IS NOT NULL THEN
        RAISE EXCEPTION 'the job cannot be enqueued: %', flaw USING ERRCODE = 'RC003',
            HINT = 'The comments on the functions tell the options and their limits: \df+ queue.enqueue*';
    END IF;
    RETURN true;
END $$;
COMMENT ON FUNCTION queue.check_options(
    integer, timestamptz, interval, text, interval, text, integer, interval, timestamptz, text[], text) IS
    'Raises RC003 where an option is out of its range. queue::enqueue::check in Rust says the same.';

-- Takes a unique key for a new job. Locks jobs before keys, as those do who end jobs.
CREATE FUNCTION queue.take_key(
    kind text, key text, new_id uuid, scope text, expires_at timestamptz, fingerprint text, may_follow boolean,
    OUT holder uuid
) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    held queue.unique_keys;
BEGIN
    IF char_length(key) NOT BETWEEN 1 AND 255 OR key ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'the job cannot be enqueued: its unique key is none, of % characters', char_length(key)
            USING ERRCODE = 'RC003', HINT = 'A unique key has 1 to 255 characters and no control characters.';
    END IF;
    LOOP
        SELECT * INTO held FROM queue.unique_keys AS taken WHERE taken.kind = kind AND taken.key = key;
        IF NOT FOUND THEN
            INSERT INTO queue.unique_keys AS taken (kind, key, job_id, until_done, expires_at, fingerprint)
            VALUES (kind, key, new_id, scope = 'open', expires_at, fingerprint) ON CONFLICT DO NOTHING;
        ELSE
            holder := held.job_id;
            -- One that started cannot be changed any more; where the key only stands for open jobs, another follows it.
            IF NOT (coalesce(held.expires_at <= queue.now(), false)
                    OR may_follow AND held.until_done
                       AND EXISTS (SELECT FROM queue.jobs AS job WHERE job.id = holder AND job.state = 'running')) THEN
                IF held.fingerprint <> fingerprint THEN
                    RAISE EXCEPTION 'the unique key "%" belongs to another request', key USING ERRCODE = 'RC004',
                        DETAIL = format('Job %s has it.', holder), HINT = 'Give each request a key of its own.';
                END IF;
                RETURN;
            END IF;
            UPDATE queue.unique_keys AS taken
            SET job_id = new_id, created_at = queue.now(), until_done = (scope = 'open'), expires_at = expires_at,
                fingerprint = fingerprint
            WHERE taken.kind = kind AND taken.key = key AND taken.job_id = holder;
        END IF;
        IF FOUND THEN
            holder := new_id;
            RETURN;
        END IF;
        -- Somebody else was faster: look again.
    END LOOP;
END $$;
COMMENT ON FUNCTION queue.take_key(text, text, uuid, text, timestamptz, text, boolean) IS
    'Takes a unique key for a job, unless another job holds it; returns who holds it then.';

CREATE FUNCTION queue.traceparent_of(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $1 ~ '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-|$)' THEN left($1, 255) END
$$;
COMMENT ON FUNCTION queue.traceparent_of(text) IS 'What it was given, or null where that is none: a trace is not worth a job.';

CREATE FUNCTION queue.enqueue_job(
    kind text,
    payload jsonb,
    priority integer DEFAULT 0,
    run_at timestamptz DEFAULT NULL,
    delay interval DEFAULT NULL,
    unique_key text DEFAULT NULL,
    unique_scope text DEFAULT 'success',
    unique_window interval DEFAULT NULL,
    on_conflict text DEFAULT 'keep',
    max_attempts integer DEFAULT 5,
    timeout interval DEFAULT NULL,
    deadline timestamptz DEFAULT NULL,
    tags text[] DEFAULT NULL,
    user_id uuid DEFAULT NULL,
    limit_key text DEFAULT NULL,
    traceparent text DEFAULT NULL,
    rerun_of uuid DEFAULT NULL,
    fingerprint text DEFAULT NULL,
    OUT id uuid,
    OUT is_new boolean
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    is_right constant boolean := queue.check_options(priority, run_at, delay, unique_scope, unique_window, on_conflict,
        max_attempts, timeout, deadline, tags, limit_key);
    now constant timestamptz := queue.now();
    start constant timestamptz := coalesce(run_at, now + delay, now);
    is_later constant boolean := start > now;
    new_id constant uuid := queue.id_of(queue.tick(), queue.random_tail());
    seconds constant integer := ceil(extract(epoch FROM timeout));
    moves constant boolean := on_conflict = 'reschedule';
    asked uuid;
BEGIN
    priority := coalesce(priority, 0);
    max_attempts := coalesce(max_attempts, 5);
    tags := nullif(tags, '{}');
    traceparent := queue.traceparent_of(traceparent);
    id := new_id;
    IF unique_key IS NOT NULL THEN
        LOOP
            id := queue.take_key(kind, unique_key, new_id, coalesce(unique_scope, 'success'), now + unique_window,
                                 fingerprint, asked IS NOT NULL);
            EXIT WHEN id = new_id OR coalesce(on_conflict, 'keep') = 'keep';
            UPDATE queue.jobs AS job
            SET payload = payload, priority = priority, max_attempts = max_attempts, deadline = deadline, tags = tags,
                timeout_seconds = seconds, user_id = user_id, limit_key = limit_key, traceparent = traceparent,
                rerun_of = rerun_of, lane = queue.lane(kind, limit_key, user_id),
                run_at = CASE WHEN moves THEN start ELSE job.run_at END,
                state = CASE WHEN NOT moves OR job.state = 'parked' THEN job.state
                             WHEN is_later THEN 'scheduled' ELSE 'available' END,
                due_at = CASE WHEN NOT moves OR job.state = 'parked' THEN job.due_at WHEN is_later THEN start END,
                rank = CASE WHEN NOT moves OR job.state = 'parked' THEN
                                CASE WHEN job.rank IS NOT NULL THEN queue.rank(job.run_at, priority) END
                            WHEN NOT is_later THEN queue.rank(start, priority) END
            WHERE job.id = id AND job.state <> 'running';
            IF FOUND THEN
                PERFORM queue.wake(kind), queue.wake_clock();
                EXIT;
            END IF;
            -- It has started or ended: its key may be had, unless another look says the same.
            EXIT WHEN asked = id;
            asked := id;
        END LOOP;
        is_new := id = new_id;
        IF NOT is_new THEN
            RETURN;
        END IF;
    END IF;
    is_new := true;
    INSERT INTO queue.jobs AS job (id, created_at, run_at, rank, due_at, deadline, lane, timeout_seconds, priority,
                                   max_attempts, user_id, rerun_of, kind, limit_key, unique_key, tags, traceparent,
                                   payload, state)
    VALUES (new_id, now, start,
            -- The time of this very call, so that jobs of one transaction do not share a place.
            CASE WHEN NOT is_later THEN queue.rank(start, priority) + (clock_timestamp() - pg_catalog.now()) END,
            CASE WHEN is_later THEN start END, deadline, queue.lane(kind, limit_key, user_id),
            seconds, priority, max_attempts, user_id, rerun_of, kind, limit_key, unique_key,
            tags, traceparent, payload, CASE WHEN is_later THEN 'scheduled' ELSE 'available' END);
    IF is_later THEN
        PERFORM queue.wake_clock();
    ELSE
        PERFORM queue.wake(kind);
    END IF;
END $$;
COMMENT ON FUNCTION queue.enqueue_job(
    text, jsonb, integer, timestamptz, interval, text, text, interval, text, integer, interval, timestamptz, text[], uuid,
    text, text, uuid, text) IS
    'Enqueues a job of any kind; see docs/enqueue.md. Options: priority (-100 to 100), run_at or delay, unique_key (1 to
255 characters) with unique_scope (success: given back where the job fails for good; open: where it ends), unique_window
and on_conflict (keep, replace, reschedule), max_attempts (1 to 100), timeout of an attempt (1 s to 30 days), deadline,
tags (at most 32), user_id, limit_key, traceparent, rerun_of. Returns the id, and whether the job is new.';

CREATE FUNCTION queue.enqueue_jobs(
    kind text,
    payloads jsonb[],
    priorities integer[] DEFAULT NULL,
    run_at timestamptz DEFAULT NULL,
    delay interval DEFAULT NULL,
    unique_keys text[] DEFAULT NULL,
    unique_scope text DEFAULT 'success',
    unique_window interval DEFAULT NULL,
    on_conflict text DEFAULT 'keep',
    max_attempts integer DEFAULT 5,
    timeout interval DEFAULT NULL,
    deadline timestamptz DEFAULT NULL,
    tags text[] DEFAULT NULL,
    user_id uuid DEFAULT NULL,
    limit_keys text[] DEFAULT NULL,
    traceparent text DEFAULT NULL
) RETURNS TABLE (id uuid, is_new boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    is_right constant boolean := queue.check_options(
        (SELECT priority FROM unnest(priorities) AS priority ORDER BY abs(priority) DESC NULLS LAST LIMIT 1),
        run_at, delay, unique_scope, unique_window, on_conflict, max_attempts, timeout, deadline, tags,
        CASE WHEN limit_keys && ARRAY['', '*'] THEN '*' END);
    total constant integer := cardinality(payloads);
    now constant timestamptz := queue.now();
    start constant timestamptz := coalesce(run_at, now + delay, now);
    is_later constant boolean := start > now;
    tick constant bigint := queue.tick();
    tail constant text := queue.random_tail();
    one_lane constant bigint := queue.lane(kind, NULL, user_id);
    seconds constant integer := ceil(extract(epoch FROM timeout));
    attempts constant integer := coalesce(max_attempts, 5);
    words constant text[] := nullif(tags, '{}');
    trace constant text := queue.traceparent_of(traceparent);
    state constant text := CASE WHEN is_later THEN 'scheduled' ELSE 'available' END;
    a_moment constant interval := '1 microsecond';
    ids uuid[];
    news boolean[];
    one record;
    at integer;
BEGIN
    IF cardinality(priorities) <> total OR cardinality(limit_keys) <> total OR cardinality(unique_keys) <> total THEN
        RAISE EXCEPTION 'the jobs cannot be enqueued: the arrays differ in length' USING ERRCODE = 'RC003',
            DETAIL = format('There are %s payloads, %s priorities, %s unique keys and %s limit keys.', total,
                            cardinality(priorities), cardinality(unique_keys), cardinality(limit_keys)),
            HINT = 'Give one element for each job, null for the default, or leave an array out.';
    END IF;
    IF unique_keys IS NOT NULL THEN
        ids := array_fill(NULL::uuid, ARRAY[total]);
        news := array_fill(false, ARRAY[total]);
        -- In the order of the keys, so that of two calls with the same keys none waits for the other in a circle.
        FOR at IN SELECT n FROM unnest(unique_keys) WITH ORDINALITY AS asked (key, n) ORDER BY key, n LOOP
            one := queue.enqueue_job(kind, payloads[at], priorities[at], run_at, delay, unique_keys[at],
                                     unique_scope, unique_window, on_conflict, max_attempts, timeout, deadline, tags,
                                     user_id, limit_keys[at], traceparent);
            ids[at] := one.id;
            news[at] := one.is_new;
        END LOOP;
        RETURN QUERY SELECT * FROM unnest(ids, news);
        RETURN;
    END IF;
    -- One statement. Each job has a microsecond of its own, so that they keep their order and share no place in line.
    RETURN QUERY
    INSERT INTO queue.jobs AS job (id, created_at, run_at, rank, due_at, deadline, lane, timeout_seconds, priority,
                                   max_attempts, user_id, kind, limit_key, tags, traceparent, payload, state)
    SELECT queue.id_of(number, tail), now, CASE WHEN is_later THEN place ELSE start END,
           CASE WHEN is_later THEN NULL WHEN priority IS NULL THEN place ELSE queue.rank(place, priority) END,
           CASE WHEN is_later THEN place END, deadline,
           CASE WHEN limit_key IS NULL THEN one_lane ELSE queue.lane(kind, limit_key, user_id) END,
           seconds, coalesce(priority, 0), attempts, user_id, kind, limit_key, words, trace, payload, state
    FROM (SELECT generate_series(tick + 1, tick + total) AS number,
                 generate_series(start + a_moment, start + total * a_moment, a_moment) AS place,
                 unnest(payloads) AS payload, unnest(priorities) AS priority, unnest(limit_keys) AS limit_key) AS given
    RETURNING job.id, true;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF is_later THEN
        PERFORM queue.wake_clock();
    ELSE
        PERFORM queue.wake(kind);
    END IF;
END $$;
COMMENT ON FUNCTION queue.enqueue_jobs(
    text, jsonb[], integer[], timestamptz, interval, text[], text, interval, text, integer, interval, timestamptz, text[],
    uuid, text[], text) IS
    'Enqueues many jobs of a kind, all or none, in the order given; the options are those of queue.enqueue_job, in an array
where each job has its own. Returns the id of each, and whether it is new, in that order.';

CREATE FUNCTION queue.generation_payload(github_url text, ref text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ref IS NULL THEN jsonb_build_object('github_url', github_url)
                ELSE jsonb_build_object('github_url', github_url, 'ref', ref) END
$$;
COMMENT ON FUNCTION queue.generation_payload(text, text) IS 'The payload of a generation job: GenerationRequest in Rust.';

CREATE FUNCTION queue.enqueue_generation(
    url text,
    ref text DEFAULT NULL,
    priority integer DEFAULT 0,
    run_at timestamptz DEFAULT NULL,
    delay interval DEFAULT NULL,
    unique_key text DEFAULT NULL,
    unique_scope text DEFAULT 'success',
    unique_window interval DEFAULT NULL,
    on_conflict text DEFAULT 'keep',
    max_attempts integer DEFAULT 5,
    timeout interval DEFAULT NULL,
    deadline timestamptz DEFAULT NULL,
    tags text[] DEFAULT NULL,
    user_id uuid DEFAULT NULL,
    limit_key text DEFAULT NULL,
    traceparent text DEFAULT NULL,
    OUT id uuid,
    OUT is_new boolean
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    wanted constant text[] := queue.read_url(url);
    enqueued record;
BEGIN
    IF ref IS NOT NULL THEN
        PERFORM queue.check_reference(ref);
    END IF;
    enqueued := queue.enqueue_job('generation', queue.generation_payload(wanted[1], coalesce(ref, wanted[3])),
        priority, run_at, delay, unique_key, unique_scope, unique_window, on_conflict, max_attempts, timeout, deadline,
        tags, user_id, coalesce(limit_key, wanted[2]), traceparent);
    id := enqueued.id;
    is_new := enqueued.is_new;
END $$;
COMMENT ON FUNCTION queue.enqueue_generation(
    text, text, integer, timestamptz, interval, text, text, interval, text, integer, interval, timestamptz, text[], uuid,
    text, text) IS
    'Asks for the cat of a repository: https://host/owner/name or git@host:owner/name; ref is a branch, tag or commit. The
options are those of queue.enqueue_job; limits go by the host unless limit_key says otherwise. Returns the id, which the
generation will bear, too, and whether the job is new. See docs/enqueue.md.';

CREATE FUNCTION queue.enqueue_generations(
    urls text[],
    refs text[] DEFAULT NULL,
    priorities integer[] DEFAULT NULL,
    run_at timestamptz DEFAULT NULL,
    delay interval DEFAULT NULL,
    unique_keys text[] DEFAULT NULL,
    unique_scope text DEFAULT 'success',
    unique_window interval DEFAULT NULL,
    on_conflict text DEFAULT 'keep',
    max_attempts integer DEFAULT 5,
    timeout interval DEFAULT NULL,
    deadline timestamptz DEFAULT NULL,
    tags text[] DEFAULT NULL,
    user_id uuid DEFAULT NULL,
    traceparent text DEFAULT NULL
) RETURNS TABLE (id uuid, is_new boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    payloads jsonb[];
    hosts text[];
BEGIN
    IF cardinality(refs) <> cardinality(urls) THEN
        RAISE EXCEPTION 'the jobs cannot be enqueued: there are % URLs and % refs', cardinality(urls), cardinality(refs)
            USING ERRCODE = 'RC003', HINT = 'Give a ref for each URL, null for the default branch, or leave refs out.';
    END IF;
    PERFORM queue.check_reference(ref) FROM unnest(refs) AS ref WHERE ref IS NOT NULL;
    -- Most are written plainly already; to see that is far cheaper than to read them.
    SELECT array_agg(queue.generation_payload(wanted[1], coalesce(ref, wanted[3]))), array_agg(wanted[2])
    INTO payloads, hosts
    FROM (SELECT given.ref, CASE
              WHEN octet_length(given.url) <= 60 AND given.url COLLATE "C"
                   ~ '^https://(github\.com|gitlab\.com|codeberg\.org|bitbucket\.org)/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9][A-Za-z0-9_-]*$'
              THEN ARRAY[given.url, split_part(given.url, '/', 3), NULL]
              ELSE queue.read_url(given.url) END AS wanted
          FROM unnest(urls, refs) AS given (url, ref) OFFSET 0) AS given;
    RETURN QUERY SELECT * FROM queue.enqueue_jobs('generation', coalesce(payloads, '{}'), priorities, run_at, delay,
        unique_keys, unique_scope, unique_window, on_conflict, max_attempts, timeout, deadline, tags, user_id, hosts,
        traceparent);
END $$;
COMMENT ON FUNCTION queue.enqueue_generations(
    text[], text[], integer[], timestamptz, interval, text[], text, interval, text, integer, interval, timestamptz, text[],
    uuid, text) IS
    'Asks for many cats, all or none; the options are those of queue.enqueue_generation, in an array where each has its
own. Returns the id of each, and whether the job is new, in the order of the URLs.';

CREATE FUNCTION queue.status(id uuid) RETURNS TABLE (
    state text, kind text, priority smallint, run_at timestamptz, created_at timestamptz, started_at timestamptz,
    finished_at timestamptz, attempts smallint, max_attempts smallint, parked_because text, step text, fraction real,
    error text, hint text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT job.state, job.kind, job.priority, job.run_at, job.created_at, job.started_at, job.finished_at, job.attempts,
           job.max_attempts, job.parked_because, step.step, step.fraction, attempt.error, attempt.hint
    FROM (SELECT state, kind, priority, run_at, created_at, started_at, NULL::timestamptz AS finished_at, attempts,
                 max_attempts, parked_because
          FROM queue.jobs WHERE jobs.id = status.id
          UNION ALL
          SELECT state, kind, priority, run_at, created_at, started_at, finished_at, attempts, max_attempts, NULL
          FROM queue.history WHERE history.id = status.id) AS job
    LEFT JOIN LATERAL (
        SELECT steps.step, steps.fraction FROM queue.steps WHERE steps.job_id = status.id AND steps.state = 'running'
        ORDER BY steps.started_at DESC LIMIT 1) AS step ON true
    LEFT JOIN LATERAL (
        SELECT attempts.error, attempts.hint FROM queue.attempts WHERE attempts.job_id = status.id AND job.state <> 'completed'
        ORDER BY attempts.claim DESC LIMIT 1) AS attempt ON true
    LIMIT 1
$$;
COMMENT ON FUNCTION queue.status(uuid) IS
    'Where a job stands: its state (scheduled, available, running, parked, completed, discarded or cancelled), the step that
runs, and the error of its last attempt unless it is completed. No row where there is no such job.';

CREATE FUNCTION queue.result(id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_jsonb(generation) FROM public.generations AS generation WHERE generation.id = result.id
$$;
COMMENT ON FUNCTION queue.result(uuid) IS 'The generation that a job made: its row of public.generations. Null until it is completed.';

-- Functions may be executed by everybody unless one says otherwise.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA queue FROM PUBLIC;

CREATE FUNCTION queue.allow_enqueueing(role name) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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
REVOKE EXECUTE ON FUNCTION queue.allow_enqueueing(name) FROM PUBLIC;
COMMENT ON FUNCTION queue.allow_enqueueing(name) IS
    'Lets a role ask for cats and look how far they are, and nothing else. Done for repo_to_cat_enqueuer, where that exists.';

-- Roles belong to the whole server: another database of it may have made this one, or be making it now.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'repo_to_cat_enqueuer') THEN
        CREATE ROLE repo_to_cat_enqueuer NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'the role repo_to_cat_enqueuer was not made: %', SQLERRM
            USING HINT = 'Have an administrator make it, then: SELECT queue.allow_enqueueing(''repo_to_cat_enqueuer'')';
END $$;
SELECT queue.allow_enqueueing(rolname) FROM pg_roles WHERE rolname = 'repo_to_cat_enqueuer';
