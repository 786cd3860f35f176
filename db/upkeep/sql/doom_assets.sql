-- Add the files of a deletion: the asset itself, what the deletion's jobs made, what a user uploaded, and posters.
-- Called after doom_jobs, before and after those jobs are locked. Zero rows: all of them are known.
WITH found AS (
    SELECT d.id AS deletion_id, d.subject_id AS asset_id
    FROM deletions d
    WHERE d.id = :id AND d.subject = 'asset'
    UNION
    SELECT dj.deletion_id, j.output_id
    FROM deletion_jobs dj
    JOIN jobs j ON j.id = dj.job_id
    WHERE dj.deletion_id = :id AND j.output_id IS NOT NULL
    UNION
    SELECT d.id, a.id
    FROM deletions d
    JOIN sessions s ON s.account_id = d.account_id AND s.user_ref = d.pseudonym
    JOIN assets a ON a.session_id = s.id
    WHERE d.id = :id
)
INSERT INTO deletion_assets (deletion_id, asset_id)
SELECT deletion_id, asset_id FROM found
UNION
SELECT found.deletion_id, a.poster_id FROM found JOIN assets a ON a.id = found.asset_id WHERE a.poster_id IS NOT NULL
ON CONFLICT DO NOTHING
RETURNING asset_id
