-- Read the next messages of endpoints, at most :most each, in the order of the activity; `upto` is the last position
-- that was read. Called by the delivery loop for the endpoints that it has locked. An endpoint for which nothing was
-- found has one row with a null `position`. The type of an entry is that of `WebhookEventType`; a test compares the
-- two.
WITH wanted AS MATERIALIZED (
    SELECT e.id, e.account_id, e.url, e.event_types, e.lease, e.failures, e.position AS from_position,
           diorama_now() - e.failing_since AS failing_for, greatest(e.position, h.purged) AS begins,
           least(h.position, greatest(e.position, h.purged) + :scan) AS upto,
           h.position > greatest(e.position, h.purged) + :scan AS goes_on,
           ARRAY(
               SELECT s.secret FROM webhook_secrets s
               WHERE s.endpoint_id = e.id AND (s.expires_at IS NULL OR s.expires_at > diorama_now())
               ORDER BY s.expires_at DESC NULLS FIRST
           ) AS secrets
    FROM webhook_endpoints e
    JOIN activity_heads h ON h.account_id = e.account_id
    WHERE e.id = ANY (CAST(:ids AS uuid[]))
)
SELECT w.id, w.account_id, w.url, w.lease, w.failures, w.failing_for, w.from_position, w.upto, w.goes_on, w.secrets,
       m.position, m.type, m.at, m.job_id, m.seq, m.story_id, m.kind, m.state, m.event, m.percent, m.error_code,
       m.error_message, m.output_id, m.metadata, m.user_ref, m.endpoint_id, m.endpoint_url, m.disabled_reason,
       m.available, m.low_balance_mark
FROM wanted w
LEFT JOIN LATERAL (
    SELECT n.*, v.percent, v.error_code, v.error_message, j.output_id, r.metadata, s.user_ref, d.url AS endpoint_url,
           d.disabled_reason, b.available, c.low_balance_mark
    FROM (
        SELECT a.position, t.type, a.at, a.job_id, a.seq, a.story_id, a.session_id, a.kind, a.state, a.event,
               a.endpoint_id
        FROM activity a
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN a.type <> 'job_event' THEN a.type
                WHEN a.event = 'requested' THEN 'job_requested'
                WHEN a.state IN ('succeeded', 'failed', 'canceled') THEN 'job_' || a.state
                ELSE 'job_progressed'
            END AS type
        ) AS t
        WHERE a.account_id = w.account_id
          AND a.position > w.begins AND a.position <= w.upto
          AND t.type = ANY (w.event_types)
        ORDER BY a.position
        LIMIT :most
    ) AS n
    LEFT JOIN job_events v ON v.job_id = n.job_id AND v.seq = n.seq
    LEFT JOIN jobs j ON j.id = n.job_id
    LEFT JOIN job_requests r ON r.job_id = coalesce(
        n.job_id, (SELECT first.id FROM jobs first WHERE first.story_id = n.story_id ORDER BY first.id LIMIT 1)
    )
    LEFT JOIN sessions s ON s.id = n.session_id
    LEFT JOIN webhook_endpoints d ON d.id = n.endpoint_id
    LEFT JOIN wallets b ON n.type = 'balance_low' AND (b.account_id, b.user_ref) = (w.account_id, '')
    LEFT JOIN credit_limits c ON n.type = 'balance_low' AND c.account_id = w.account_id
) AS m ON true
ORDER BY w.id, m.position
