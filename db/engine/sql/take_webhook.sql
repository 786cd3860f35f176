-- Take a verified webhook, once for each id; the state of a job is never touched. Called by the API with the job
-- locked, before `sight` where a prediction of ours has ended. Each new webhook deletes two old ones, so that at most
-- about a day of them is kept.
--   noted    the submission's response is not recorded yet: reconciling will adopt the prediction without a search. A
--            search under way is fenced off, or it might find nothing and have the job paid for again
--   due      the prediction that the job waits for has ended, as `sight` will store
--   late     the job went on without the submission: the orphan search will cancel it without a search
--   foreign  no attempt of ours has the token
-- Returns the effect, the job, and the state in which the job became due here. Zero rows: the webhook was taken before.
WITH seen AS (
    SELECT a.job_id, a.status, a.prediction_id, a.noted_prediction_id, a.completed_at, j.state,
           a.attempt = j.attempt AS is_current
    FROM attempts a
    JOIN jobs j ON j.id = a.job_id
    WHERE a.token = CAST(:token AS uuid)
      -- The stand-in of test jobs is given no address, and the provider knows none of them.
      AND NOT j.is_test
), taken AS (
    INSERT INTO provider_webhooks (webhook_id, token, prediction_id, has_ended, effect)
    SELECT :webhook_id, CAST(:token AS uuid), :prediction_id, :has_ended,
           CASE WHEN seen.job_id IS NULL THEN 'foreign'
                WHEN seen.is_current AND seen.state IN ('submitting', 'reconciling') THEN 'noted'
                WHEN seen.is_current AND seen.state = 'generating' AND seen.prediction_id = :prediction_id AND :has_ended
                    THEN 'due'
                WHEN seen.status IN ('lost', 'absent') AND seen.completed_at IS NULL THEN 'late'
                ELSE 'none' END
    FROM (SELECT) AS once
    LEFT JOIN seen ON true
    ON CONFLICT (webhook_id) DO NOTHING
    RETURNING effect
), noted AS (
    UPDATE attempts AS a
    SET noted_prediction_id = :prediction_id
    FROM taken
    WHERE taken.effect IN ('noted', 'late')
      AND a.token = CAST(:token AS uuid)
), purged AS (
    DELETE FROM provider_webhooks
    WHERE webhook_id IN (
        SELECT webhook_id
        FROM provider_webhooks
        WHERE received_at < diorama_now() - interval '1 day'
        ORDER BY received_at
        LIMIT 2
        FOR UPDATE SKIP LOCKED
    )
), due AS (
    UPDATE jobs AS j
    SET due_at = least(j.due_at, diorama_now()),
        lease = j.lease + CASE WHEN seen.noted_prediction_id IS NULL THEN 1 ELSE 0 END,
        lease_expires_at = CASE WHEN seen.noted_prediction_id IS NULL THEN NULL ELSE j.lease_expires_at END,
        claimed_by = CASE WHEN seen.noted_prediction_id IS NULL THEN NULL ELSE j.claimed_by END,
        claims = CASE WHEN seen.noted_prediction_id IS NULL THEN 0 ELSE j.claims END
    FROM seen, taken
    WHERE taken.effect = 'noted'
      AND seen.state = 'reconciling'
      AND j.id = seen.job_id
    RETURNING j.state
)
SELECT taken.effect, seen.job_id, due.state AS due_state
FROM taken
LEFT JOIN seen ON true
LEFT JOIN due ON true
