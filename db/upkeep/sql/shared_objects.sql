-- Return the keys that ready files name: their objects stay. Called before the objects of a deletion are deleted, whose
-- own files are not ready any more. Zero rows: no other file has them.
SELECT object_key FROM assets WHERE object_key = ANY (CAST(:keys AS text[])) AND state = 'ready'
UNION
SELECT r.object_key
FROM renditions r
JOIN assets a ON a.id = r.asset_id
WHERE r.object_key = ANY (CAST(:keys AS text[])) AND a.state = 'ready'
