-- The limits at which an account wants to be stopped or warned. An account without a row has no limits. The row is
-- locked after wallets, and before the head of the activity.
CREATE TABLE credit_limits (
    account_id       uuid CONSTRAINT credit_limits_pkey PRIMARY KEY CONSTRAINT credit_limits_account REFERENCES accounts,
    -- How many credits its requests and those of its users may hold on a day of UTC; null for any number.
    spend_cap        bigint CONSTRAINT credit_limits_spend_cap_not_negative CHECK (spend_cap >= 0),
    -- The day that is counted, what was held on it, and the last entry of the ledger before it.
    day              date,
    used             bigint NOT NULL DEFAULT 0 CONSTRAINT credit_limits_used_not_negative CHECK (used >= 0),
    after_entry      bigint NOT NULL DEFAULT 0,
    -- The balance of its own wallet below which it is notified; null for none.
    low_balance_mark bigint CONSTRAINT credit_limits_mark_positive CHECK (low_balance_mark > 0)
) WITH (fillfactor = 50);

-- The day of UTC, by the clock that tests can move.
CREATE FUNCTION today_utc() RETURNS date LANGUAGE sql STABLE AS $$
    SELECT (diorama_now() AT TIME ZONE 'UTC')::date
$$;
