-- Send the parents of jobs that have just failed to compensating, where what was planned for the jobs says so.
-- A parent stays where anything else was made from it, or still is: that is somebody's own by now.
-- Called in the transaction in which the jobs ended. Zero rows: no parent goes.
UPDATE jobs AS parent
SET state = 'compensating', event = 'rolled_back', actor = 'worker', reason = 'what the same story made from it failed',
    seq = parent.seq + 1, lease = parent.lease + 1, due_at = diorama_now(), finished_at = NULL, failures = 0, claims = 0,
    error_code = :error_code, error_message = :error_message, error_detail = NULL
FROM compensation_actions a
JOIN jobs child ON child.id = a.job_id
WHERE a.job_id = ANY (CAST(:jobs AS uuid[]))
  AND a.action = 'roll_back_parent'
  AND a.state = 'pending'
  AND parent.id = child.parent_id
  AND parent.state = 'succeeded'
  AND NOT EXISTS (
      SELECT
      FROM jobs other
      WHERE other.parent_id = parent.id AND other.id <> child.id
        AND other.state NOT IN ('compensating', 'failed', 'canceled')
  )
  AND NOT EXISTS (
      SELECT
      FROM job_requests r
      JOIN jobs user_job ON user_job.id = r.job_id
      WHERE r.input_id = parent.output_id AND user_job.state NOT IN ('compensating', 'failed', 'canceled')
  )
RETURNING parent.id, parent.output_id
