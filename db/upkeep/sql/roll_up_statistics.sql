-- Add the endings of jobs since the last run to the statistics. Called by a periodic task. Zero rows: none has ended.
-- An event is new if this statement sees it and the snapshot of the last run did not, as in sequence_activity.sql: so
-- each ending counts once, however late its transaction commits, and a run costs what is new.
-- Transaction ids of two servers cannot be compared: after a dump was restored elsewhere, the first run counts nothing,
-- and what ended in the half minute before the dump is missing.
-- Leaves out test jobs. A job that ended because of another one is not counted, but its cost is.
WITH last AS MATERIALIZED (
    SELECT CASE WHEN system = (pg_control_system()).system_identifier THEN seen END AS seen
    FROM statistics_reader FOR UPDATE
),
news AS MATERIALIZED (
    SELECT e.job_id, e.seq, e.at, e.from_state, e.to_state, e.error_code, e.cost_micros
    FROM job_events e
    WHERE e.xid >= pg_snapshot_xmin((SELECT seen FROM last))
      AND NOT pg_visible_in_snapshot(e.xid, (SELECT seen FROM last))
),
ended AS MATERIALIZED (
    SELECT j.account_id, j.kind, n.at, n.to_state AS outcome,
           CASE WHEN n.to_state = 'succeeded' THEN '' ELSE n.error_code END AS error_code,
           CASE WHEN n.to_state = 'succeeded'
                THEN floor(4 * log(2.0, greatest(extract(epoch FROM n.at - began.at), 0.1)::numeric))::smallint
                ELSE 0 END AS bucket,
           n.cost_micros - coalesce(before.cost_micros, 0) AS spend_micros
    FROM news n
    CROSS JOIN LATERAL (SELECT account_id, kind FROM jobs WHERE id = n.job_id AND NOT is_test OFFSET 0) AS j
    CROSS JOIN LATERAL (
        SELECT at FROM job_events b
        WHERE b.job_id = n.job_id AND b.seq < n.seq AND b.event IN ('requested', 'redriven')
        ORDER BY b.seq DESC LIMIT 1
    ) AS began
    LEFT JOIN LATERAL (
        SELECT cost_micros FROM job_events p
        WHERE p.job_id = n.job_id AND p.seq < n.seq AND p.to_state IN ('succeeded', 'failed', 'canceled')
        ORDER BY p.seq DESC LIMIT 1
    ) AS before ON true
    WHERE n.to_state IN ('succeeded', 'failed', 'canceled') AND n.from_state <> n.to_state
),
counted AS (
    INSERT INTO job_statistics AS s
    SELECT of.account_id, per.unit, date_trunc(per.unit, e.at, 'UTC'), e.kind, e.outcome, e.error_code, e.bucket,
           count(*) FILTER (WHERE e.error_code <> ALL (CAST(:consequences AS text[]))), sum(e.spend_micros)
    FROM ended e
    CROSS JOIN LATERAL (VALUES (e.account_id), ('00000000-0000-0000-0000-000000000000'::uuid)) AS of (account_id)
    CROSS JOIN (VALUES ('hour'), ('day')) AS per (unit)
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT ON CONSTRAINT job_statistics_pkey
    DO UPDATE SET jobs = s.jobs + excluded.jobs, spend_micros = s.spend_micros + excluded.spend_micros
),
stored AS (
    UPDATE statistics_reader
    SET seen = pg_current_snapshot(), system = (pg_control_system()).system_identifier
    WHERE EXISTS (SELECT FROM news) OR (SELECT seen FROM last) IS NULL
)
SELECT count(*) AS endings FROM ended HAVING count(*) > 0
