-- Lock the job of an attempt, so that a webhook about it meets the current state. Called before `take_webhook` in the
-- same transaction. Zero rows: no attempt of ours has this token.
SELECT j.id
FROM attempts a
JOIN jobs j ON j.id = a.job_id
WHERE a.token = :token
FOR UPDATE OF j
