-- Tokens do not come back as plain ones: nobody knows them. What the adopted application brought stays with its data;
-- its NOT NULLs do not come back either, for users may have been added since who have no such value.
DROP TRIGGER hash_api_token ON public.users;
DROP FUNCTION public.hash_api_token();
DROP TABLE public.tokens;
COMMENT ON COLUMN public.users.api_token IS 'Token of the founding application; unique.';
ALTER TABLE public.users DROP COLUMN disabled_at;
ALTER TABLE public.users DROP CONSTRAINT IF EXISTS users_email_unique;
DO $$
DECLARE
    there record;
BEGIN
    FOR there IN
        SELECT attname AS name, col_description(attrelid, attnum) LIKE '%Added by migration 0010.' AS is_ours
        FROM pg_catalog.pg_attribute
        WHERE attrelid = 'public.users'::regclass AND attname IN ('email', 'password_hash') AND NOT attisdropped
    LOOP
        IF there.is_ours THEN
            EXECUTE format('ALTER TABLE public.users DROP COLUMN %I', there.name);
        ELSE
            EXECUTE format('COMMENT ON COLUMN public.users.%I IS NULL', there.name);
        END IF;
    END LOOP;
END $$;
