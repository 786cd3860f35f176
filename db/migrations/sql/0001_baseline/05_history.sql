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
    -- Checked here and not in `jobs`, whose row a claim and a renewal write as well. A pattern costs half as much as a list.
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

-- The rules of every move, whoever makes it. Runs for each row before it is written.
CREATE FUNCTION job_keeps_to_the_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.seq := 1;
    ELSE
        -- An update that forgets the sequence forgot its event as well: refuse it rather than guess.
        IF NEW.seq <> OLD.seq + 1 THEN
            RAISE EXCEPTION 'a change of state must set event, actor and seq = seq + 1 (job %, seq %)', OLD.id, OLD.seq
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'job_history_gapless';
        END IF;
        NEW.percent := greatest(NEW.percent, OLD.percent);
        IF NEW.state <> OLD.state THEN
            NEW.entered_at := diorama_now();
        END IF;
    END IF;
    -- The engine's own statement sets both. Whoever else moves a job may leave them alone.
    IF TG_OP = 'INSERT' OR (OLD.state <> NEW.state AND OLD.step = NEW.step AND OLD.is_terminal = NEW.is_terminal) THEN
        SELECT s.step, s.is_terminal INTO NEW.step, NEW.is_terminal FROM job_states s WHERE s.state = NEW.state;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER job_rules_of_birth BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION job_keeps_to_the_rules();
CREATE TRIGGER job_rules_of_moves BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.seq IS DISTINCT FROM NEW.seq)
    EXECUTE FUNCTION job_keeps_to_the_rules();

-- Writes the events of all jobs that a statement moved, together: one by one, that costs more than the rest of a move.
CREATE FUNCTION job_history_of_births() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_events
    SELECT id, seq, diorama_now(), 'new', event, state, percent, actor, reason, attempt, lease, 0, cost_micros, due_at,
           error_code, error_message, error_detail
    FROM new_jobs;
    RETURN NULL;
END
$$;
-- Runs for every update of jobs, even one that moves none, such as a claim. The planner cannot know how many moved:
-- a nested loop would compare every row with every other.
CREATE FUNCTION job_history_of_moves() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    INSERT INTO job_events
    SELECT j.id, j.seq, diorama_now(), b.state, j.event, j.state, j.percent, j.actor, j.reason, j.attempt, j.lease,
           1000 * extract(epoch FROM diorama_now() - b.entered_at), j.cost_micros, j.due_at, j.error_code,
           j.error_message, j.error_detail
    FROM new_jobs AS j
    JOIN old_jobs AS b ON b.id = j.id
    WHERE j.seq <> b.seq;
    RETURN NULL;
END
$$;
CREATE TRIGGER job_history_of_births AFTER INSERT ON jobs REFERENCING NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION job_history_of_births();
CREATE TRIGGER job_history_of_moves AFTER UPDATE ON jobs REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION job_history_of_moves();

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
