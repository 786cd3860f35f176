-- Find expired files and incomplete uploads, oldest first. Called by retention. Files that an unfinished job uses stay
-- until it has ended. Zero rows: nothing is due.
SELECT a.id, a.object_key, ARRAY(SELECT r.object_key FROM renditions r WHERE r.asset_id = a.id) AS rendition_keys
FROM (
    (SELECT * FROM assets WHERE state IN ('ready', 'missing') AND expires_at <= diorama_now() ORDER BY expires_at)
    UNION ALL
    (SELECT * FROM assets WHERE state = 'pending' AND created_at <= diorama_now() - CAST(:uploads AS interval)
     ORDER BY created_at)
) AS a
WHERE NOT EXISTS (
    SELECT FROM job_requests r JOIN jobs j ON j.id = r.job_id WHERE r.input_id = a.id AND j.finished_at IS NULL
)
  AND NOT EXISTS (
    SELECT
    FROM jobs parent
    JOIN jobs child ON child.parent_id = parent.id
    WHERE parent.output_id = a.id AND child.finished_at IS NULL
)
LIMIT :most
