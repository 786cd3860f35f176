-- Add up the ledger of an account, or of one of its wallets, in the intervals of [from, to): what has been counted, and
-- the rest from the ledger itself, in one snapshot. Called for statements; costs the hours of the interval, and the
-- entries of the last minute. Zero rows: there are no entries.
WITH found AS (
    SELECT starts_at, kind, is_out, credits, entries
    FROM credit_statistics
    WHERE account_id = :account AND is_total = (CAST(:user AS text) IS NULL)
      AND user_ref = coalesce(CAST(:user AS text), '') AND starts_at >= :from AND starts_at < :to
    UNION ALL
    SELECT e.at, e.kind, e.debit_bucket = 'available', e.amount, 1
    FROM ledger_entries e
    WHERE e.account_id = :account AND e.id > (SELECT counted_upto FROM credit_statistics_reader)
      AND e.at >= :from AND e.at < :to
      AND (CAST(:user AS text) IS NULL OR e.user_ref = CAST(:user AS text))
)
SELECT date_trunc(:by, starts_at, 'UTC') AS starts_at, kind, is_out, sum(credits)::bigint AS credits,
       sum(entries)::bigint AS entries
FROM found
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
