-- Lock a group of jobs some of which end badly, with the parents that these may roll back, in the order in which every
-- transaction locks jobs. Called before the group moves. A caller that is just having something else made of such a
-- parent, named by its job or by its file, has locked it, too, and is waited for here, so that its new job is seen
-- afterwards. Returns the parents. Zero rows: none is to be rolled back.
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
