-- Write what came of trying to undo something. Sources whose objects are gone are forgotten, save the one kept.
-- Zero rows of the last update: no attempt had a source.
WITH tried AS (
    UPDATE compensation_actions AS a
    SET state = c.state, result = c.result, last_error = coalesce(c.last_error, a.last_error), tries = a.tries + 1,
        changed_at = diorama_now()
    FROM unnest(
        CAST(:job_id AS uuid[]), CAST(:cycle AS integer[]), CAST(:action AS text[]), CAST(:state AS text[]),
        CAST(:result AS text[]), CAST(:last_error AS text[])
    ) AS c (job_id, cycle, action, state, result, last_error)
    WHERE (a.job_id, a.cycle, a.action) = (c.job_id, c.cycle, c.action)
      AND a.state = 'pending'
    RETURNING a.job_id, a.action, a.state, a.keep_key
)
UPDATE attempts
SET source_key = NULL
FROM tried
WHERE attempts.job_id = tried.job_id
  AND tried.action = 'delete_objects'
  AND tried.state = 'done'
  AND attempts.source_key IS DISTINCT FROM tried.keep_key
