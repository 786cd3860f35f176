-- Add the jobs of a deletion: the maker of an asset, the jobs of a story, or those of a user. Called when the deletion
-- is requested and each time it is carried out. Zero rows: all of them are known.
INSERT INTO deletion_jobs (deletion_id, job_id)
SELECT d.id, j.id
FROM deletions d
JOIN jobs j ON j.output_id = d.subject_id
WHERE d.id = :id AND d.subject = 'asset'
UNION ALL
SELECT d.id, j.id
FROM deletions d
JOIN jobs j ON j.story_id = d.subject_id
WHERE d.id = :id AND d.subject = 'story'
UNION ALL
SELECT d.id, j.id
FROM deletions d
JOIN sessions s ON s.account_id = d.account_id AND s.user_ref = d.pseudonym
JOIN jobs j ON j.session_id = s.id
WHERE d.id = :id
ON CONFLICT DO NOTHING
RETURNING job_id
