-- Name everything that does not add up: wallets that differ from the sum of their entries, jobs without the hold that
-- accepted them, open holds of ended or purged jobs, successes that are not charged, failures that are.
-- Called by tests, by `diorama doctor` and by operators. Zero rows: everything adds up.
WITH summed AS (
    SELECT e.account_id, e.user_ref,
           sum(-b.sign * e.amount) FILTER (WHERE b.name = 'issued') AS issued,
           coalesce(sum(b.sign * e.amount) FILTER (WHERE b.name = 'available'), 0) AS available,
           coalesce(sum(b.sign * e.amount) FILTER (WHERE b.name = 'held'), 0) AS held,
           coalesce(sum(b.sign * e.amount) FILTER (WHERE b.name = 'spent'), 0) AS spent,
           coalesce(sum(b.sign) FILTER (WHERE b.name = 'held'), 0) AS jobs
    FROM ledger_entries e
    CROSS JOIN LATERAL (VALUES (e.debit_bucket, -1), (e.credit_bucket, 1)) AS b (name, sign)
    GROUP BY e.account_id, e.user_ref
), settled AS (
    SELECT j.id, j.state, j.credits,
           count(e.id) FILTER (WHERE e.kind = 'hold' AND e.cycle = j.cycle) AS holds,
           coalesce(sum(e.amount) FILTER (WHERE e.kind = 'hold'), 0)
               - coalesce(sum(e.amount) FILTER (WHERE e.kind IN ('charge', 'release')), 0) AS open,
           coalesce(sum(e.amount) FILTER (WHERE e.kind = 'charge'), 0)
               - coalesce(sum(e.amount) FILTER (WHERE e.kind = 'refund'), 0) AS charged,
           coalesce(sum(e.amount) FILTER (WHERE e.kind = 'charge'), 0)
               - coalesce(sum(e.amount) FILTER (WHERE e.kind = 'refund' AND e.cycle < j.cycle), 0)
               -- What support refunds stays a success.
               - coalesce(sum(e.amount) FILTER (WHERE e.kind = 'refund' AND e.cycle = j.cycle
                                                  AND e.actor !~ '^support:'), 0) AS earned
    FROM jobs j
    LEFT JOIN ledger_entries e ON e.job_id = j.id
    WHERE j.credits > 0
    GROUP BY j.id
)
SELECT 'wallet' AS what, w.account_id AS id, 'differs from the sum of its entries' AS why
FROM wallets w
LEFT JOIN summed s ON (s.account_id, s.user_ref) = (w.account_id, w.user_ref)
WHERE (w.issued, w.available, w.held, w.spent, w.jobs)
      IS DISTINCT FROM (coalesce(s.issued, 0), coalesce(s.available, 0), coalesce(s.held, 0), coalesce(s.spent, 0),
                        coalesce(s.jobs, 0))
UNION ALL
SELECT 'job', id, 'was accepted without its hold' FROM settled WHERE holds <> 1
UNION ALL
SELECT 'job', id, 'has ended and still holds credits' FROM settled
WHERE state IN ('succeeded', 'failed', 'canceled') AND open <> 0
UNION ALL
SELECT 'job', id, 'succeeded and is not charged once' FROM settled WHERE state = 'succeeded' AND earned <> credits
UNION ALL
SELECT 'job', id, 'did not succeed and is charged' FROM settled
WHERE state NOT IN ('succeeded', 'compensating') AND charged <> 0
UNION ALL
SELECT 'job', hold.job_id, 'is gone and still holds credits' FROM ledger_entries hold
WHERE hold.kind = 'hold'
  AND NOT EXISTS (SELECT FROM jobs WHERE jobs.id = hold.job_id)
  AND NOT EXISTS (SELECT FROM ledger_entries later WHERE later.of_id = hold.id)
