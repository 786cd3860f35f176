-- Lease up to :limit due jobs of one step to a worker, longest due first, and read them.
-- Called by the broker's consumers, for all states but queued. A row whose lease has ended is due like any other: its
-- worker is gone. A pause of queued jobs alone does not apply here.
-- Zero rows: nothing is due, or the step is paused.
-- The materialized CTE keeps the planner from updating more rows than the limit.
WITH due AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE step = :step
      AND state <> 'queued'
      AND due_at <= diorama_now()
      AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
      AND NOT EXISTS (SELECT FROM paused_steps WHERE paused_steps.step = :step AND states <> '{queued}')
    ORDER BY due_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
