-- Read the jobs in `claimed` for their steps: with their requests, their inputs and their current attempts. The input
-- is the working copy of the file where it has one: the file itself shows a label, which a model would redraw. Each
-- LIMIT makes Postgres find a job's rows by their keys. The plan of a plain join, if made while a table was small,
-- would read the whole table for each claim.
SELECT j.id, j.lease, j.account_id, j.session_id, j.story_id, j.parent_id, j.is_test, j.kind, j.priority, j.state,
       j.attempt,
       j.accepted - j.accepted_earlier AS accepted, j.failures, j.claims, j.percent, j.created_at, j.entered_at, j.deadline_at,
       j.cancel_requested_at IS NOT NULL AS cancel_requested, diorama_now() AS claimed_at,
       r.theme, r.details, r.style, r.camera, r.duration_s, r.tier, r.on_failure,
       input.id AS input_id, coalesce(working.object_key, input.object_key) AS input_key,
       coalesce(working.content_type, input.content_type) AS input_type,
       coalesce(working.size_bytes, input.size_bytes) AS input_bytes, coalesce(working.sha256, input.sha256) AS input_sha256,
       a.token, a.model, a.prediction_id, a.output_urls, a.started_at AS attempt_started_at, a.accepted_at,
       a.source_key, a.source_type, a.source_bytes, a.source_sha256, a.listed_at, a.sighting
FROM claimed j
JOIN job_requests r ON r.job_id = j.id
LEFT JOIN jobs parent ON parent.id = j.parent_id
LEFT JOIN LATERAL (
    SELECT * FROM assets WHERE assets.id = coalesce(r.input_id, parent.output_id) AND assets.state = 'ready' LIMIT 1
) AS input ON true
LEFT JOIN LATERAL (
    SELECT * FROM renditions WHERE renditions.asset_id = input.id AND renditions.is_working_copy LIMIT 1
) AS working ON true
LEFT JOIN LATERAL (
    SELECT * FROM attempts WHERE attempts.job_id = j.id AND attempts.attempt = j.attempt LIMIT 1
) AS a ON true
