-- Mark the actions as done that the transaction itself carries out when jobs end: returned credits and roll-backs.
-- Zero rows: no such action was planned.
UPDATE compensation_actions AS a
SET state = 'done', tries = a.tries + 1, changed_at = diorama_now(),
    result = CASE WHEN a.action = 'return_credits' THEN 'returned'
                  WHEN child.parent_id = ANY (CAST(:rolled_back AS uuid[])) THEN 'rolled back'
                  ELSE 'kept: it is used for something else, or gone already' END
FROM jobs child
WHERE a.job_id = ANY (CAST(:jobs AS uuid[]))
  AND a.action IN ('return_credits', 'roll_back_parent')
  AND a.state = 'pending'
  AND child.id = a.job_id
RETURNING a.job_id
