-- Read the accounts whose queued jobs are claimed next: the first :limit accounts after the fairness cursor :after that
-- have a due job and room for it, and how much room. The walk wraps around, so that every account is served however
-- many there are. Each account costs one to three index probes, however many jobs it has queued; accounts without a due
-- job or without room do not count towards the limit. The last row is the new cursor, with or without room. An account
-- also has no room while one of its outputs has been due for storing or transcoding for :behind_after: more outputs
-- would only wait too, and the provider keeps an output for only an hour.
-- Only one claimer at a time serves an account with a limit; it counts the jobs at the provider and those that others
-- have leased on their way there. Zero rows: no jobs are queued, or the step is paused.
WITH RECURSIVE walk AS (
    -- Not an account: the cursor, where the last walk ended.
    SELECT CAST(:after AS uuid) AS account_id, false AS wrapped, 0 AS place, CAST(0 AS bigint) AS room, 0 AS found
    WHERE NOT EXISTS (SELECT FROM paused_steps WHERE step = 'submit')
    UNION ALL
    SELECT following.account_id, following.wrapped, walk.place + 1, admitted.room,
           walk.found + CASE WHEN admitted.room > 0 THEN 1 ELSE 0 END
    FROM walk
    CROSS JOIN LATERAL (
        (SELECT account_id, walk.wrapped FROM jobs
         WHERE state = 'queued' AND account_id > walk.account_id ORDER BY account_id LIMIT 1)
        UNION ALL
        (SELECT account_id, true FROM jobs
         WHERE state = 'queued' AND NOT walk.wrapped ORDER BY account_id LIMIT 1)
        LIMIT 1
    ) AS following
    JOIN accounts a ON a.id = following.account_id
    CROSS JOIN LATERAL (
        -- Ordered like the index, or Postgres would read the account's whole past.
        SELECT CASE WHEN (SELECT true FROM jobs
                          WHERE account_id = following.account_id
                            AND state = 'queued'
                            AND due_at <= diorama_now()
                            AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
                          ORDER BY due_at
                          LIMIT 1) IS NULL THEN 0
                    WHEN EXISTS (
                        SELECT
                        FROM (VALUES ('store', false), ('store', true), ('transcode', false), ('transcode', true))
                            AS lane (step, is_long)
                        CROSS JOIN LATERAL (
                            SELECT FROM jobs waiting
                            WHERE waiting.state IN ('storing', 'transcoding')
                              AND waiting.step = lane.step
                              AND (waiting.kind = 'animation') = lane.is_long
                              AND waiting.account_id = following.account_id
                              AND waiting.due_at <= diorama_now() - CAST(:behind_after AS interval)
                              AND (waiting.lease_expires_at IS NULL OR waiting.lease_expires_at <= diorama_now())
                            ORDER BY waiting.due_at
                            LIMIT 1
                        ) AS oldest
                    ) THEN 0
                    WHEN a.jobs_at_once IS NULL THEN CAST(:limit AS integer)
                    ELSE a.jobs_at_once
                        - (SELECT count(*) FROM jobs at_provider
                           WHERE at_provider.account_id = following.account_id
                             AND at_provider.state IN ('submitting', 'reconciling', 'generating')) END AS free
        -- Keeps Postgres from counting again at each use.
        OFFSET 0
    ) AS below_limit
    CROSS JOIN LATERAL (
        -- The leased jobs are among those due first, because those are claimed first.
        SELECT below_limit.free
            - CASE WHEN below_limit.free <= 0 OR a.jobs_at_once IS NULL THEN 0
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
        -- Only accounts with room are locked: many may wait without.
        SELECT CASE WHEN counted.free <= 0 THEN 0
                    WHEN a.jobs_at_once IS NULL THEN counted.free
                    WHEN pg_try_advisory_xact_lock(hashtextextended(following.account_id::text, 7061726541))
                         THEN counted.free
                    ELSE 0 END AS room
    ) AS admitted
    WHERE walk.place < 500
      AND walk.found < :limit
      AND NOT (following.wrapped AND following.account_id > CAST(:after AS uuid))
)
SELECT account_id, CAST(room AS integer) AS room
FROM walk
WHERE place > 0
  AND (room > 0 OR place = (SELECT max(place) FROM walk))
ORDER BY place
