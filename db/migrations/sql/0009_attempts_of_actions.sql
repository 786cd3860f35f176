-- An action belongs to the submission that its job had when it was planned: the job may have made others since.
ALTER TABLE compensation_actions ADD COLUMN attempt integer NOT NULL DEFAULT 0;
-- The history tells: attempts only grow, and the move that planned an action is of the same time. What is done stays at 0,
-- for nobody looks at it again: there are millions of those, and both tables are held meanwhile.
UPDATE compensation_actions a
SET attempt = coalesce(
    (SELECT max(e.attempt) FROM job_events e WHERE e.job_id = a.job_id AND e.at <= a.created_at),
    (SELECT j.attempt FROM jobs j WHERE j.id = a.job_id)
)
WHERE a.state <> 'done';
ALTER TABLE compensation_actions ALTER COLUMN attempt DROP DEFAULT;

-- Predictions that nobody waits for and that were not canceled: few, and the sweeper looks at them.
CREATE INDEX compensation_actions_uncanceled ON compensation_actions (job_id)
    WHERE action = 'cancel_prediction' AND state IN ('held', 'waived');

CREATE OR REPLACE FUNCTION plan_compensation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- A later try may begin with what was stored, unless that itself was the fault, or nobody wants it any more.
    keeps boolean := NEW.event NOT IN ('rolled_back', 'cancel_requested', 'output_invalid')
        AND NEW.cancel_requested_at IS NULL AND NEW.error_code IS DISTINCT FROM 'content_rejected';
BEGIN
    INSERT INTO compensation_actions (job_id, cycle, attempt, action, keep_key)
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'cancel_prediction', NULL
    FROM attempts a
    WHERE a.job_id = NEW.id AND a.attempt = NEW.attempt AND a.output_urls IS NULL AND a.completed_at IS NULL
      -- Of a canceled job, one that was lost and may run is looked for at once, and not only by the sweep.
      AND (a.prediction_id IS NOT NULL OR (a.status = 'lost' AND NEW.cancel_requested_at IS NOT NULL))
    UNION ALL
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'delete_objects',
           CASE WHEN keeps THEN (SELECT a.source_key FROM attempts a WHERE (a.job_id, a.attempt) = (NEW.id, NEW.attempt)) END
    WHERE NEW.accepted > 0
    UNION ALL
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'return_credits', NULL
    WHERE NEW.credits > 0
    UNION ALL
    -- A failed job takes what the same story made for it along; a canceled one does not.
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'roll_back_parent', NULL
    FROM job_requests r
    JOIN jobs parent ON parent.id = NEW.parent_id
    WHERE r.job_id = NEW.id AND r.on_failure = 'roll_back_parent' AND NEW.cancel_requested_at IS NULL
      AND parent.story_id = NEW.story_id AND parent.state = 'succeeded'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
