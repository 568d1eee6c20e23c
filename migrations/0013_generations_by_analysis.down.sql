-- no-transaction
DROP INDEX CONCURRENTLY public.generations_by_analysis;
