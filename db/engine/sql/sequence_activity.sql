-- Give the events that have become visible since the last run their positions in the activity of their accounts, and
-- notify the readers. Called by the sequencer. Zero rows: nothing is new, and nothing was written.
-- An event is new if this statement sees it and the snapshot of the last run did not: so each event is read exactly
-- once, however late its transaction commits. The oldest transaction that was open then bounds the scan of the index.
-- If two run at once, the second waits for the lock on the sequencer's row, and reads the snapshot that the first has
-- stored. If that snapshot is later than the second's own, nothing is new, and the second stores none.
-- The order: a job's events by sequence number, all others by transaction. The greatest transaction id among a job's
-- events so far does both: a transaction may have begun before another and move the same job after it. The NOTIFY here
-- blocks no transaction that moves jobs, because such transactions do not notify.
WITH last AS MATERIALIZED (
    SELECT seen FROM activity_sequencer FOR UPDATE
),
news AS MATERIALIZED (
    SELECT e.job_id, e.seq, e.at, e.event, e.to_state, j.account_id, j.session_id, j.story_id, j.kind, j.is_terminal,
           max(e.xid) OVER (PARTITION BY e.job_id ORDER BY e.seq) AS place
    FROM job_events e
    -- One by one, by their keys: the planner, which cannot know how few they are, would read all jobs.
    CROSS JOIN LATERAL (
        SELECT account_id, session_id, story_id, kind, is_terminal FROM jobs WHERE id = e.job_id OFFSET 0
    ) AS j
    WHERE e.xid >= pg_snapshot_xmin((SELECT seen FROM last))
      AND NOT pg_visible_in_snapshot(e.xid, (SELECT seen FROM last))
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
stored AS (
    UPDATE activity_sequencer
    SET seen = pg_current_snapshot(), read_at = diorama_now()
    WHERE EXISTS (SELECT FROM entries)
),
notified AS MATERIALIZED (
    SELECT pg_notify('diorama_activity', CASE WHEN count(*) <= 200
               THEN string_agg(replace(account_id::text, '-', ''), ' ') ELSE '*' END)
    FROM heads
    HAVING count(*) > 0
)
SELECT heads.account_id, heads.position FROM heads CROSS JOIN notified
