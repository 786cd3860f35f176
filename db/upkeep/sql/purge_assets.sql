-- Mark files as deleted whose objects are gone. Called by retention after deleting them. A file whose upload was
-- completed at that moment has a new object and stays. It waits for no lock: an upload that is being completed or
-- deleted is left to the next pass. Zero rows: another process marked them.
WITH going AS (
    SELECT a.id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[])) AS gone (id, object_key)
    JOIN assets a ON a.id = gone.id AND a.object_key = gone.object_key
    WHERE a.state IN ('pending', 'ready', 'missing')
    FOR NO KEY UPDATE OF a SKIP LOCKED
)
UPDATE assets
SET state = 'deleted'
FROM going
WHERE assets.id = going.id
RETURNING assets.id
