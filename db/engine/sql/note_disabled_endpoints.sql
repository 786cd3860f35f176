-- Add an entry to the activity of their accounts for endpoints that were disabled just now. Called by the delivery loop
-- in the transaction that disables them. The lock on an account's head lasts until the commit, so no position becomes
-- visible before an earlier one. Always zero rows.
WITH disabled AS (
    SELECT id, account_id FROM webhook_endpoints WHERE id = ANY (CAST(:ids AS uuid[]))
),
heads AS (
    INSERT INTO activity_heads AS h (account_id, position)
    SELECT account_id, count(*) FROM disabled GROUP BY account_id ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET position = h.position + excluded.position
    RETURNING h.account_id, h.position
)
INSERT INTO activity (account_id, position, type, at, endpoint_id)
SELECT d.account_id, h.position + 1 - row_number() OVER (PARTITION BY d.account_id ORDER BY d.id DESC),
       'endpoint_disabled', diorama_now(), d.id
FROM disabled d
JOIN heads h ON h.account_id = d.account_id
