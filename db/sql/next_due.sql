-- How many seconds until the next job of a step is due. Called by an idle consumer, so that it wakes in time.
-- Null: none is waiting for its time.
SELECT extract(epoch FROM min(due_at) - diorama_now())::double precision
FROM jobs
WHERE step = :step
  AND due_at > diorama_now()
