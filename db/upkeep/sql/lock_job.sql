-- Lock a job until the transaction ends. Called before a statement that reads the job's rows: if that statement waited
-- for the lock itself, it would see the job as of now and everything else as of before the wait. Zero rows: there is no
-- such job.
SELECT id
FROM jobs
WHERE id = :id
FOR SHARE
