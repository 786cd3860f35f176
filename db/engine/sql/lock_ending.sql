-- Lock a group of jobs, some of which end badly, and the parents that these may roll back, in the lock order of jobs.
-- Called before the group moves. A transaction that requests something else from such a parent, by its job or its file,
-- locks the parent too; waiting for it here makes its new job visible afterwards. Returns the parents.
-- Zero rows: no parent is rolled back.
WITH parents AS MATERIALIZED (
    SELECT child.parent_id AS id
    FROM compensation_actions a
    JOIN jobs child ON child.id = a.job_id
    WHERE a.job_id = ANY (CAST(:ended AS uuid[]))
      AND a.action = 'roll_back_parent'
      AND a.state = 'pending'
), locked AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE id = ANY (CAST(:jobs AS uuid[]) || ARRAY(SELECT id FROM parents))
    ORDER BY id
    FOR NO KEY UPDATE
)
SELECT id FROM locked WHERE id IN (SELECT id FROM parents)
