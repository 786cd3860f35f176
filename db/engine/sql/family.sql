-- Read a job with its family: its ancestors, the jobs that failed because of it, and the jobs that made the files from
-- which these were requested. Called before a redrive, after lock_families has locked them all.
-- `has_source` and `output_age` describe the output of the last submission; `has_input` says whether the input of a job
-- is still kept and may be used; a job that a deletion erased has neither. Zero rows: there is no such job.
WITH RECURSIVE above AS (
    SELECT id, parent_id FROM jobs WHERE id = :job
    UNION ALL
    SELECT parent.id, parent.parent_id FROM jobs parent JOIN above ON parent.id = above.parent_id
), below AS (
    SELECT id FROM jobs WHERE id = :job
    UNION ALL
    SELECT child.id FROM jobs child JOIN below ON child.parent_id = below.id
    WHERE child.error_code = 'parent_failed' AND child.state IN ('compensating', 'failed', 'canceled')
), makers AS (
    SELECT maker.id FROM above JOIN job_requests r ON r.job_id = above.id JOIN jobs maker ON maker.output_id = r.input_id
)
SELECT j.id, j.kind, j.parent_id, j.state, j.priority, j.failures, j.cancel_requested_at IS NOT NULL AS cancel_requested,
       j.credits, j.account_id, coalesce(s.user_ref, '') AS user_ref,
       j.id <> :job AND j.id IN (SELECT id FROM below) AS is_below,
       a.source_key IS NOT NULL AND r.erased_at IS NULL AS has_source,
       CASE WHEN a.output_urls IS NOT NULL AND r.erased_at IS NULL THEN diorama_now() - a.completed_at END AS output_age,
       j.error_code,
       coalesce(r.erased_at IS NULL AND input.state = 'ready' AND (input.expires_at IS NULL OR input.expires_at > diorama_now()), false) AS has_input
FROM jobs j
JOIN job_requests r ON r.job_id = j.id
LEFT JOIN jobs parent ON parent.id = j.parent_id
LEFT JOIN assets input ON input.id = coalesce(r.input_id, parent.output_id)
LEFT JOIN sessions s ON s.id = j.session_id
LEFT JOIN attempts a ON (a.job_id, a.attempt) = (j.id, j.attempt)
WHERE j.id IN (SELECT id FROM above UNION SELECT id FROM below UNION SELECT id FROM makers)
ORDER BY j.id
