-- The tables of the founding guide, with its columns, names and types, and what we keep beside them.
-- Index names differ from the guide's examples so that its CREATE INDEX lines run verbatim.

CREATE TABLE public.users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    username VARCHAR(255) UNIQUE,
    api_token VARCHAR(255) UNIQUE,
    created_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    updated_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'utc')
);

COMMENT ON TABLE public.users IS 'People and services that own generations.';
COMMENT ON COLUMN public.users.id IS 'Identity of the user.';
COMMENT ON COLUMN public.users.username IS 'Name for people, unique.';
COMMENT ON COLUMN public.users.api_token IS 'Token of the founding application; unique.';
COMMENT ON COLUMN public.users.created_at IS 'When the user was added, UTC.';
COMMENT ON COLUMN public.users.updated_at IS 'When the user was last changed, UTC.';

CREATE TABLE public.generations (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    github_url TEXT NOT NULL,
    repo_owner VARCHAR(255),
    repo_name VARCHAR(255),
    primary_language VARCHAR(100),
    repo_size_kb INTEGER,
    code_quality_score NUMERIC(3,1),
    cat_attributes JSONB,
    analysis_data JSONB,
    image_path TEXT,
    image_prompt TEXT,
    created_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    commit_oid TEXT,
    user_id UUID REFERENCES public.users (id) ON DELETE SET NULL,
    story TEXT,
    meme_text_top VARCHAR(100),
    meme_text_bottom VARCHAR(100),
    score_model TEXT,
    degraded BOOLEAN NOT NULL DEFAULT false,
    original_image_path TEXT,
    image_bytes BIGINT,
    image_type TEXT,
    image_width INTEGER,
    image_height INTEGER,
    step_seconds JSONB
);

CREATE INDEX generations_newest ON public.generations (created_at DESC, id DESC);
CREATE INDEX generations_by_repository ON public.generations (repo_owner, repo_name, created_at DESC);
CREATE INDEX generations_by_url ON public.generations (github_url, created_at DESC);
CREATE INDEX generations_by_user ON public.generations (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX generations_by_attribute ON public.generations USING GIN (cat_attributes jsonb_path_ops);
CREATE INDEX generations_by_image ON public.generations (image_path);
CREATE INDEX generations_by_original_image ON public.generations (original_image_path);

COMMENT ON TABLE public.generations IS 'One cat: the result of one completed generation job, whose id it bears.';
COMMENT ON COLUMN public.generations.id IS 'Id of the job that made it.';
COMMENT ON COLUMN public.generations.github_url IS 'Canonical URL of the repository; file:// for a local one.';
COMMENT ON COLUMN public.generations.repo_owner IS 'Owner of the repository, with subgroups; local for a local one.';
COMMENT ON COLUMN public.generations.repo_name IS 'Name of the repository.';
COMMENT ON COLUMN public.generations.primary_language IS 'Language with the most code; null where none was recognised.';
COMMENT ON COLUMN public.generations.repo_size_kb IS 'Sum of the blobs at the commit, in KB of 1,024 bytes.';
COMMENT ON COLUMN public.generations.code_quality_score IS '0.0 to 10.0; null where there was too little code to judge.';
COMMENT ON COLUMN public.generations.cat_attributes IS 'What the cat is like: size, age, breed, color, expression, ...';
COMMENT ON COLUMN public.generations.analysis_data IS 'The whole analysis.';
COMMENT ON COLUMN public.generations.image_path IS 'Key of the captioned picture in the image store.';
COMMENT ON COLUMN public.generations.image_prompt IS 'Prompt for a text-to-image service.';
COMMENT ON COLUMN public.generations.created_at IS 'When the result was persisted, UTC.';
COMMENT ON COLUMN public.generations.commit_oid IS 'The commit that was analysed.';
COMMENT ON COLUMN public.generations.user_id IS 'Who asked for it.';
COMMENT ON COLUMN public.generations.story IS 'Three to five sentences about the repository.';
COMMENT ON COLUMN public.generations.meme_text_top IS 'Upper line of the caption.';
COMMENT ON COLUMN public.generations.meme_text_bottom IS 'Lower line of the caption.';
COMMENT ON COLUMN public.generations.score_model IS 'Version of the scoring rules.';
COMMENT ON COLUMN public.generations.degraded IS 'Whether a fall-back provider stood in for the wanted one.';
COMMENT ON COLUMN public.generations.original_image_path IS 'Key of the picture without caption in the image store.';
COMMENT ON COLUMN public.generations.image_bytes IS 'Size of the captioned picture in bytes.';
COMMENT ON COLUMN public.generations.image_type IS 'Media type of the pictures.';
COMMENT ON COLUMN public.generations.image_width IS 'Width of the pictures in pixels.';
COMMENT ON COLUMN public.generations.image_height IS 'Height of the pictures in pixels.';
COMMENT ON COLUMN public.generations.step_seconds IS 'Seconds each step took, by name.';
