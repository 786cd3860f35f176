-- Find copies of provider outputs whose jobs ended long ago, oldest first. Called by retention. Zero rows: nothing is
-- due.
SELECT a.job_id, a.attempt, a.source_key
FROM attempts a
JOIN jobs j ON j.id = a.job_id
WHERE a.source_key IS NOT NULL
  AND a.completed_at <= diorama_now() - CAST(:kept_for AS interval)
  AND j.finished_at <= diorama_now() - CAST(:kept_for AS interval)
ORDER BY a.completed_at
LIMIT :most
