-- Count credits that are about to be held toward an account's cap of today. Called under the lock of the wallet. The
-- row stays locked until the transaction ends, so two requests at once cannot pass the cap together. Zero rows: the cap
-- would be passed, and nothing was counted.
UPDATE credit_limits
SET used = CASE WHEN day >= today_utc() THEN used ELSE 0 END + :required,
    after_entry = CASE WHEN day >= today_utc() THEN after_entry
                       ELSE coalesce((SELECT max(id) FROM ledger_entries), 0) END,
    day = greatest(day, today_utc())
WHERE account_id = :account
  -- A cap that was removed meanwhile is none.
  AND coalesce(CASE WHEN day >= today_utc() THEN used ELSE 0 END + :required <= spend_cap, true)
RETURNING used
