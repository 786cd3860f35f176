-- Book the results of orphan searches, each at most once, with the cost added to its job. A running orphan whose job
-- support is compensating again is left alone: the compensation books it. Called by the orphan search. A duplicate
-- keeps its prediction apart from adopted ones, because no job ever used it. Zero rows: another process booked them.
WITH settled AS (
    UPDATE attempts AS a
    SET status = s.status,
        noted_prediction_id = coalesce(s.prediction_id, a.noted_prediction_id),
        cost_micros = a.cost_micros + s.cost_micros,
        searches = a.searches + 1,
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
