-- After a dump of another server was restored, give its history transaction ids of this server, and store this server's
-- snapshot. Called by the sequencer before its first run, in a transaction that may change them. Zero rows: it is the
-- same server as before. An event without an entry is written as if by this transaction, so that the next run reads it;
-- one that was purged has none on purpose. An event with an entry must not be read again: ids that this server has yet
-- to reach become the oldest.
WITH restored AS MATERIALIZED (
    SELECT read_at FROM activity_sequencer WHERE system <> (pg_control_system()).system_identifier FOR UPDATE
),
kept AS MATERIALIZED (
    SELECT h.account_id, CASE WHEN h.purged > 0 THEN coalesce(
               (SELECT a.at FROM activity a WHERE a.account_id = h.account_id ORDER BY a.position LIMIT 1), r.read_at)
           END AS since
    FROM activity_heads h
    CROSS JOIN restored r
),
events AS MATERIALIZED (
    SELECT e.job_id, e.seq, e.xid,
           a.seq IS NULL AND e.at >= coalesce(k.since, '-infinity') AS is_missing
    FROM restored
    CROSS JOIN job_events e
    JOIN jobs j ON j.id = e.job_id
    LEFT JOIN kept k ON k.account_id = j.account_id
    LEFT JOIN activity a ON a.job_id = e.job_id AND a.seq = e.seq
),
renumbered AS (
    UPDATE job_events e
    SET xid = CASE WHEN m.is_missing THEN pg_current_xact_id() ELSE '3'::xid8 END
    FROM events m
    WHERE e.job_id = m.job_id AND e.seq = m.seq
      AND (m.is_missing OR NOT pg_visible_in_snapshot(m.xid, pg_current_snapshot()))
    RETURNING m.is_missing
)
UPDATE activity_sequencer
SET system = (pg_control_system()).system_identifier, seen = pg_current_snapshot()
WHERE EXISTS (SELECT FROM restored)
RETURNING (SELECT count(*) FROM renumbered WHERE is_missing) AS missing
