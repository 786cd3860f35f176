-- Add up what a job's submissions have cost, and what those that are still open may cost.
-- Called before a job pays again. An attempt is open until its end, and with it its cost, is known.
SELECT coalesce(sum(cost_micros), 0)::bigint AS booked,
       coalesce(sum(reserved_micros) FILTER (
           WHERE status IN ('submitting', 'lost', 'running') AND cost_micros = 0
       ), 0)::bigint AS open
FROM attempts
WHERE job_id = :job_id
