-- Write new facts about submissions; null leaves a column as it is.
-- A webhook may arrive before the provider's response. If it reported the end of the prediction, the job is due at
-- once; so is a job whose response was lost, because the webhook named its prediction. Returns their states, for a
-- hint.
WITH changed AS (
    UPDATE attempts AS a
    SET status = c.status,
        prediction_id = coalesce(c.prediction_id, a.prediction_id),
        output_urls = coalesce(c.output_urls, a.output_urls),
        cost_micros = coalesce(c.cost_micros, a.cost_micros),
        source_key = coalesce(c.source_key, a.source_key),
        source_type = coalesce(c.source_type, a.source_type),
        source_bytes = coalesce(c.source_bytes, a.source_bytes),
        source_sha256 = coalesce(c.source_sha256, a.source_sha256),
        error_detail = coalesce(c.error_detail, a.error_detail),
        listed_at = coalesce(c.listed_at, a.listed_at),
        took_s = coalesce(c.took_s, a.took_s),
        -- The move that ends the run records what the sighting reported.
        sighting = CASE WHEN c.status IN ('running', 'lost') THEN a.sighting END,
        accepted_at = CASE WHEN c.status = 'running' THEN coalesce(a.accepted_at, (SELECT diorama_now())) ELSE a.accepted_at END,
        completed_at = CASE WHEN c.status IN ('succeeded', 'failed', 'canceled', 'refused', 'rejected')
                            THEN coalesce(a.completed_at, (SELECT diorama_now())) ELSE a.completed_at END
    FROM json_to_recordset(CAST(:rows AS json)) AS c (
        job_id uuid, attempt integer, status text, prediction_id text, output_urls text[], cost_micros bigint,
        source_key text, source_type text, source_bytes bigint, source_sha256 text, error_detail text,
        listed_at timestamptz, took_s double precision
    )
    WHERE a.job_id = c.job_id
      AND a.attempt = c.attempt
    RETURNING a.job_id,
              CASE WHEN a.status = 'running' AND (a.sighting -> 'has_ended')::boolean THEN 'generating'
                   WHEN a.status = 'lost' AND a.noted_prediction_id IS NOT NULL THEN 'reconciling' END AS due_state
)
UPDATE jobs
SET due_at = (SELECT diorama_now())
FROM changed
WHERE changed.due_state IS NOT NULL
  AND jobs.id = changed.job_id
  AND jobs.state = changed.due_state
RETURNING jobs.state
