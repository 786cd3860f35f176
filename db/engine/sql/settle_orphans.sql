-- Book what became of submissions that went on without their jobs; each at most once, with the cost to its job.
-- A running one is left alone where support has its job undone again meanwhile: that books it as well.
-- Called by the sweeper. A duplicate keeps its prediction beside the adopted ones, because no job ever used it.
-- Zero rows: others have booked them.
WITH settled AS (
    UPDATE attempts AS a
    SET status = s.status,
        noted_prediction_id = coalesce(s.prediction_id, a.noted_prediction_id),
        cost_micros = a.cost_micros + s.cost_micros,
        looks = a.looks + 1,
        completed_at = CASE WHEN s.is_final THEN diorama_now() END
    FROM unnest(
        CAST(:job_id AS uuid[]), CAST(:attempt AS integer[]), CAST(:status AS text[]), CAST(:prediction_id AS text[]),
        CAST(:cost_micros AS bigint[]), CAST(:is_final AS boolean[])
    ) AS s (job_id, attempt, status, prediction_id, cost_micros, is_final)
    WHERE a.job_id = s.job_id
      AND a.attempt = s.attempt
      AND (a.status IN ('lost', 'absent')
           OR (a.status = 'running'
               AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = a.job_id AND j.state = 'compensating')))
      AND a.completed_at IS NULL
    RETURNING a.job_id, s.cost_micros
), booked AS (
    UPDATE jobs
    SET cost_micros = jobs.cost_micros + spent.cost_micros
    FROM (SELECT job_id, sum(cost_micros) AS cost_micros FROM settled GROUP BY job_id) AS spent
    WHERE jobs.id = spent.job_id
      AND spent.cost_micros > 0
)
SELECT job_id FROM settled
