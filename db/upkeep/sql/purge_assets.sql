-- Mark files as deleted whose objects are gone. Called by retention after it deleted them.
-- One that got another object meanwhile, because its upload was completed at that moment, stays.
-- Zero rows: others have marked them.
UPDATE assets
SET state = 'deleted'
FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[])) AS gone (id, object_key)
WHERE assets.id = gone.id
  AND assets.object_key = gone.object_key
  AND assets.state IN ('pending', 'ready')
RETURNING assets.id
