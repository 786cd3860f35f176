-- Delete the rows of deleted files. Called by retention after deleting their objects once more, to be sure. Zero rows:
-- another process deleted them.
DELETE FROM assets AS asset
WHERE asset.id = ANY (CAST(:ids AS uuid[]))
  AND asset_may_go(asset, CAST(:kept_for AS interval))
RETURNING asset.id
