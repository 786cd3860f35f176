-- Read which ready and missing files have these objects. Called after lock_files, to see which of them are not locked.
-- Zero rows: no file has any of them.
SELECT id, object_key
FROM assets
WHERE object_key = ANY (CAST(:keys AS text[]))
  AND state IN ('ready', 'missing')
