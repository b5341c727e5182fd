-- A journal ends with its job, whoever writes to it at that moment.
DELETE FROM {schema}.job_calls c WHERE NOT EXISTS (SELECT FROM {schema}.job_queue q WHERE q.job_id = c.job_id);
ALTER TABLE {schema}.job_calls
  ADD FOREIGN KEY (job_id) REFERENCES {schema}.job_queue ON DELETE CASCADE,
  DROP COLUMN attempts,
  DROP COLUMN started_at;
