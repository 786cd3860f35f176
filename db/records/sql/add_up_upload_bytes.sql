-- Add the changes of an account's uploads to what it uses. Called as an upload is added, and by a periodic task.
WITH taken AS (
    DELETE FROM upload_byte_changes WHERE account_id = :account RETURNING change
)
INSERT INTO account_usage AS u (account_id, limit_name, used)
SELECT :account, 'upload_bytes', sum(change) FROM taken HAVING count(*) > 0
ON CONFLICT ON CONSTRAINT account_usage_pkey DO UPDATE SET used = u.used + excluded.used
