-- Record what became of endpoints' messages, each under its lease, and return the endpoints whose lease was still
-- current. Called by the delivery loop. The position stays where a redelivery has set it meanwhile; an endpoint that
-- was disabled meanwhile stays so. Zero rows: other workers have taken over, or the endpoints are deleted; nothing was
-- written.
UPDATE webhook_endpoints e
SET position = CASE WHEN e.position = r.from_position THEN r.position ELSE e.position END,
    failures = r.failures,
    failing_since = CASE WHEN r.failures > 0 THEN coalesce(e.failing_since, diorama_now()) END,
    due_at = diorama_now() + r.wait_s * interval '1 second',
    lease_expires_at = NULL,
    claimed_by = NULL,
    disabled_reason = coalesce(e.disabled_reason, r.disabled_reason),
    disabled_at = CASE WHEN r.disabled_reason IS NULL THEN e.disabled_at ELSE coalesce(e.disabled_at, diorama_now()) END,
    succeeded_at = CASE WHEN r.delivered > 0 THEN diorama_now() ELSE e.succeeded_at END,
    failed_at = CASE WHEN r.failures > 0 THEN diorama_now() ELSE e.failed_at END
FROM json_to_recordset(CAST(:rows AS json)) AS r (
    id uuid, lease bigint, from_position bigint, position bigint, delivered integer, failures integer,
    wait_s double precision, disabled_reason text
)
WHERE e.id = r.id AND e.lease = r.lease
RETURNING e.id, r.disabled_reason IS NOT NULL AND e.disabled_reason = r.disabled_reason AS is_disabled_now
