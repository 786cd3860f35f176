-- Read the jobs in `claimed` for their steps: with their requests, their inputs and their current attempts.
-- The input is the working copy of the file where it has one: the file itself shows a label, which a model would redraw.
-- Its working copy is joined to the wanted id, not to the file: a plan made while there were few files may read all of
-- them, and would look up the copy of each.
SELECT j.id, j.lease, j.account_id, j.session_id, j.story_id, j.parent_id, j.kind, j.priority, j.state, j.attempt,
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
LEFT JOIN assets input ON input.id = coalesce(r.input_id, parent.output_id) AND input.state = 'ready'
LEFT JOIN renditions working ON working.asset_id = coalesce(r.input_id, parent.output_id) AND working.is_working_copy
                            AND input.id IS NOT NULL
LEFT JOIN attempts a ON a.job_id = j.id AND a.attempt = j.attempt
