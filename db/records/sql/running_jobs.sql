-- Read the jobs of an account, or of one of its end users, that can be canceled, oldest first. Called for a suspension.
-- Zero rows: none is running.
SELECT id
FROM (
    SELECT id, session_id FROM jobs WHERE state = 'queued' AND account_id = :account
    UNION ALL
    SELECT id, session_id FROM jobs
    WHERE due_at IS NOT NULL AND state <> 'queued' AND state <> 'compensating' AND account_id = :account
      AND cancel_requested_at IS NULL
) AS running
WHERE CAST(:user AS text) = ''
   OR session_id IN (SELECT s.id FROM sessions s WHERE s.account_id = :account AND s.user_ref = :user)
ORDER BY id
LIMIT :most
