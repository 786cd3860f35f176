-- Give the events that have become visible since the last run their positions in the activity of their accounts. Called
-- by the sequencer under the lock on its row. Zero rows: nothing is new, and nothing was written.
-- An event is new if this statement sees it and the snapshot of the last run did not: so each is read exactly once,
-- however late its transaction commits. The oldest transaction that was open then bounds the scan of the index.
-- The order: a job's events by sequence number, all others by transaction. The greatest transaction id among a job's
-- events so far does both: a transaction may have begun before another and move the same job after it.
WITH news AS MATERIALIZED (
    SELECT e.job_id, e.seq, e.at, e.event, e.to_state, j.account_id, j.session_id, j.story_id, j.kind, j.is_terminal,
           max(e.xid) OVER (PARTITION BY e.job_id ORDER BY e.seq) AS place
    FROM job_events e
    JOIN jobs j ON j.id = e.job_id
    WHERE e.xid >= pg_snapshot_xmin(CAST(:seen AS pg_snapshot))
      AND NOT pg_visible_in_snapshot(e.xid, CAST(:seen AS pg_snapshot))
),
entries AS MATERIALIZED (
    SELECT account_id, 'job_event' AS type, at, job_id, seq, story_id, session_id, kind, to_state AS state, event,
           place, job_id AS of_job, seq AS of_seq, 1 AS part
    FROM news
    UNION ALL
    -- A story begins with the first of its jobs.
    SELECT account_id, 'story_began', at, NULL, NULL, story_id, session_id, NULL, NULL, NULL, place, job_id, seq, 0
    FROM news n
    WHERE n.seq = 1 AND n.story_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM jobs earlier WHERE earlier.story_id = n.story_id AND earlier.id < n.job_id)
    UNION ALL
    -- It ends with the last event of it, if none of its jobs goes on: in the state of the first that did not succeed.
    SELECT ended.account_id, 'story_' || result.state, ended.at, NULL, NULL, ended.story_id, ended.session_id, NULL,
           result.state, NULL, ended.place, ended.job_id, ended.seq, 2
    FROM (
        SELECT DISTINCT ON (n.story_id) n.*
        FROM news n
        WHERE n.story_id IS NOT NULL
        ORDER BY n.story_id, n.place DESC, n.job_id DESC, n.seq DESC
    ) AS ended
    CROSS JOIN LATERAL (
        SELECT coalesce((array_agg(j.state ORDER BY j.id) FILTER (WHERE j.state <> 'succeeded'))[1], 'succeeded') AS state
        FROM jobs j
        WHERE j.story_id = ended.story_id
        HAVING bool_and(j.is_terminal)
    ) AS result
    WHERE ended.is_terminal
),
heads AS (
    INSERT INTO activity_heads AS h (account_id, position)
    SELECT account_id, count(*) FROM entries GROUP BY account_id ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET position = h.position + excluded.position
    RETURNING h.account_id, h.position
),
written AS (
    INSERT INTO activity
    SELECT e.account_id, h.position + 1 - row_number() OVER (
               PARTITION BY e.account_id ORDER BY e.place DESC, e.of_job DESC, e.of_seq DESC, e.part DESC),
           e.type, e.at, e.job_id, e.seq, e.story_id, e.session_id, e.kind, e.state, e.event
    FROM entries e
    JOIN heads h ON h.account_id = e.account_id
),
read AS (
    UPDATE activity_sequencer
    SET seen = pg_current_snapshot(), read_at = diorama_now()
    WHERE EXISTS (SELECT FROM entries)
)
SELECT h.account_id, h.position, (SELECT count(*) FROM entries e WHERE e.account_id = h.account_id) AS entries,
       (SELECT extract(epoch FROM clock_timestamp() - min(e.at))::double precision
        FROM entries e WHERE e.account_id = h.account_id) AS oldest_s
FROM heads h
