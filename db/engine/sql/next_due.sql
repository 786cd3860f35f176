-- Read the seconds until the next job of a step is due. Called by an idle consumer, so that it wakes in time.
-- Reads the next queued job of each of the first hundred accounts only: a consumer never sleeps for long.
-- Null: no job will become due.
WITH RECURSIVE walk AS (
    (SELECT account_id, 1 AS place FROM jobs WHERE state = 'queued' AND :step = 'submit' ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT following.account_id, walk.place + 1
    FROM walk
    CROSS JOIN LATERAL (
        SELECT account_id FROM jobs WHERE state = 'queued' AND account_id > walk.account_id ORDER BY account_id LIMIT 1
    ) AS following
    WHERE walk.place < 100
)
SELECT extract(epoch FROM min(due_at) - diorama_now())::double precision AS seconds
FROM (
    (SELECT due_at FROM jobs
     WHERE step = :step AND state <> 'queued' AND due_at > diorama_now() ORDER BY due_at LIMIT 1)
    UNION ALL
    SELECT soonest.due_at
    FROM walk
    CROSS JOIN LATERAL (
        SELECT due_at FROM jobs
        WHERE account_id = walk.account_id AND state = 'queued' AND due_at > diorama_now() ORDER BY due_at LIMIT 1
    ) AS soonest
) AS next
