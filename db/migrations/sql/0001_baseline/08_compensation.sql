-- Compensating actions are rows, written by the move that makes the job compensating. One that needs review waits for a
-- person, with its reason; the job may end meanwhile.
CREATE TABLE compensation_actions (
    job_id      uuid NOT NULL CONSTRAINT compensation_actions_job REFERENCES jobs ON DELETE CASCADE,
    cycle       integer NOT NULL,
    -- The submission that the job had when the action was planned: the job may have made others since.
    attempt     integer NOT NULL,
    action      text NOT NULL CONSTRAINT compensation_actions_action_known
        CHECK (action IN ('cancel_prediction', 'delete_objects', 'return_credits', 'roll_back_parent')),
    state       text NOT NULL DEFAULT 'pending' CONSTRAINT compensation_actions_state_known
        CHECK (state IN ('pending', 'done', 'needs_review', 'waived')),
    -- Of delete_objects: the one object that stays, so that a redrive need not pay for it again.
    keep_key    text,
    result      text,
    tries       integer NOT NULL DEFAULT 0,
    last_error  text,
    reviewed_by text,
    review_note text,
    created_at  timestamptz NOT NULL DEFAULT diorama_now(),
    changed_at  timestamptz NOT NULL DEFAULT diorama_now(),
    CONSTRAINT compensation_actions_pkey PRIMARY KEY (job_id, cycle, action),
    CONSTRAINT compensation_actions_review_has_reason CHECK (state <> 'needs_review' OR last_error IS NOT NULL),
    CONSTRAINT compensation_actions_done_has_result CHECK (state <> 'done' OR result IS NOT NULL),
    CONSTRAINT compensation_actions_waived_by_someone CHECK (state <> 'waived' OR reviewed_by IS NOT NULL)
);
CREATE INDEX compensation_actions_open ON compensation_actions (job_id) WHERE state IN ('pending', 'needs_review');
-- Predictions that are no longer wanted and were not canceled: few, and the orphan search reads them.
CREATE INDEX compensation_actions_uncanceled ON compensation_actions (job_id)
    WHERE action = 'cancel_prediction' AND state IN ('needs_review', 'waived');

CREATE FUNCTION plan_compensation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- A later try may begin with what was stored, unless that itself was the fault, or the user no longer wants it.
    keeps boolean := NEW.event NOT IN ('rolled_back', 'cancel_requested', 'output_invalid')
        AND NEW.cancel_requested_at IS NULL AND NEW.error_code IS DISTINCT FROM 'content_rejected';
BEGIN
    INSERT INTO compensation_actions (job_id, cycle, attempt, action, keep_key)
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'cancel_prediction', NULL
    FROM attempts a
    WHERE a.job_id = NEW.id AND a.attempt = NEW.attempt AND a.output_urls IS NULL AND a.completed_at IS NULL
      -- Of a canceled job, one that was lost and may run is looked for at once, and not only by the orphan search.
      AND (a.prediction_id IS NOT NULL OR (a.status = 'lost' AND NEW.cancel_requested_at IS NOT NULL))
    UNION ALL
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'delete_objects',
           CASE WHEN keeps THEN (SELECT a.source_key FROM attempts a WHERE (a.job_id, a.attempt) = (NEW.id, NEW.attempt)) END
    WHERE NEW.accepted > 0
    UNION ALL
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'return_credits', NULL
    WHERE NEW.credits > 0
    UNION ALL
    -- A failed job takes along what the same story made for it: what it was made from, or all of it up to the selfie. A
    -- canceled one takes nothing.
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'roll_back_parent', NULL
    FROM job_requests r
    JOIN jobs parent ON parent.id = NEW.parent_id
    WHERE r.job_id = NEW.id AND NEW.cancel_requested_at IS NULL
      AND (r.on_failure = 'roll_back_story'
           OR (r.on_failure = 'roll_back_parent' AND NEW.error_code IS DISTINCT FROM 'rolled_back'))
      AND parent.story_id = NEW.story_id AND parent.state = 'succeeded'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER jobs_plan_compensation AFTER UPDATE ON jobs FOR EACH ROW
    WHEN (NEW.state = 'compensating' AND OLD.state <> 'compensating')
    EXECUTE FUNCTION plan_compensation();
