-- Move jobs: the one statement that changes the state of a job. Called for a group of workers at once, for commands,
-- and for the relatives of jobs that moved.
-- A worker's move names the lease that it leaves. It returns no row if it was fenced off because another worker moved
-- the job on; its result is dropped. The same happens to a move that is repeated because the response to its commit was
-- lost: the first one ended the lease. A move without a lease comes from a transaction that has locked the job, and
-- fences off the worker that leases it, except with `keep_lease`.
-- `lease_for_s` claims the job for its next step in the same statement, for the same worker, unless a cancel was
-- requested or the next step is paused. With `keep_lease` the same step goes on under the same lease, which ends after
-- `lease_for_s` if that is given.
-- The states are materialized, so that these few rows are hashed once and the clock is read once, not for each move.
WITH states AS MATERIALIZED (SELECT state, step, is_terminal, diorama_now() AS now FROM job_states)
UPDATE jobs AS j
SET state = m.to_state,
    step = s.step,
    is_terminal = s.is_terminal,
    event = m.event,
    actor = m.actor,
    reason = m.reason,
    seq = j.seq + 1,
    percent = m.percent,
    attempt = j.attempt + m.attempts_begun,
    accepted = j.accepted + CASE WHEN m.is_accepted THEN 1 ELSE 0 END,
    -- Submissions that failed because an operator must act do not count towards the limit, nor do those of earlier
    -- cycles.
    accepted_earlier = CASE WHEN m.new_deadline_in_s IS NOT NULL THEN j.accepted
                            ELSE j.accepted_earlier + CASE WHEN m.is_free THEN 1 ELSE 0 END END,
    failures = m.failures,
    lease = j.lease + CASE WHEN m.keep_lease OR (m.next_lease_for IS NULL AND m.lease IS NOT NULL) THEN 0 ELSE 1 END,
    claims = CASE WHEN m.keep_lease THEN j.claims WHEN m.next_lease_for IS NOT NULL AND j.cancel_requested_at IS NULL THEN 1 ELSE 0 END,
    lease_expires_at = CASE WHEN m.keep_lease THEN coalesce(s.now + m.lease_for, j.lease_expires_at)
                            WHEN j.cancel_requested_at IS NULL THEN s.now + m.next_lease_for END,
    claimed_by = CASE WHEN m.keep_lease OR (j.cancel_requested_at IS NULL AND m.next_lease_for IS NOT NULL)
                      THEN j.claimed_by END,
    due_at = s.now + m.due_in,
    cycle = j.cycle + CASE WHEN m.new_deadline_in_s IS NOT NULL THEN 1 ELSE 0 END,
    deadline_at = coalesce(s.now + make_interval(secs => m.new_deadline_in_s), j.deadline_at),
    cancel_requested_at = CASE WHEN m.cancels THEN coalesce(j.cancel_requested_at, s.now)
                               WHEN m.new_deadline_in_s IS NULL THEN j.cancel_requested_at END,
    cancel_requested_by = CASE WHEN m.canceled_by IS NOT NULL THEN coalesce(j.cancel_requested_by, m.canceled_by)
                               WHEN m.new_deadline_in_s IS NULL THEN j.cancel_requested_by END,
    cost_micros = j.cost_micros + m.cost_micros,
    error_code = CASE WHEN m.keeps_error THEN j.error_code ELSE m.error_code END,
    error_message = CASE WHEN m.keeps_error THEN j.error_message ELSE m.error_message END,
    error_detail = CASE WHEN m.keeps_error THEN j.error_detail ELSE m.error_detail END,
    output_id = coalesce(m.output_id, j.output_id),
    started_at = coalesce(j.started_at, CASE WHEN m.attempts_begun > 0 THEN s.now END),
    finished_at = CASE WHEN m.due_in IS NULL THEN s.now END
FROM (
    SELECT given.*,
           make_interval(secs => given.due_in_s) AS due_in,
           make_interval(secs => given.lease_for_s) AS lease_for,
           CASE WHEN given.to_state <> ALL (ARRAY(SELECT unnest(states) FROM paused_steps))
                THEN make_interval(secs => given.lease_for_s) END AS next_lease_for
    FROM json_to_recordset(CAST(:moves AS json)) AS given (
        number integer, id uuid, lease bigint, from_state text, event text, to_state text, actor text, reason text,
        due_in_s double precision, percent smallint, failures integer, attempts_begun integer, keep_lease boolean,
        lease_for_s double precision, cost_micros bigint, error_code text, error_message text, error_detail text,
        output_id uuid, is_free boolean, is_accepted boolean, keeps_error boolean, cancels boolean, canceled_by text,
        new_deadline_in_s double precision
    )
) AS m
JOIN states AS s ON s.state = m.to_state
WHERE j.id = m.id
  -- Two conditions in one: the planner knows that few jobs are leased, and would begin by reading those.
  AND m.lease IS NOT DISTINCT FROM CASE WHEN m.lease IS NOT NULL AND j.lease_expires_at IS NOT NULL THEN j.lease END
  AND j.state = m.from_state
RETURNING m.number, j.lease, j.lease_expires_at IS NOT NULL AS is_leased, j.credits > 0 AS is_priced, s.now AS at,
          j.cancel_requested_at IS NOT NULL AS is_canceled, j.percent, j.accepted - j.accepted_earlier AS accepted
