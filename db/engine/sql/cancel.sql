-- Cancel a job at once, fencing off whichever worker holds it; called by the owner's and support's cancel.
-- While a submission is under way its outcome must be known before it can be undone: the wish is written, with its row
-- of the history, and the job stays with its worker. Asking once more changes nothing then.
-- Zero rows: the job has ended, or is ending already.
UPDATE jobs
SET cancel_requested_at = coalesce(cancel_requested_at, diorama_now()),
    cancel_requested_by = coalesce(cancel_requested_by, :actor),
    state = CASE state WHEN 'submitting' THEN state ELSE 'compensating' END,
    event = 'cancel_requested',
    actor = CASE WHEN state = 'submitting' AND cancel_requested_at IS NOT NULL THEN actor ELSE :actor END,
    reason = NULL,
    seq = seq + CASE WHEN state = 'submitting' AND cancel_requested_at IS NOT NULL THEN 0 ELSE 1 END,
    lease = lease + CASE state WHEN 'submitting' THEN 0 ELSE 1 END,
    lease_expires_at = CASE state WHEN 'submitting' THEN lease_expires_at END,
    claimed_by = CASE state WHEN 'submitting' THEN claimed_by END,
    claims = CASE state WHEN 'submitting' THEN claims ELSE 0 END,
    due_at = CASE state WHEN 'submitting' THEN due_at ELSE diorama_now() END,
    error_code = CASE state WHEN 'submitting' THEN error_code ELSE :error_code END,
    error_message = CASE state WHEN 'submitting' THEN error_message ELSE :error_message END
WHERE id = :id
  AND finished_at IS NULL
  AND state <> 'compensating'
RETURNING id, state
