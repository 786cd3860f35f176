-- Store what the provider reported about predictions, in its list or in a signed webhook, with their jobs locked.
-- Called by the tracker and by `take_webhook`. An end is final: no older page may cover it up again. The job of a
-- prediction that has ended is due at once, and its poll reads the sighting instead of the provider. A poll under way
-- has not seen the end and is fenced off: it would postpone the next poll. A submission whose response is not recorded
-- yet keeps the sighting for the job's first poll.
-- Returns the jobs that have become due. Zero rows: none has ended, or they have all moved on.
WITH seen AS (
    UPDATE attempts AS a
    SET sighting = CAST(given.sighting AS jsonb)
    FROM unnest(
        CAST(:job_id AS uuid[]), CAST(:prediction_id AS text[]), CAST(:sighting AS text[]), CAST(:has_ended AS boolean[])
    ) AS given (job_id, prediction_id, sighting, has_ended)
    WHERE a.job_id = given.job_id
      AND coalesce(a.prediction_id, a.noted_prediction_id) = given.prediction_id
      AND a.status IN ('submitting', 'lost', 'running')
      AND NOT coalesce((a.sighting -> 'has_ended')::boolean, false)
    RETURNING a.job_id, a.attempt, given.has_ended
)
UPDATE jobs AS j
SET due_at = least(j.due_at, diorama_now()),
    lease = j.lease + CASE WHEN j.lease_expires_at IS NULL THEN 0 ELSE 1 END,
    claims = CASE WHEN j.lease_expires_at IS NULL THEN j.claims ELSE 0 END,
    lease_expires_at = NULL,
    claimed_by = NULL
FROM seen
WHERE j.id = seen.job_id
  AND j.attempt = seen.attempt
  AND j.state = 'generating'
  AND seen.has_ended
RETURNING j.id
