-- Lease up to :limit jobs to a worker whose deadline has passed and that nobody claims for their step, and read them.
-- Called by the round that ends them, which needs neither a turn nor a permit: queued ones, also of a paused step, of an
-- account without room, and while nobody is submitted; and those of other paused steps, whose states have limits of
-- their own. Zero rows: nobody is late.
WITH queued AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE state = 'queued'
      AND deadline_at <= diorama_now()
      AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), held AS MATERIALIZED (
    SELECT jobs.id
    FROM paused_steps pause
    JOIN jobs ON jobs.step = pause.step
    JOIN unnest(CAST(:states AS text[]), CAST(:limits AS interval[])) AS clock (state, lasts) ON clock.state = jobs.state
    WHERE jobs.due_at IS NOT NULL
      AND jobs.state <> 'queued'
      AND least(jobs.deadline_at, jobs.entered_at + clock.lasts) <= diorama_now()
      AND (jobs.lease_expires_at IS NULL OR jobs.lease_expires_at <= diorama_now())
    LIMIT :limit
    FOR UPDATE OF jobs SKIP LOCKED
), due AS (
    SELECT id FROM (SELECT id FROM queued UNION ALL SELECT id FROM held) AS late LIMIT :limit
)
