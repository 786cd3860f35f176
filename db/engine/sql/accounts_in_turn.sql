-- Read the accounts that are served next in a lane: the first :limit accounts after the fairness cursor :after that
-- have a due job. Called for the steps that have a lane for animations (:is_long) and one for pictures. The walk wraps
-- around, so that every account is served however many there are. Each account costs one to three index probes, however
-- many jobs it has; accounts without a due job do not count towards the limit. The last row is the new cursor, due or
-- not. Zero rows: the lane is empty, or the step is paused.
WITH RECURSIVE walk AS (
    -- Not an account: the cursor, where the last walk ended.
    SELECT CAST(:after AS uuid) AS account_id, false AS wrapped, 0 AS place, false AS is_due, 0 AS found
    WHERE NOT EXISTS (SELECT FROM paused_steps WHERE paused_steps.step = :step)
    UNION ALL
    SELECT following.account_id, following.wrapped, walk.place + 1, served.is_due,
           walk.found + CASE WHEN served.is_due THEN 1 ELSE 0 END
    FROM walk
    CROSS JOIN LATERAL (
        (SELECT account_id, walk.wrapped FROM jobs
         WHERE state IN ('storing', 'transcoding') AND step = :step AND (kind = 'animation') = :is_long
           AND account_id > walk.account_id
         ORDER BY account_id LIMIT 1)
        UNION ALL
        (SELECT account_id, true FROM jobs
         WHERE state IN ('storing', 'transcoding') AND step = :step AND (kind = 'animation') = :is_long
           AND NOT walk.wrapped
         ORDER BY account_id LIMIT 1)
        LIMIT 1
    ) AS following
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM jobs
            WHERE state IN ('storing', 'transcoding') AND step = :step AND (kind = 'animation') = :is_long
              AND account_id = following.account_id
              AND due_at <= diorama_now()
              AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
        ) AS is_due
        -- Keeps Postgres from asking again at each use.
        OFFSET 0
    ) AS served
    WHERE walk.place < 500
      AND walk.found < :limit
      AND NOT (following.wrapped AND following.account_id > CAST(:after AS uuid))
)
SELECT account_id, is_due
FROM walk
WHERE place > 0
  AND (is_due OR place = (SELECT max(place) FROM walk))
ORDER BY place
