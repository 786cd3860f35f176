-- Move jobs, each under the state and the lease it leaves. Called by the recorder for a group of workers at once.
-- A move that returns no row was fenced off: someone else moved that job on, and the result is dropped. So is a move
-- that is made again because the answer to its commit was lost: the first one ended the lease.
-- A cancel that arrived meanwhile makes the job due at once, so that it is seen before anything else happens; what is
-- being undone by then keeps its waits.
-- `hold_for` claims the job for its next step in the same statement, for the worker that moved it here; a job that is
-- to be canceled is not held, nor is one whose next step is paused. With `keep_lease` the same step goes on under the
-- same lease, which lasts for `held_for` from now where that is given.
UPDATE jobs AS j
SET state = m.to_state,
    event = m.event,
    actor = m.actor,
    reason = m.reason,
    seq = j.seq + 1,
    percent = greatest(j.percent, m.percent),
    attempt = j.attempt + m.attempts_begun,
    accepted = j.accepted + CASE WHEN m.event IN ('accepted', 'orphan_found') THEN 1 ELSE 0 END,
    failures = m.failures,
    lease = j.lease + CASE WHEN m.keep_lease OR m.hold_for IS NULL THEN 0 ELSE 1 END,
    claims = CASE WHEN m.keep_lease THEN j.claims WHEN m.hold_for IS NOT NULL AND j.cancel_requested_at IS NULL THEN 1 ELSE 0 END,
    lease_expires_at = CASE WHEN m.keep_lease THEN coalesce(diorama_now() + m.held_for, j.lease_expires_at)
                            WHEN j.cancel_requested_at IS NULL THEN diorama_now() + m.hold_for END,
    claimed_by = CASE WHEN m.keep_lease OR (j.cancel_requested_at IS NULL AND m.hold_for IS NOT NULL)
                      THEN j.claimed_by END,
    due_at = CASE WHEN j.cancel_requested_at IS NULL OR m.due_in IS NULL OR m.from_state = 'compensating'
                  THEN diorama_now() + m.due_in
                  ELSE least(diorama_now(), diorama_now() + m.due_in) END,
    cost_micros = j.cost_micros + m.cost_micros,
    error_code = CASE WHEN j.state = 'compensating' THEN j.error_code ELSE m.error_code END,
    error_message = CASE WHEN j.state = 'compensating' THEN j.error_message ELSE m.error_message END,
    error_detail = CASE WHEN j.state = 'compensating' THEN j.error_detail ELSE m.error_detail END,
    output_id = coalesce(m.output_id, j.output_id),
    started_at = coalesce(j.started_at, CASE WHEN m.attempts_begun > 0 THEN diorama_now() END),
    finished_at = CASE WHEN m.due_in IS NULL THEN diorama_now() END
FROM (
    SELECT given.*,
           CASE WHEN given.to_state <> ALL (ARRAY(SELECT unnest(states) FROM paused_steps)) THEN given.held_for END AS hold_for
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:lease AS bigint[]), CAST(:from_state AS text[]), CAST(:event AS text[]),
        CAST(:to_state AS text[]), CAST(:actor AS text[]), CAST(:reason AS text[]), CAST(:due_in AS interval[]),
        CAST(:percent AS smallint[]), CAST(:failures AS integer[]), CAST(:attempts_begun AS integer[]),
        CAST(:keep_lease AS boolean[]), CAST(:hold_for AS interval[]), CAST(:cost_micros AS bigint[]),
        CAST(:error_code AS text[]), CAST(:error_message AS text[]), CAST(:error_detail AS text[]),
        CAST(:output_id AS uuid[])
    ) AS given (
        id, lease, from_state, event, to_state, actor, reason, due_in, percent, failures, attempts_begun, keep_lease,
        held_for, cost_micros, error_code, error_message, error_detail, output_id
    )
) AS m
WHERE j.id = m.id
  AND j.lease = m.lease
  AND j.lease_expires_at IS NOT NULL
  AND j.state = m.from_state
RETURNING j.id, j.lease, j.lease_expires_at IS NOT NULL AS held, j.credits > 0 AS is_priced, diorama_now() AS at,
          j.cancel_requested_at IS NOT NULL AS is_canceled
