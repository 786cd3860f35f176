-- Delete a batch of old idempotency keys. Called by retention. Zero rows: none are old.
DELETE FROM idempotency_keys
WHERE ctid = ANY (ARRAY(
    SELECT ctid
    FROM idempotency_keys
    WHERE created_at <= diorama_now() - CAST(:kept_for AS interval)
    ORDER BY created_at
    LIMIT :most
))
RETURNING resource_id
