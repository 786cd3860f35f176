-- Tell whose turn it is to have queued jobs claimed: the first :limit accounts in line that have a due job and room for
-- it, and how much room. The accounts after :after come first, so that every one gets its turn however many there are.
-- Each costs an index probe or three, however many jobs it has queued; who has nothing due, or no room, takes nobody's
-- place. The last row is where the look has ended, with room or without: the next one begins there.
-- An account with a limit is left to one claimer at a time, which counts what is at the provider and what others have
-- in hand on their way there. Zero rows: nobody has anything queued, or the step is paused.
WITH RECURSIVE line AS (
    -- Not a place in line: where the last look ended.
    SELECT CAST(:after AS uuid) AS account_id, false AS wrapped, 0 AS place, CAST(0 AS bigint) AS room, 0 AS found
    WHERE NOT EXISTS (SELECT FROM paused_steps WHERE step = 'submit')
    UNION ALL
    SELECT following.account_id, following.wrapped, line.place + 1, turn.room,
           line.found + CASE WHEN turn.room > 0 THEN 1 ELSE 0 END
    FROM line
    CROSS JOIN LATERAL (
        (SELECT account_id, line.wrapped FROM jobs
         WHERE state = 'queued' AND account_id > line.account_id ORDER BY account_id LIMIT 1)
        UNION ALL
        (SELECT account_id, true FROM jobs
         WHERE state = 'queued' AND NOT line.wrapped ORDER BY account_id LIMIT 1)
        LIMIT 1
    ) AS following
    JOIN accounts a ON a.id = following.account_id
    CROSS JOIN LATERAL (
        -- Ordered as its index is, or an account's whole past would be looked through.
        SELECT CASE WHEN (SELECT true FROM jobs
                          WHERE account_id = following.account_id
                            AND state = 'queued'
                            AND due_at <= diorama_now()
                            AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
                          ORDER BY due_at
                          LIMIT 1) IS NULL THEN 0
                    WHEN a.jobs_at_once IS NULL THEN CAST(:limit AS integer)
                    ELSE a.jobs_at_once
                        - (SELECT count(*) FROM jobs at_provider
                           WHERE at_provider.account_id = following.account_id
                             AND at_provider.state IN ('submitting', 'reconciling', 'generating')) END AS free
        -- Counted once, though it is looked at several times.
        OFFSET 0
    ) AS beside_the_provider
    CROSS JOIN LATERAL (
        -- What is in hand are the first in line, for those are claimed first.
        SELECT beside_the_provider.free
            - CASE WHEN beside_the_provider.free <= 0 OR a.jobs_at_once IS NULL THEN 0
                   ELSE (SELECT count(*)
                         FROM (
                             SELECT lease_expires_at FROM jobs mine
                             WHERE mine.account_id = following.account_id AND mine.state = 'queued'
                             ORDER BY mine.due_at
                             LIMIT 4 * a.jobs_at_once
                         ) AS head
                         WHERE head.lease_expires_at > diorama_now()) END AS free
        OFFSET 0
    ) AS counted
    CROSS JOIN LATERAL (
        -- Only who has room is locked: many may be waiting without.
        SELECT CASE WHEN counted.free <= 0 THEN 0
                    WHEN a.jobs_at_once IS NULL THEN counted.free
                    WHEN pg_try_advisory_xact_lock(hashtextextended(following.account_id::text, 7061726541))
                         THEN counted.free
                    ELSE 0 END AS room
    ) AS turn
    WHERE line.place < 500
      AND line.found < :limit
      AND NOT (following.wrapped AND following.account_id > CAST(:after AS uuid))
)
SELECT account_id, CAST(room AS integer) AS room
FROM line
WHERE place > 0
  AND (room > 0 OR place = (SELECT max(place) FROM line))
ORDER BY place
