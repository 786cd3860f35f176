-- Delete a batch of old attempts from the log of webhooks. Called by retention. Ids grow with time. Zero rows: none are
-- old.
DELETE FROM webhook_deliveries
WHERE id = ANY (ARRAY(
    SELECT id
    FROM webhook_deliveries
    WHERE id < least_id_at(diorama_now() - CAST(:kept_for AS interval))
    ORDER BY id
    LIMIT :most
))
RETURNING id
