-- Sum the booked cost of a job's submissions, and the most that open ones may cost. Called before a job pays again. An
-- attempt is open until its end and its cost are known.
SELECT coalesce(sum(cost_micros), 0)::bigint AS booked,
       coalesce(sum(reserved_micros) FILTER (
           WHERE status IN ('submitting', 'lost', 'running') AND cost_micros = 0
       ), 0)::bigint AS open
FROM attempts
WHERE job_id = :job_id
