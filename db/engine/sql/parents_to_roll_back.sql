-- Read the parents that these jobs roll back, now that they have ended; `lock_ending` has locked the parents.
-- `is_used` says whether another job was or is being made from the parent: its owner already has it then.
-- Zero rows: no parent is rolled back.
SELECT DISTINCT parent.id, parent.output_id, parent.state, parent.priority, parent.failures,
       parent.cancel_requested_at IS NOT NULL AS cancel_requested,
       EXISTS (
           SELECT
           FROM jobs other
           WHERE other.parent_id = parent.id AND other.id <> child.id
             AND other.state NOT IN ('compensating', 'failed', 'canceled')
       ) OR EXISTS (
           SELECT
           FROM job_requests r
           JOIN jobs user_job ON user_job.id = r.job_id
           WHERE r.input_id = parent.output_id AND user_job.state NOT IN ('compensating', 'failed', 'canceled')
       ) AS is_used
FROM compensation_actions a
JOIN jobs child ON child.id = a.job_id
JOIN jobs parent ON parent.id = child.parent_id
WHERE a.job_id = ANY (CAST(:jobs AS uuid[]))
  AND a.action = 'roll_back_parent'
  AND a.state = 'pending'
ORDER BY parent.id
