-- Mark missing files as ready again if their objects are in the store after all. Called with the keys of a stretch of
-- the bucket. Zero rows: none of them was missing.
UPDATE assets
SET state = 'ready'
WHERE state = 'missing'
  AND object_key = ANY (CAST(:keys AS text[]))
RETURNING id
