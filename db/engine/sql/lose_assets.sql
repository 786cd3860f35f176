-- Mark files as missing whose objects are not in the store. Called by a step that did not find its input. No object is
-- deleted because of the mark: the step may have read the wrong bucket.
-- Zero rows: they have been marked, or have other objects by now.
UPDATE assets
SET state = 'missing'
FROM json_to_recordset(CAST(:rows AS json)) AS lost (id uuid, object_key text)
WHERE assets.id = lost.id
  AND assets.object_key = lost.object_key
  AND assets.state = 'ready'
RETURNING assets.id
