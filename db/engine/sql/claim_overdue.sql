-- Lease up to :limit overdue jobs to a worker and read them: jobs whose deadline has passed and that no step claims.
-- Called by the periodic task that ends them, which needs neither a share nor a permit. These are queued jobs, whose
-- step may be paused, whose account may be out of room or whose submissions may be stopped, and jobs of other paused
-- steps in states that have their own deadline. Zero rows: no job is overdue.
-- This reads all queued and paused jobs, so the sub-selects without a table compute row-independent values once.
WITH queued AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE state = 'queued'
      AND deadline_at <= (SELECT diorama_now())
      AND (lease_expires_at IS NULL OR lease_expires_at <= (SELECT diorama_now()))
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), paused AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE step = ANY (ARRAY(SELECT step FROM paused_steps))
      AND due_at IS NOT NULL
      AND state <> 'queued'
      AND state = ANY (CAST(:states AS text[]))
      AND least(deadline_at, entered_at + (CAST(:limits AS interval[]))[array_position(CAST(:states AS text[]), state)])
          <= (SELECT diorama_now())
      AND (lease_expires_at IS NULL OR lease_expires_at <= (SELECT diorama_now()))
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), due AS (
    SELECT id FROM (SELECT id FROM queued UNION ALL SELECT id FROM paused) AS late LIMIT :limit
)
