-- Mark the files of a deletion as deleted, before their objects are: no job may begin with them any more. Called in the
-- transaction that requests the deletion. They are locked in the order of their ids, so that two deletions of the same
-- files cannot deadlock. Zero rows: they have been marked.
WITH going AS (
    SELECT a.id
    FROM deletion_assets d
    JOIN assets a ON a.id = d.asset_id
    WHERE d.deletion_id = :id AND a.state IN ('pending', 'ready', 'missing')
    ORDER BY a.id
    FOR NO KEY UPDATE OF a
)
UPDATE assets
SET state = 'deleted'
FROM going
WHERE assets.id = going.id
RETURNING assets.id
