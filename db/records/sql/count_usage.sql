-- Add to what an account uses of a limit, in this hour where it `is_hourly`, and read what it then uses. The row stays locked
-- until the transaction ends, so requests of an account at the same time are counted one after the other.
INSERT INTO account_usage AS u (account_id, limit_name, used, resets_at)
VALUES (:account, :limit, :added,
        CASE WHEN CAST(:is_hourly AS boolean) THEN date_trunc('hour', diorama_now(), 'UTC') + interval '1 hour' END)
ON CONFLICT ON CONSTRAINT account_usage_pkey DO UPDATE
SET used = CASE WHEN u.resets_at <= diorama_now() THEN 0 ELSE u.used END + excluded.used,
    resets_at = CASE WHEN u.resets_at <= diorama_now() THEN excluded.resets_at ELSE u.resets_at END
RETURNING used, resets_at
