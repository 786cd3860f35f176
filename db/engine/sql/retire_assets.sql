-- Mark finished files and their posters as deleted before their objects go, so that no request can use them.
-- Zero rows: they were deleted before.
UPDATE assets
SET state = 'deleted'
WHERE state IN ('ready', 'missing')
  AND (id = ANY (CAST(:outputs AS uuid[]))
       OR id IN (SELECT poster_id FROM assets WHERE id = ANY (CAST(:outputs AS uuid[]))))
RETURNING id
