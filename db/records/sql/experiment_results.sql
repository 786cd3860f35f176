-- Count the outcomes of each variant of each prompt experiment since a time; null counts all. Called for support. A
-- variant without a submission has no row. Only what the model judged counts as ended: a submission that was refused
-- for want of capacity, lost or canceled says nothing about a prompt.
SELECT a.experiment, a.variant,
       count(DISTINCT a.job_id) AS jobs,
       count(*) AS attempts,
       count(*) FILTER (WHERE a.status IN ('succeeded', 'failed', 'rejected')) AS ended,
       count(*) FILTER (WHERE a.status = 'succeeded') AS succeeded,
       count(*) FILTER (WHERE a.status IN ('failed', 'rejected') AND EXISTS (
           SELECT 1
           FROM job_events e
           WHERE (e.job_id, e.attempt) = (a.job_id, a.attempt)
             AND e.event IN ('generation_failed', 'rejected')
             AND e.error_code = 'content_rejected'
       )) AS declined,
       CAST(sum(a.cost_micros) AS bigint) AS cost_micros,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.completed_at - a.accepted_at))
           FILTER (WHERE a.status = 'succeeded') AS median_s
FROM attempts a
WHERE a.experiment IS NOT NULL
  AND a.started_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
GROUP BY a.experiment, a.variant
ORDER BY a.experiment, a.variant
