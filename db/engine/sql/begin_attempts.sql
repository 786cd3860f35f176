-- Write the intent of paid submissions, before any call is made.
INSERT INTO attempts (
    job_id, attempt, token, model, prompt_version, reserved_micros, picture_url, is_traceable, experiment, variant,
    status, started_at
)
SELECT b.*, 'submitting', (SELECT diorama_now())
FROM json_to_recordset(CAST(:rows AS json)) AS b (
    job_id uuid, attempt integer, token uuid, model text, prompt_version text, reserved_micros bigint,
    picture_url text, is_traceable boolean, experiment text, variant text
)
