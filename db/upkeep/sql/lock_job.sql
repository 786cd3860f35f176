-- Hold a job still until the transaction ends. Called before a statement that reads what belongs to the job: one that
-- waits for the lock itself would see the job as it is now, and all else as it was before the wait.
-- Zero rows: there is no such job.
SELECT id
FROM jobs
WHERE id = :id
FOR SHARE
