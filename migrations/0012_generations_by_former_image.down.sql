-- no-transaction
DROP INDEX CONCURRENTLY IF EXISTS public.generations_by_former_image;
