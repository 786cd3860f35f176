-- Of the given jobs, return those whose steps may go on, each with its lease: it is leased, and no cancel waits. Called
-- once a second while a worker has long steps. If a job is missing or has another lease, its step stops. A canceled job
-- that is compensating goes on, because compensation executes the cancel.
SELECT id, lease
FROM jobs
WHERE id = ANY (:ids)
  AND lease_expires_at IS NOT NULL
  AND (cancel_requested_at IS NULL OR state = 'compensating')
