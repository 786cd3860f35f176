-- List the object keys that rows name, in the order in which the store lists its keys. Called by the doctor.
-- `must_be_there` is false for a pending upload and for a file that is missing. Zero rows: nothing has been stored yet.
-- An object that files share is listed once.
SELECT DISTINCT ON (n.key COLLATE "C") n.key, n.must_be_there, n.since, diorama_now() AS now
FROM (
    SELECT object_key AS key, state = 'ready' AS must_be_there, created_at AS since
    FROM assets
    WHERE state IN ('pending', 'ready', 'missing')
    UNION ALL
    SELECT r.object_key, a.state = 'ready', a.created_at
    FROM renditions r
    JOIN assets a ON a.id = r.asset_id
    WHERE a.state IN ('ready', 'missing')
    UNION ALL
    SELECT source_key, true, coalesce(completed_at, started_at)
    FROM attempts
    WHERE source_key IS NOT NULL
) AS n
ORDER BY n.key COLLATE "C", n.must_be_there DESC, n.since
