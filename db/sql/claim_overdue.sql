-- Lease up to :limit queued jobs whose deadline has passed to a worker, and read them. Called by the round that ends
-- them, which needs neither a turn nor a permit: also those of a paused step, of an account without room, and while
-- nobody is submitted. Zero rows: nobody is late.
WITH due AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE state = 'queued'
      AND deadline_at <= diorama_now()
      AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
