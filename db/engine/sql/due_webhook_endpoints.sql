-- Lock up to :limit endpoints with something new in their account's activity, longest due first, and return their ids.
-- Called by the delivery loop, separately for endpoints whose last attempt failed and for the others. An endpoint whose
-- lease has ended is due like any other: its worker is gone. Zero rows: nothing is due.
SELECT e.id
FROM webhook_endpoints e
JOIN activity_heads h ON h.account_id = e.account_id
WHERE e.disabled_at IS NULL
  AND (e.failures > 0) = :failing
  AND e.due_at <= diorama_now()
  AND (e.lease_expires_at IS NULL OR e.lease_expires_at <= diorama_now())
  AND h.position > e.position
ORDER BY e.due_at
LIMIT :limit
FOR UPDATE OF e SKIP LOCKED
