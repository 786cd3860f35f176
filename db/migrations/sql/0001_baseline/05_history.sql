-- The history. Only the trigger writes it; (from_state, event, to_state) must be a row of the rules.
-- Ids are ordered by the time they were made (UUIDv7), so a job's whole history lies in the partition of the month in
-- which the job was made: one partition is read for a job, and an old month goes as a whole.
CREATE TABLE job_events (
    job_id        uuid NOT NULL,
    seq           integer NOT NULL,
    at            timestamptz NOT NULL,
    from_state    text NOT NULL,
    event         text NOT NULL,
    to_state      text NOT NULL,
    percent       smallint NOT NULL,
    -- Checked here and not in `jobs`, whose row a claim and a renewal write as well. A pattern costs half of what a list does.
    actor         text NOT NULL
        CONSTRAINT job_events_actor_known CHECK (actor ~ '^(worker|api|support)(:|$)'),
    reason        text,
    attempt       integer NOT NULL,
    lease         bigint NOT NULL,
    duration_ms   bigint NOT NULL,
    cost_micros   bigint NOT NULL,
    due_at        timestamptz,
    error_code    text,
    error_message text,
    error_detail  text,
    -- The transaction that wrote the event: what the sequencer of the activity has not read yet is found by it.
    xid           xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT job_events_pkey PRIMARY KEY (job_id, seq),
    CONSTRAINT job_events_legal FOREIGN KEY (from_state, event, to_state) REFERENCES job_transitions
) PARTITION BY RANGE (job_id);
-- Takes what no month takes, because the coming months were not made in time, or because its own month is gone.
CREATE TABLE job_events_other PARTITION OF job_events DEFAULT;
CREATE INDEX job_events_by_xid ON job_events (xid);

CREATE FUNCTION job_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at_now timestamptz := diorama_now();
    came_from text := 'new';
    spent_ms bigint := 0;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.seq := 1;
    ELSE
        -- An update that forgets the sequence forgot its event as well: refuse it rather than guess.
        IF NEW.seq <> OLD.seq + 1 THEN
            RAISE EXCEPTION 'a change of state must set event, actor and seq = seq + 1 (job %, seq %)', OLD.id, OLD.seq
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'job_history_gapless';
        END IF;
        came_from := OLD.state;
        spent_ms := 1000 * extract(epoch FROM at_now - OLD.entered_at);
        NEW.percent := greatest(NEW.percent, OLD.percent);
        IF NEW.state <> OLD.state THEN
            NEW.entered_at := at_now;
        END IF;
    END IF;
    -- The engine's own statement sets both. Whoever else moves a job may leave them alone.
    IF TG_OP = 'INSERT' OR (OLD.state <> NEW.state AND OLD.step = NEW.step AND OLD.is_terminal = NEW.is_terminal) THEN
        SELECT s.step, s.is_terminal INTO NEW.step, NEW.is_terminal FROM job_states s WHERE s.state = NEW.state;
    END IF;
    INSERT INTO job_events VALUES (
        NEW.id, NEW.seq, at_now, came_from, NEW.event, NEW.state, NEW.percent, NEW.actor, NEW.reason, NEW.attempt,
        NEW.lease, spent_ms, NEW.cost_micros, NEW.due_at, NEW.error_code, NEW.error_message, NEW.error_detail
    );
    RETURN NEW;
END
$$;
CREATE TRIGGER job_history_of_birth BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION job_history();
CREATE TRIGGER job_history_of_moves BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.seq IS DISTINCT FROM NEW.seq)
    EXECUTE FUNCTION job_history();

CREATE FUNCTION job_history_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A deletion removes words, a restored dump gets transaction ids of its new server, and nothing else is changed.
    IF is_erasing() THEN
        OLD.xid := NEW.xid;
        OLD.reason := NEW.reason;
        OLD.error_detail := NEW.error_detail;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'history is append-only: job_events rows are never changed'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'job_events_append_only';
END
$$;
CREATE TRIGGER job_events_append_only BEFORE UPDATE ON job_events FOR EACH ROW EXECUTE FUNCTION job_history_is_final();
