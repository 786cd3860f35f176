-- Log attempts to deliver messages. Called by the delivery loop; an endpoint that was deleted meanwhile has no log.
INSERT INTO webhook_deliveries (
    id, endpoint_id, account_id, webhook_id, type, position, attempt, duration_ms, response_status, failure
)
SELECT a.id, e.id, e.account_id, a.webhook_id, a.type, a.position, a.attempt, a.duration_ms, a.response_status, a.failure
FROM json_to_recordset(CAST(:rows AS json)) AS a (
    id uuid, endpoint_id uuid, webhook_id text, type text, position bigint, attempt integer, duration_ms integer,
    response_status smallint, failure text
)
JOIN webhook_endpoints e ON e.id = a.endpoint_id
