-- Who was asked in vain at a step of a job, in this attempt and those before it.
ALTER TABLE {schema}.job_calls ADD COLUMN failed_attempts jsonb NOT NULL DEFAULT '[]';
