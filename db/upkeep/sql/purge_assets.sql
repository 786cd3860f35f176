-- Mark files as deleted whose objects are gone. Called by retention after deleting them. A file whose upload was
-- completed at that moment has a new object and stays. Zero rows: another process marked them.
UPDATE assets
SET state = 'deleted'
FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[])) AS gone (id, object_key)
WHERE assets.id = gone.id
  AND assets.object_key = gone.object_key
  AND assets.state IN ('pending', 'ready', 'missing')
RETURNING assets.id
