-- Read the jobs and uploads of a deletion, and the keys that the rows of its jobs and files name. Called before the
-- objects are deleted.
-- Zero rows: nothing belongs to it.
SELECT d.job_id, CAST(NULL AS uuid) AS asset_id, CAST(NULL AS uuid) AS account_id, a.source_key AS key
FROM deletion_jobs d
LEFT JOIN attempts a ON a.job_id = d.job_id AND a.source_key IS NOT NULL
WHERE d.deletion_id = :id
UNION ALL
SELECT NULL, CASE WHEN a.kind = 'selfie' THEN a.id END, a.account_id, a.object_key
FROM deletion_assets d
JOIN assets a ON a.id = d.asset_id
WHERE d.deletion_id = :id
UNION ALL
SELECT NULL, NULL, NULL, r.object_key
FROM deletion_assets d
JOIN renditions r ON r.asset_id = d.asset_id
WHERE d.deletion_id = :id
