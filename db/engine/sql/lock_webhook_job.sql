-- Hold the job of an attempt still, so that what a webhook says of it is judged by how it stands now. Called before
-- take_webhook in the same transaction. Zero rows: no attempt of ours has this token.
SELECT j.id
FROM attempts a
JOIN jobs j ON j.id = a.job_id
WHERE a.token = :token
FOR UPDATE OF j
