-- Hold the parents still that these jobs' ends may roll back. Called before roll_back_parents in the same transaction:
-- whoever is just asking for something else made of such a parent, named by its job or by its file, holds it, too, and
-- is waited for here, so that what was asked for is seen there. Zero rows: no parent is to be rolled back.
SELECT parent.id
FROM jobs parent
WHERE parent.id IN (
    SELECT child.parent_id
    FROM compensation_actions a
    JOIN jobs child ON child.id = a.job_id
    WHERE a.job_id = ANY (CAST(:jobs AS uuid[]))
      AND a.action = 'roll_back_parent'
      AND a.state = 'pending'
)
ORDER BY parent.id
FOR UPDATE
