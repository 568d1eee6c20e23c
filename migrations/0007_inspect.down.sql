DROP INDEX queue.history_by_time;
CREATE INDEX history_by_time ON queue.history USING brin (finished_at);
DROP TRIGGER keep_worker_name ON queue.workers;
DROP FUNCTION queue.keep_worker_name();
DROP TABLE queue.worker_names;
DROP INDEX queue.jobs_parked, queue.jobs_scheduled, queue.jobs_by_user;
DROP VIEW queue.all_jobs;
