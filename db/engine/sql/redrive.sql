-- Begin another cycle of ended jobs: what went wrong is forgotten, save in the history. Called under `family`'s locks.
-- The head start of a queued job's priority is part of `due_in`. Zero rows: none of them had ended.
UPDATE jobs AS j
SET state = r.to_state, event = 'redriven', actor = :actor, reason = CAST(:reason AS text), seq = j.seq + 1,
    lease = j.lease + 1, cycle = j.cycle + 1, accepted_earlier = j.accepted, failures = 0, claims = 0,
    due_at = diorama_now() + r.due_in, deadline_at = diorama_now() + CAST(:deadline AS interval),
    cancel_requested_at = NULL, cancel_requested_by = NULL, error_code = NULL, error_message = NULL,
    error_detail = NULL, finished_at = NULL
FROM unnest(CAST(:ids AS uuid[]), CAST(:to_states AS text[]), CAST(:due_ins AS interval[])) AS r (id, to_state, due_in)
WHERE j.id = r.id
  AND j.state IN ('failed', 'canceled')
RETURNING j.id
