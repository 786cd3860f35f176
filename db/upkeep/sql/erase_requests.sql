-- Remove the words of users from the requests of a deletion's jobs. Called in the transaction that requests the
-- deletion. Zero rows: they have been removed.
UPDATE job_requests
SET details = NULL, metadata = NULL, request_id = NULL, erased_at = diorama_now()
FROM deletion_jobs d
WHERE d.deletion_id = :id AND job_requests.job_id = d.job_id AND job_requests.erased_at IS NULL
RETURNING job_requests.job_id
