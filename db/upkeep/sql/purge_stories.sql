-- Delete stories without jobs. Called by retention after deleting jobs. Zero rows: every story still has a job.
DELETE FROM stories
WHERE id = ANY (CAST(:ids AS uuid[]))
  AND NOT EXISTS (SELECT FROM jobs WHERE story_id = stories.id)
RETURNING id
