-- Refund what a job was charged and not yet refunded, to the wallet that paid. Called for support, with the job locked.
-- Zero rows: it was not charged, or all of it has been refunded.
INSERT INTO ledger_entries
    (account_id, user_ref, kind, job_id, cycle, amount, debit_bucket, credit_bucket, of_id, actor, reason, resource_id)
SELECT e.account_id, e.user_ref, 'refund', e.job_id, e.cycle, e.amount, e.credit_bucket, 'available', e.id, :actor, :reason,
       :resource
FROM ledger_entries e
WHERE e.job_id = :job
  AND e.kind = 'charge'
  AND NOT EXISTS (SELECT FROM ledger_entries later WHERE later.of_id = e.id)
RETURNING amount
