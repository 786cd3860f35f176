-- Read the next wallets of an account in the order of their users, with their balances and what the ledger adds up to
-- in [from, to), in one snapshot as in credit_totals.sql. Called for statements by user. A wallet without entries has
-- one row with a null `kind`. Zero rows: there are no more wallets.
WITH page AS MATERIALIZED (
    SELECT account_id, user_ref, available, held
    FROM wallets
    WHERE account_id = :account AND (CAST(:after AS text) IS NULL OR user_ref > CAST(:after AS text))
    ORDER BY user_ref
    LIMIT :most
)
SELECT p.user_ref, p.available, p.held, t.kind, t.is_out, t.credits, t.entries
FROM page p
LEFT JOIN LATERAL (
    SELECT f.kind, f.is_out, sum(f.credits)::bigint AS credits, sum(f.entries)::bigint AS entries
    FROM (
        SELECT s.kind, s.is_out, s.credits, s.entries
        FROM credit_statistics s
        WHERE s.account_id = p.account_id AND NOT s.is_total AND s.user_ref = p.user_ref
          AND s.starts_at >= :from AND s.starts_at < :to
        UNION ALL
        SELECT e.kind, e.debit_bucket = 'available', e.amount, 1
        FROM ledger_entries e
        WHERE e.account_id = p.account_id AND e.id > (SELECT counted_upto FROM credit_statistics_reader)
          AND e.user_ref = p.user_ref AND e.at >= :from AND e.at < :to
    ) AS f
    GROUP BY f.kind, f.is_out
) AS t ON true
ORDER BY p.user_ref
