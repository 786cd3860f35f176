-- Lease up to :limit due jobs of a lane to a worker, no more per account than its quota, longest due first, and read
-- them. Called with the accounts of `accounts_in_turn`, in the same transaction. Zero rows: others have claimed them
-- meanwhile.
WITH due AS MATERIALIZED (
    SELECT picked.id
    FROM unnest(CAST(:account_ids AS uuid[])) AS share (account_id)
    CROSS JOIN LATERAL (
        SELECT id
        FROM jobs
        WHERE state IN ('storing', 'transcoding') AND step = :step AND (kind = 'animation') = :is_long
          AND account_id = share.account_id
          AND due_at <= diorama_now()
          AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
        ORDER BY due_at
        LIMIT :quota
        FOR UPDATE SKIP LOCKED
    ) AS picked
    LIMIT :limit
)
