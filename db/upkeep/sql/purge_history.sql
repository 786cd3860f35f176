-- Delete old events of ended jobs that are in no monthly partition. Called by retention, a batch at a time. Zero rows:
-- the default partition has no old events.
DELETE FROM job_events_other
WHERE ctid = ANY (ARRAY(
    SELECT e.ctid
    FROM job_events_other e
    JOIN jobs j ON j.id = e.job_id
    WHERE j.finished_at <= diorama_now() - CAST(:kept_for AS interval)
    LIMIT :most
))
RETURNING job_id
