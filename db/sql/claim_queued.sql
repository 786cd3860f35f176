-- Lease up to :limit due queued jobs to a worker, an equal share of each account that has any, and read them.
-- The accounts after :after come first, so that every one gets its turn however many there are. Each costs an index
-- probe or two, however many jobs it has queued. An account with a limit is left to one claimer at a time, which counts
-- what is at the provider and what others have in hand on their way there.
-- Zero rows: nothing is due, nobody has room, or the step is paused.
WITH RECURSIVE line AS (
    SELECT first.account_id, first.wrapped, 1 AS place
    FROM (
        (SELECT account_id, false AS wrapped FROM jobs
         WHERE state = 'queued' AND account_id > CAST(:after AS uuid) ORDER BY account_id LIMIT 1)
        UNION ALL
        (SELECT account_id, true FROM jobs WHERE state = 'queued' ORDER BY account_id LIMIT 1)
        LIMIT 1
    ) AS first
    WHERE NOT EXISTS (SELECT FROM paused_steps WHERE step = 'submit')
    UNION ALL
    SELECT following.account_id, following.wrapped, line.place + 1
    FROM line
    CROSS JOIN LATERAL (
        (SELECT account_id, line.wrapped FROM jobs
         WHERE state = 'queued' AND account_id > line.account_id ORDER BY account_id LIMIT 1)
        UNION ALL
        (SELECT account_id, true FROM jobs
         WHERE state = 'queued' AND NOT line.wrapped ORDER BY account_id LIMIT 1)
        LIMIT 1
    ) AS following
    WHERE line.place < 500
      AND NOT (following.wrapped AND following.account_id > CAST(:after AS uuid))
), served AS MATERIALIZED (
    SELECT line.account_id, line.place, a.jobs_at_once
    FROM line
    JOIN accounts a ON a.id = line.account_id
    -- Ordered as its index is, or an account's whole past would be looked through.
    CROSS JOIN LATERAL (
        SELECT
        FROM jobs
        WHERE account_id = line.account_id
          AND state = 'queued'
          AND due_at <= diorama_now()
          AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
        ORDER BY due_at
        LIMIT 1
    ) AS due
    ORDER BY line.place
    LIMIT :limit
), turns AS (
    SELECT served.*, ceil(:limit / count(*) OVER ()::numeric)::integer AS share FROM served
), quotas AS MATERIALIZED (
    SELECT turns.account_id, turns.place,
           CASE WHEN turns.jobs_at_once IS NULL THEN turns.share
                WHEN NOT pg_try_advisory_xact_lock(hashtextextended(turns.account_id::text, 7061726541)) THEN 0
                ELSE least(turns.share, greatest(0, turns.jobs_at_once
                    - (SELECT count(*) FROM jobs at_provider
                       WHERE at_provider.account_id = turns.account_id
                         AND at_provider.state IN ('submitting', 'reconciling', 'generating'))
                    -- What is in hand are the first in line, for those are claimed first.
                    - (SELECT count(*)
                       FROM (
                           SELECT lease_expires_at FROM jobs mine
                           WHERE mine.account_id = turns.account_id AND mine.state = 'queued'
                           ORDER BY mine.due_at
                           LIMIT 4 * turns.jobs_at_once
                       ) AS head
                       WHERE head.lease_expires_at > diorama_now()))) END AS quota
    FROM turns
), due AS MATERIALIZED (
    SELECT picked.id
    FROM (SELECT * FROM quotas ORDER BY place) AS quotas
    CROSS JOIN LATERAL (
        SELECT id
        FROM jobs
        WHERE account_id = quotas.account_id
          AND state = 'queued'
          AND due_at <= diorama_now()
          AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
        ORDER BY due_at
        LIMIT quotas.quota
        FOR UPDATE SKIP LOCKED
    ) AS picked
    LIMIT :limit
)
