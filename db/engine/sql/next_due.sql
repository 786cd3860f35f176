-- How many seconds until the next job of a step is due. Called by an idle consumer, so that it wakes in time.
-- Of queued jobs the next one of each of the first hundred accounts is looked at: a consumer never sleeps for long.
-- Null: none is waiting for its time.
WITH RECURSIVE line AS (
    (SELECT account_id, 1 AS place FROM jobs WHERE state = 'queued' AND :step = 'submit' ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT following.account_id, line.place + 1
    FROM line
    CROSS JOIN LATERAL (
        SELECT account_id FROM jobs WHERE state = 'queued' AND account_id > line.account_id ORDER BY account_id LIMIT 1
    ) AS following
    WHERE line.place < 100
)
SELECT extract(epoch FROM min(due_at) - diorama_now())::double precision
FROM (
    (SELECT due_at FROM jobs
     WHERE step = :step AND state <> 'queued' AND due_at > diorama_now() ORDER BY due_at LIMIT 1)
    UNION ALL
    SELECT soonest.due_at
    FROM line
    CROSS JOIN LATERAL (
        SELECT due_at FROM jobs
        WHERE account_id = line.account_id AND state = 'queued' AND due_at > diorama_now() ORDER BY due_at LIMIT 1
    ) AS soonest
) AS next
