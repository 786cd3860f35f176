-- Take a verified webhook, once for each id, and do what it is good for; the state of a job is never touched. Called
-- by the API with the job locked; two old ones go with each new one, so that there is never more than a day of them.
--   noted    the submission's answer is not recorded yet: reconciling will adopt the prediction without a search. One
--            that searches at this moment is fenced off, or it might find nothing and have the job paid for again
--   due      the prediction that the job waits for has ended: the next look is worth a call. One that is under way has
--            not seen the end, and is fenced off, or it would put the next one off
--   late     the job went on without the submission: the sweeper will cancel it without a search
--   foreign  no attempt of ours has the token
-- Returns the job that has become due. Zero rows: none has, or the message was taken before.
WITH seen AS (
    SELECT a.job_id, a.status, a.prediction_id, a.noted_prediction_id, a.told_ended, a.completed_at, j.state,
           a.attempt = j.attempt AS is_current, j.lease_expires_at IS NOT NULL AS is_claimed
    FROM attempts a
    JOIN jobs j ON j.id = a.job_id
    WHERE a.token = CAST(:token AS uuid)
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
    SET noted_prediction_id = CASE WHEN taken.effect = 'due' THEN a.noted_prediction_id ELSE :prediction_id END,
        told_ended = a.told_ended OR :has_ended
    FROM taken
    WHERE taken.effect IN ('due', 'noted', 'late')
      AND a.token = CAST(:token AS uuid)
), forgotten AS (
    DELETE FROM provider_webhooks
    WHERE webhook_id IN (
        SELECT webhook_id
        FROM provider_webhooks
        WHERE received_at < diorama_now() - interval '1 day'
        ORDER BY received_at
        LIMIT 2
        FOR UPDATE SKIP LOCKED
    )
), news AS (
    SELECT seen.job_id,
           CASE taken.effect WHEN 'due' THEN seen.is_claimed AND NOT seen.told_ended
                             ELSE seen.noted_prediction_id IS NULL END AS fences
    FROM seen, taken
    WHERE taken.effect = 'due'
       OR (taken.effect = 'noted' AND seen.state = 'reconciling')
)
UPDATE jobs AS j
SET due_at = least(j.due_at, diorama_now()),
    lease = j.lease + CASE WHEN news.fences THEN 1 ELSE 0 END,
    lease_expires_at = CASE WHEN news.fences THEN NULL ELSE j.lease_expires_at END,
    claimed_by = CASE WHEN news.fences THEN NULL ELSE j.claimed_by END,
    claims = CASE WHEN news.fences THEN 0 ELSE j.claims END
FROM news
WHERE j.id = news.job_id
RETURNING j.id, j.state
