-- Hold what jobs will cost in their present cycle, each in its owner's wallet. Called where jobs are requested and
-- redriven. An overdraft violates wallets_not_overdrawn. Zero rows: they cost nothing.
INSERT INTO ledger_entries (account_id, user_ref, kind, job_id, cycle, amount, debit_bucket, credit_bucket, actor)
SELECT j.account_id, coalesce(s.user_ref, ''), 'hold', j.id, j.cycle, j.credits, 'available', 'held', :actor
FROM jobs j
LEFT JOIN sessions s ON s.id = j.session_id
WHERE j.id = ANY (CAST(:jobs AS uuid[]))
  AND j.credits > 0
ORDER BY j.id
RETURNING id
