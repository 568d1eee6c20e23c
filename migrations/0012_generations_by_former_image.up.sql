-- no-transaction
-- Old addresses of pictures lead to them after adoption. Only rows that have one are in it.
CREATE INDEX CONCURRENTLY generations_by_former_image ON public.generations (former_image_path)
    WHERE former_image_path IS NOT NULL;
