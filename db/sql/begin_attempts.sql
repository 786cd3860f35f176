-- Write the intent of paid submissions, before any call is made.
INSERT INTO attempts (
    job_id, attempt, token, model, prompt_version, reserved_micros, experiment, variant, status, started_at
)
SELECT b.*, 'submitting', diorama_now()
FROM unnest(
    CAST(:job_id AS uuid[]), CAST(:attempt AS integer[]), CAST(:token AS uuid[]), CAST(:model AS text[]),
    CAST(:prompt_version AS text[]), CAST(:reserved_micros AS bigint[]), CAST(:experiment AS text[]),
    CAST(:variant AS text[])
) AS b (job_id, attempt, token, model, prompt_version, reserved_micros, experiment, variant)
