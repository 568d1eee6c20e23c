-- no-transaction
DROP INDEX CONCURRENTLY IF EXISTS public.generations_by_analysis;
