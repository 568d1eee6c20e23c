-- People and what they prove who they are with. The table users may be ours or one that an adopted application made and
-- goes on writing: what is there already stays as it is, and no column of ours needs a value from it.

-- A column that this migration adds says so in its comment, so that taking the migration back knows which ones to drop.
DO $$
DECLARE
    wanted text;
    meaning text;
    is_new boolean;
BEGIN
    FOR wanted, meaning IN VALUES
        ('email', 'E-mail address, unique; null: none is known.'),
        ('password_hash', 'Password, hashed by bcrypt; null: none was set.')
    LOOP
        is_new := NOT EXISTS (
            SELECT FROM pg_catalog.pg_attribute
            WHERE attrelid = 'public.users'::regclass AND attname = wanted AND NOT attisdropped);
        IF is_new THEN
            EXECUTE format('ALTER TABLE public.users ADD COLUMN %I varchar(255)', wanted);
        ELSE
            EXECUTE format('ALTER TABLE public.users ALTER COLUMN %I DROP NOT NULL', wanted);
        END IF;
        EXECUTE format('COMMENT ON COLUMN public.users.%I IS %L', wanted,
            meaning || CASE WHEN is_new THEN ' Added by migration 0010.' ELSE ' Of the adopted application.' END);
    END LOOP;

    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_index AS index
        JOIN pg_catalog.pg_attribute AS email ON email.attrelid = index.indrelid AND email.attnum = index.indkey[0]
        WHERE index.indrelid = 'public.users'::regclass AND email.attname = 'email'
          AND index.indisunique AND index.indisvalid AND index.indnkeyatts = 1 AND index.indpred IS NULL)
    THEN
        ALTER TABLE public.users ADD CONSTRAINT users_email_unique UNIQUE (email);
    END IF;
END $$;

ALTER TABLE public.users ALTER COLUMN username DROP NOT NULL;
ALTER TABLE public.users ADD COLUMN disabled_at timestamptz;
COMMENT ON COLUMN public.users.disabled_at IS 'Since when the user is disabled: no token of a disabled user works; null: is not.';
COMMENT ON COLUMN public.users.api_token IS
    'Always null: a token that is written here becomes a row of public.tokens named api_token, hashed, in place of the one before.';

CREATE TABLE public.tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT queue.now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    -- Deferred: the trigger of users.api_token writes the token before the user's row is there.
    CONSTRAINT tokens_of_user FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT tokens_hash_unique UNIQUE (hash),
    CONSTRAINT tokens_hash_is_sha256 CHECK (octet_length(hash) = 32),
    CONSTRAINT tokens_end_in_time CHECK (isfinite(expires_at)),
    CONSTRAINT tokens_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT tokens_scopes_known CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['enqueue', 'read', 'admin'])
);
CREATE INDEX tokens_by_user ON public.tokens (user_id);

COMMENT ON TABLE public.tokens IS 'What users prove who they are with. The tokens themselves are nowhere: only their hashes.';
COMMENT ON COLUMN public.tokens.id IS 'Identity of the token.';
COMMENT ON COLUMN public.tokens.user_id IS 'Whose it is.';
COMMENT ON COLUMN public.tokens.name IS 'What it is for; api_token: it came by way of users.api_token.';
COMMENT ON COLUMN public.tokens.prefix IS 'How it begins, to recognise it by: 12 characters, of short ones from elsewhere at most a quarter.';
COMMENT ON COLUMN public.tokens.hash IS 'SHA-256 of its UTF-8 bytes.';
COMMENT ON COLUMN public.tokens.scopes IS 'What it allows: enqueue, read, admin.';
COMMENT ON COLUMN public.tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN public.tokens.expires_at IS 'From when on it does not work; null: never.';
COMMENT ON COLUMN public.tokens.last_used_at IS 'When it was used last, to the minute; null: never yet.';
COMMENT ON COLUMN public.tokens.revoked_at IS 'Since when it does not work any more; null: it was not revoked.';

-- With the rights of who migrated: the adopted application may know nothing of public.tokens.
CREATE FUNCTION public.hash_api_token() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hashed CONSTANT bytea := sha256(convert_to(NEW.api_token, 'UTF8'));
BEGIN
    -- An empty one proves nothing. The same one again changes nothing.
    IF NEW.api_token <> '' AND NOT EXISTS (SELECT FROM public.tokens WHERE user_id = NEW.id AND hash = hashed) THEN
        UPDATE public.tokens SET revoked_at = queue.now()
        WHERE user_id = NEW.id AND name = 'api_token' AND revoked_at IS NULL;
        INSERT INTO public.tokens (user_id, name, prefix, hash, scopes)
        VALUES (NEW.id, 'api_token', left(NEW.api_token, least(12, char_length(NEW.api_token) / 4)), hashed,
                ARRAY['enqueue', 'read']);
    END IF;
    NEW.api_token := NULL;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION public.hash_api_token() IS
    'Keeps plain tokens out of the database: what is written to users.api_token becomes a hashed token of scopes enqueue and read.
A new one revokes the one before; null changes nothing. Revoke with: repo-to-cat users token revoke.';

CREATE TRIGGER hash_api_token BEFORE INSERT OR UPDATE OF api_token ON public.users FOR EACH ROW
    WHEN (NEW.api_token IS NOT NULL) EXECUTE FUNCTION public.hash_api_token();
COMMENT ON TRIGGER hash_api_token ON public.users IS 'No plain token is ever stored.';

-- The tokens that are there go on working.
UPDATE public.users SET api_token = api_token WHERE api_token IS NOT NULL;
UPDATE public.tokens AS token SET created_at = owner.created_at AT TIME ZONE 'utc'
FROM public.users AS owner WHERE owner.id = token.user_id;
