DROP TABLE queue.job_logs;
