-- Return those of the keys that ready or missing files name, as their own object or a rendition's, apart from the files
-- that are being deleted. Called before objects are deleted: these stay. A key that no such file names is never named
-- again, because a file shares an object only under a lock on another one that has it (see twin.sql). Zero rows: all
-- may go.
SELECT object_key
FROM assets
WHERE object_key = ANY (CAST(:keys AS text[]))
  AND state IN ('ready', 'missing')
  AND id <> ALL (CAST(:going AS uuid[]))
UNION
SELECT r.object_key
FROM renditions r
JOIN assets a ON a.id = r.asset_id
WHERE r.object_key = ANY (CAST(:keys AS text[]))
  AND a.state IN ('ready', 'missing')
  AND a.id <> ALL (CAST(:going AS uuid[]))
