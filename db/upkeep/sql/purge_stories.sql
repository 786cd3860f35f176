-- Delete the rows of stories whose jobs are gone. Called by retention after it deleted jobs of theirs.
-- Zero rows: each of them has a job that stays.
DELETE FROM stories
WHERE id = ANY (CAST(:ids AS uuid[]))
  AND NOT EXISTS (SELECT FROM jobs WHERE story_id = stories.id)
RETURNING id
