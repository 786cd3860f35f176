-- Add the entries of the ledger up to the mark to the statistics of credits, if all transactions that were open when it
-- was set have ended, and set the next mark. Called by a periodic task, with the row of the reader locked by a
-- statement before this one: a user who is being renamed meanwhile is counted under one name. Zero rows: the mark has
-- to wait. If a restored dump brought the mark of another server, it is set anew.
WITH ready AS MATERIALIZED (
    SELECT counted_upto, marked_upto
    FROM credit_statistics_reader
    WHERE marked_xmax <= pg_snapshot_xmin(pg_current_snapshot())
      AND system = (pg_control_system()).system_identifier
),
counted AS (
    INSERT INTO credit_statistics AS s
    SELECT e.account_id, of.is_total, of.user_ref, date_trunc('hour', e.at, 'UTC'), e.kind,
           e.debit_bucket = 'available', sum(e.amount), count(*)
    FROM ready r
    JOIN ledger_entries e ON e.id > r.counted_upto AND e.id <= r.marked_upto
    CROSS JOIN LATERAL (VALUES (true, ''), (false, e.user_ref)) AS of (is_total, user_ref)
    GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT ON CONSTRAINT credit_statistics_pkey
    DO UPDATE SET credits = s.credits + excluded.credits, entries = s.entries + excluded.entries
)
UPDATE credit_statistics_reader
SET counted_upto = coalesce((SELECT marked_upto FROM ready), counted_upto),
    marked_upto = least(
        coalesce((SELECT max(id) FROM ledger_entries), 0),
        -- A first run over an old ledger is done in parts.
        coalesce((SELECT marked_upto FROM ready), counted_upto) + CAST(:most AS bigint)
    ),
    marked_xmax = pg_snapshot_xmax(pg_current_snapshot()),
    system = (pg_control_system()).system_identifier
WHERE EXISTS (SELECT FROM ready) OR system <> (pg_control_system()).system_identifier
RETURNING counted_upto, marked_upto
