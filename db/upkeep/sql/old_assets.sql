-- Read the next stretch of deleted files, with a flag for whether each row may be deleted. Called by retention, which
-- continues after the last id. Zero rows: there are none beyond :after.
SELECT asset.id, asset.object_key, asset_may_go(asset, CAST(:kept_for AS interval)) AS may_go,
       ARRAY(SELECT r.object_key FROM renditions r WHERE r.asset_id = asset.id) AS rendition_keys
FROM assets asset
WHERE asset.state IN ('deleted', 'rejected')
  AND asset.id > :after
  AND asset.id < least_id_at(diorama_now() - CAST(:kept_for AS interval))
ORDER BY asset.id
LIMIT :most
