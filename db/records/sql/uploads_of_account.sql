-- Count the pending uploads of an account, up to about :most, and read how many bytes of uploads are kept.
-- The order keeps the planner from reading the table for the first few. Called as one is added, and when an account asks.
SELECT (SELECT count(*) FROM (SELECT FROM assets
                              WHERE account_id = :account AND kind = 'selfie' AND state = 'pending'
                              ORDER BY created_at LIMIT :most) AS pending),
       coalesce((SELECT used FROM account_usage WHERE (account_id, limit_name) = (:account, 'upload_bytes')), 0)
           + coalesce((SELECT sum(change) FROM upload_byte_changes WHERE account_id = :account), 0)
