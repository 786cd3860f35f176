-- Delete a batch of redrives that ended long ago, with the list of their skipped jobs. Called by retention. Zero rows:
-- none are old.
DELETE FROM redrives
WHERE id = ANY (ARRAY(
    SELECT id
    FROM redrives
    WHERE created_at <= diorama_now() - CAST(:kept_for AS interval) AND ended_at IS NOT NULL
    ORDER BY id
    LIMIT :most
))
RETURNING id
