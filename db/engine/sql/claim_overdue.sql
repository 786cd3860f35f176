-- Lease up to :limit jobs to a worker whose deadline has passed and that nobody claims for their step, and read them.
-- Called by the round that ends them, which needs neither a turn nor a permit: queued ones, also of a paused step, of an
-- account without room, and while nobody is submitted; and those of other paused steps, whose states have limits of
-- their own. Zero rows: nobody is late.
-- All that is queued or paused is looked through, so what does not differ from row to row is found out once, by the
-- sub-selects without a table.
WITH queued AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE state = 'queued'
      AND deadline_at <= (SELECT diorama_now())
      AND (lease_expires_at IS NULL OR lease_expires_at <= (SELECT diorama_now()))
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), held AS MATERIALIZED (
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
    SELECT id FROM (SELECT id FROM queued UNION ALL SELECT id FROM held) AS late LIMIT :limit
)
