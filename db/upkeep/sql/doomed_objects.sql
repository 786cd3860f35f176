-- Read the jobs and files of a deletion with the keys that their rows name. Called before the objects are deleted.
-- Zero rows: nothing belongs to it.
SELECT d.job_id, CAST(NULL AS uuid) AS asset_id, CAST(NULL AS uuid) AS account_id, a.source_key AS key
FROM deletion_jobs d
LEFT JOIN attempts a ON a.job_id = d.job_id AND a.source_key IS NOT NULL
WHERE d.deletion_id = :id
UNION ALL
SELECT NULL, d.asset_id, a.account_id, a.object_key
FROM deletion_assets d
JOIN assets a ON a.id = d.asset_id
WHERE d.deletion_id = :id
