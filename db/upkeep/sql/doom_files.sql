-- Mark the files of a deletion as deleted, before their objects are: no job may begin with them any more. Called in the
-- transaction that requests the deletion. Zero rows: they have been marked.
UPDATE assets
SET state = 'deleted'
FROM deletion_assets d
WHERE d.deletion_id = :id AND assets.id = d.asset_id AND assets.state IN ('pending', 'ready', 'missing')
RETURNING assets.id
