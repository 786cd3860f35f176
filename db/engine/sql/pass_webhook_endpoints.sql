-- Move endpoints past the entries that they do not receive. Called by the delivery loop for the endpoints that it has
-- locked and found no message for.
UPDATE webhook_endpoints e
SET position = p.upto, due_at = diorama_now(), lease_expires_at = NULL, claimed_by = NULL
FROM json_to_recordset(CAST(:rows AS json)) AS p (id uuid, upto bigint)
WHERE e.id = p.id
