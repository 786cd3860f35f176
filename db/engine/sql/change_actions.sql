-- Write the results of compensating actions. Clears the keys of sources whose objects are deleted, except the one that
-- the job's last cycle keeps and those of submissions later than the action's.
-- Zero rows of the last update: no attempt had a source.
WITH tried AS (
    UPDATE compensation_actions AS a
    SET state = c.state, result = c.result, last_error = coalesce(c.last_error, a.last_error), tries = a.tries + 1,
        changed_at = diorama_now()
    FROM json_to_recordset(CAST(:rows AS json)) AS c (
        job_id uuid, cycle integer, action text, state text, result text, last_error text
    )
    WHERE (a.job_id, a.cycle, a.action) = (c.job_id, c.cycle, c.action)
      AND a.state = 'pending'
    RETURNING a.job_id, a.attempt, a.action, a.state
)
UPDATE attempts
SET source_key = NULL
FROM tried
WHERE attempts.job_id = tried.job_id
  AND tried.action = 'delete_objects'
  AND tried.state = 'done'
  AND attempts.attempt <= tried.attempt
  AND attempts.source_key IS DISTINCT FROM (
      SELECT last.keep_key FROM compensation_actions last
      WHERE last.job_id = tried.job_id AND last.action = 'delete_objects' ORDER BY last.cycle DESC LIMIT 1
  )
