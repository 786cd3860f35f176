-- Subtract from an account's count of today the held credits that have been released or refunded since. Called with the
-- row locked by a statement before this one, so that it sees all that was counted. It reads the account's entries of
-- the day. Always zero rows.
UPDATE credit_limits l
SET used = (
    SELECT coalesce(sum(hold.amount), 0)
    FROM ledger_entries hold
    WHERE hold.account_id = l.account_id AND hold.id > l.after_entry AND hold.kind = 'hold'
      AND hold.actor NOT LIKE 'support:%'
      AND NOT EXISTS (
          SELECT FROM ledger_entries back
          WHERE back.job_id = hold.job_id AND back.cycle = hold.cycle AND back.kind IN ('release', 'refund')
      )
)
WHERE l.account_id = :account AND l.day = today_utc()
