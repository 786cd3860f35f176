-- Lock the running redrive whose next job may begin, and read it. Zero rows: none is due, or another process is
-- carrying it out. An unused part of the rate expires after five seconds, so that a redrive does not catch up all at
-- once after all workers were stopped.
SELECT *, 1 + floor(extract(epoch FROM least(diorama_now() - next_at, interval '5 seconds')) * per_minute / 60)::integer
          AS allowed
FROM redrives
WHERE state = 'running' AND next_at <= diorama_now()
ORDER BY next_at
LIMIT 1
FOR UPDATE SKIP LOCKED
