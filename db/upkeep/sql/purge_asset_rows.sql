-- Delete the rows of files that are gone. Called by retention, which deleted their objects once more, to be sure.
-- Zero rows: others have.
DELETE FROM assets AS asset
WHERE asset.id = ANY (CAST(:ids AS uuid[]))
  AND asset_may_go(asset, CAST(:kept_for AS interval))
RETURNING asset.id
