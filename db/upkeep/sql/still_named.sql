-- Return the keys that rows still name. Called by the doctor before it reports an object as missing, because retention
-- may have deleted it with its row in the meantime. Zero rows: none of them.
SELECT object_key AS key FROM assets WHERE object_key = ANY (CAST(:keys AS text[])) AND state = 'ready'
UNION
SELECT r.object_key
FROM renditions r
JOIN assets a ON a.id = r.asset_id
WHERE r.object_key = ANY (CAST(:keys AS text[])) AND a.state = 'ready'
UNION
SELECT source_key FROM attempts WHERE source_key = ANY (CAST(:keys AS text[]))
