-- Lock the ready and missing files that have these objects, but wait for none: a file that is being shared, deleted or
-- purged elsewhere is left to the next pass. Called before expired objects are deleted. Zero rows: all such files are
-- locked, or there are none.
SELECT id
FROM assets
WHERE object_key = ANY (CAST(:keys AS text[]))
  AND state IN ('ready', 'missing')
ORDER BY id
FOR NO KEY UPDATE SKIP LOCKED
