-- What the HTTP listener keeps: logins at the dashboard, and who did what.

CREATE SCHEMA web;
COMMENT ON SCHEMA web IS 'What the HTTP listener of repo-to-cat keeps: logins at the dashboard, and who did what.';

CREATE TABLE web.sessions (
    hash bytea PRIMARY KEY,
    token_id uuid NOT NULL REFERENCES public.tokens (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT queue.now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT sessions_hash_is_sha256 CHECK (octet_length(hash) = 32)
);
CREATE INDEX sessions_by_token ON web.sessions (token_id);
CREATE INDEX sessions_by_end ON web.sessions (expires_at);

COMMENT ON TABLE web.sessions IS 'Logins at the dashboard. Each lasts as long as it says, and no longer than its token works.';
COMMENT ON COLUMN web.sessions.hash IS 'SHA-256 of what the browser''s cookie holds.';
COMMENT ON COLUMN web.sessions.token_id IS 'The token that it was begun with.';
COMMENT ON COLUMN web.sessions.created_at IS 'When it was begun.';
COMMENT ON COLUMN web.sessions.expires_at IS 'From when on it does not hold.';

CREATE TABLE web.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT queue.now(),
    user_id uuid,
    token_id uuid,
    who text NOT NULL,
    via text NOT NULL,
    action text NOT NULL,
    target text,
    detail jsonb,
    outcome text,
    request_id text,
    CONSTRAINT audit_via_known CHECK (via IN ('http', 'dashboard'))
);
CREATE INDEX audit_by_time ON web.audit (at);

COMMENT ON TABLE web.audit IS 'Who did what by HTTP or at the dashboard: written before it is done, so that nothing is done unseen.';
COMMENT ON COLUMN web.audit.id IS 'Identity, in the order of time.';
COMMENT ON COLUMN web.audit.at IS 'When it was begun.';
COMMENT ON COLUMN web.audit.user_id IS 'Who did it; null: the listener asks nobody who they are. The user may be gone by now.';
COMMENT ON COLUMN web.audit.token_id IS 'With which token; it may be gone by now.';
COMMENT ON COLUMN web.audit.who IS 'The user''s name at that time.';
COMMENT ON COLUMN web.audit.via IS 'http: the interface for services; dashboard: the pages for people.';
COMMENT ON COLUMN web.audit.action IS 'What was done, such as jobs.cancel.';
COMMENT ON COLUMN web.audit.target IS 'To what: an id or a name; null: to nothing in particular.';
COMMENT ON COLUMN web.audit.detail IS 'How: what was asked for, without secrets.';
COMMENT ON COLUMN web.audit.outcome IS 'done, or why it failed; null: it is under way, or its process ended.';
COMMENT ON COLUMN web.audit.request_id IS 'The request, as its answer and the log name it.';
