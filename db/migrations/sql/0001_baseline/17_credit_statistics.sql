-- The entries of the ledger, added up by hour of UTC: for each wallet, and for all wallets of an account together. Only
-- count_credits.sql writes it, and the deletion of a user renames rows. What the reader has not counted yet is read from
-- the ledger itself, so a statement is exact at any time.
CREATE TABLE credit_statistics (
    account_id uuid NOT NULL,
    -- True in the rows for all wallets of the account, whose `user_ref` is empty.
    is_total   boolean NOT NULL,
    user_ref   text NOT NULL,
    starts_at  timestamptz NOT NULL,
    kind       text NOT NULL,
    -- Whether the credits left what is available.
    is_out     boolean NOT NULL,
    credits    bigint NOT NULL,
    entries    bigint NOT NULL,
    CONSTRAINT credit_statistics_pkey PRIMARY KEY (account_id, is_total, user_ref, starts_at, kind, is_out)
);

-- How far the ledger has been counted. One row. The numbers of entries are given out before their transactions commit, so
-- a mark is set first: once every transaction that was open then has ended, everything up to it is final.
CREATE TABLE credit_statistics_reader (
    only_row     boolean CONSTRAINT credit_statistics_reader_pkey PRIMARY KEY DEFAULT true,
    counted_upto bigint NOT NULL DEFAULT 0,
    marked_upto  bigint NOT NULL DEFAULT 0,
    marked_xmax  xid8 NOT NULL DEFAULT pg_snapshot_xmax(pg_current_snapshot()),
    -- The server that gave out the transaction id of the mark, as in activity_sequencer.
    system       bigint NOT NULL DEFAULT (pg_control_system()).system_identifier,
    CONSTRAINT credit_statistics_reader_one_row CHECK (only_row)
);
INSERT INTO credit_statistics_reader DEFAULT VALUES;
