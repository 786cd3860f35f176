-- Mark files as missing whose objects are not in the store. Called by a step that did not find its input. Nothing deletes
-- an object because of it: it may have been another bucket.
-- Zero rows: they have been marked, or have other objects by now.
UPDATE assets
SET state = 'missing'
FROM json_to_recordset(CAST(:rows AS json)) AS lost (id uuid, object_key text)
WHERE assets.id = lost.id
  AND assets.object_key = lost.object_key
  AND assets.state = 'ready'
RETURNING assets.id
