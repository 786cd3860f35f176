-- Add an entry to the activity of an account whose balance has just fallen below its mark. Called in the transaction
-- that takes the credits, as its last lock: the lock on the account's head lasts until the commit, so no position
-- becomes visible before an earlier one. Always zero rows.
WITH head AS (
    INSERT INTO activity_heads AS h (account_id, position) VALUES (:account, 1)
    ON CONFLICT (account_id) DO UPDATE SET position = h.position + 1
    RETURNING h.account_id, h.position
)
INSERT INTO activity (account_id, position, type, at)
SELECT account_id, position, 'balance_low', diorama_now() FROM head
