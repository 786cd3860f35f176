-- Lease up to :limit due queued jobs to a worker, no more per account than its quota, longest due first, and read them.
-- Called with the rows of `account_shares`, in the same transaction. Zero rows: others have claimed them meanwhile.
WITH due AS MATERIALIZED (
    SELECT picked.id
    FROM unnest(CAST(:account_ids AS uuid[]), CAST(:quotas AS integer[])) AS share (account_id, quota)
    CROSS JOIN LATERAL (
        SELECT id
        FROM jobs
        WHERE account_id = share.account_id
          AND state = 'queued'
          AND due_at <= diorama_now()
          AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
        ORDER BY due_at
        LIMIT share.quota
        FOR UPDATE SKIP LOCKED
    ) AS picked
    LIMIT :limit
)
