-- Charge what is held for jobs that succeeded; release what is held for jobs that ended otherwise, and refund what
-- those had been charged before. Called in the transaction in which the jobs end, for all of them at once.
-- Zero rows: nothing was held, or all of it has been settled.
INSERT INTO ledger_entries
    (account_id, user_ref, kind, job_id, cycle, amount, debit_bucket, credit_bucket, of_id, actor)
SELECT e.account_id, e.user_ref, s.kind, e.job_id, e.cycle, e.amount, e.credit_bucket,
       CASE s.kind WHEN 'charge' THEN 'spent' ELSE 'available' END, e.id, 'worker'
FROM ledger_entries e
CROSS JOIN LATERAL (
    SELECT CASE WHEN e.job_id = ANY (CAST(:succeeded AS uuid[])) THEN CASE e.kind WHEN 'hold' THEN 'charge' END
                WHEN e.kind = 'hold' THEN 'release'
                WHEN e.kind = 'charge' THEN 'refund' END AS kind
) AS s
WHERE e.job_id = ANY (CAST(:succeeded AS uuid[]) || CAST(:ended AS uuid[]))
  AND s.kind IS NOT NULL
  AND NOT EXISTS (SELECT FROM ledger_entries later WHERE later.of_id = e.id)
RETURNING id
