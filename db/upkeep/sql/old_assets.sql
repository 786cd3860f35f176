-- Look at the next stretch of files that are gone, and tell whose rows may go. Called by retention, which goes on after
-- the last. Zero rows: there is none beyond :after.
SELECT asset.id, asset.object_key, asset_may_go(asset, CAST(:kept_for AS interval)) AS may_go
FROM assets asset
WHERE asset.state IN ('deleted', 'rejected')
  AND asset.id > :after
  AND asset.id < least_id_at(diorama_now() - CAST(:kept_for AS interval))
ORDER BY asset.id
LIMIT :most
