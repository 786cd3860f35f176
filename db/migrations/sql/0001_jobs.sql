-- The clock of every lease and due time is the database's. A test moves it for its own connections with
-- `SET diorama.clock_offset = '1 hour'`; nobody else sets it.
CREATE FUNCTION diorama_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT now() + coalesce(nullif(current_setting('diorama.clock_offset', true), ''), '0')::interval
$$;

CREATE TABLE assets (
    id                uuid PRIMARY KEY,
    account_id        uuid NOT NULL CONSTRAINT assets_account REFERENCES accounts,
    session_id        uuid CONSTRAINT assets_session REFERENCES sessions,
    kind              text NOT NULL
        CONSTRAINT assets_kind_known CHECK (kind IN ('selfie', 'avatar', 'scene', 'video', 'poster')),
    state             text NOT NULL
        CONSTRAINT assets_state_known CHECK (state IN ('pending', 'ready', 'rejected', 'deleted')),
    object_key        text NOT NULL,
    content_type      text NOT NULL,
    width_px          integer,
    height_px         integer,
    duration_s        double precision,
    frames_per_second double precision,
    size_bytes        bigint,
    sha256            text,
    poster_id         uuid CONSTRAINT assets_poster REFERENCES assets,
    rejection         text,
    created_at        timestamptz NOT NULL DEFAULT diorama_now(),
    expires_at        timestamptz,
    CONSTRAINT assets_ready_has_content
        CHECK (state <> 'ready' OR (size_bytes IS NOT NULL AND sha256 IS NOT NULL)),
    CONSTRAINT assets_rejected_has_reason CHECK ((state = 'rejected') <= (rejection IS NOT NULL))
);
CREATE INDEX assets_by_account ON assets (account_id, id);

CREATE TABLE stories (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT stories_account REFERENCES accounts,
    session_id uuid CONSTRAINT stories_session REFERENCES sessions,
    selfie_id  uuid NOT NULL CONSTRAINT stories_selfie REFERENCES assets,
    created_at timestamptz NOT NULL DEFAULT diorama_now()
);
CREATE INDEX stories_by_account ON stories (account_id, id);

-- The rules, as rows. They are written from the table in Python by the migrations; a test proves that both agree.
-- The birth of a job is a move from 'new'.
CREATE TABLE job_transitions (
    from_state text NOT NULL,
    event      text NOT NULL,
    to_state   text NOT NULL,
    CONSTRAINT job_transitions_pkey PRIMARY KEY (from_state, event, to_state)
);

-- The hot row: what changes while a job runs, and nothing wide. What was asked for is in job_requests.
CREATE TABLE jobs (
    id                  uuid PRIMARY KEY,
    account_id          uuid NOT NULL CONSTRAINT jobs_account REFERENCES accounts,
    session_id          uuid CONSTRAINT jobs_session REFERENCES sessions,
    story_id            uuid CONSTRAINT jobs_story REFERENCES stories,
    parent_id           uuid CONSTRAINT jobs_parent REFERENCES jobs,
    kind                text NOT NULL CONSTRAINT jobs_kind_known CHECK (kind IN ('avatar', 'scene', 'animation')),
    priority            smallint NOT NULL DEFAULT 0 CONSTRAINT jobs_priority_bounded CHECK (priority BETWEEN -10 AND 10),
    state               text NOT NULL,
    -- The step that may claim the job; null once it has ended.
    step                text GENERATED ALWAYS AS (CASE state {step_cases} END) STORED,
    -- The last event, by whom and why: the trigger below copies them into the history.
    event               text NOT NULL,
    actor               text NOT NULL,
    reason              text,
    seq                 integer NOT NULL DEFAULT 1,
    percent             smallint NOT NULL DEFAULT 0 CONSTRAINT jobs_percent_bounded CHECK (percent BETWEEN 0 AND 100),
    -- Submissions begun, and how many of them the provider took: only those are paid for.
    attempt             integer NOT NULL DEFAULT 0,
    accepted            integer NOT NULL DEFAULT 0,
    failures            integer NOT NULL DEFAULT 0,
    -- Only ever grows: every write of a worker is fenced by it.
    lease               bigint NOT NULL DEFAULT 0,
    lease_expires_at    timestamptz,
    claimed_by          text,
    -- Claims since the last recorded event: a job whose workers keep dying is counted here.
    claims              integer NOT NULL DEFAULT 0,
    due_at              timestamptz,
    deadline_at         timestamptz NOT NULL,
    cancel_requested_at timestamptz,
    cancel_requested_by text,
    error_code          text,
    error_message       text,
    error_detail        text,
    cost_micros         bigint NOT NULL DEFAULT 0,
    -- Deferred: the guarded update comes first, and only what it moved gets its asset rows.
    output_id           uuid CONSTRAINT jobs_output REFERENCES assets DEFERRABLE INITIALLY DEFERRED,
    created_at          timestamptz NOT NULL DEFAULT diorama_now(),
    entered_at          timestamptz NOT NULL DEFAULT diorama_now(),
    started_at          timestamptz,
    finished_at         timestamptz,
    CONSTRAINT jobs_finished_iff_terminal
        CHECK ((finished_at IS NOT NULL) = (state IN ({terminal_states}))),
    CONSTRAINT jobs_due_until_finished CHECK ((due_at IS NULL) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_lease_iff_claimed CHECK ((lease_expires_at IS NULL) = (claimed_by IS NULL)),
    CONSTRAINT jobs_terminal_unleased CHECK (finished_at IS NULL OR lease_expires_at IS NULL),
    CONSTRAINT jobs_failed_has_error CHECK (state NOT IN ('failed', 'canceled') OR error_code IS NOT NULL),
    CONSTRAINT jobs_succeeded_has_output CHECK (state <> 'succeeded' OR output_id IS NOT NULL)
) WITH (
    -- A claim changes no indexed column, so with room on the page it stays a heap-only update.
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);
-- Queued jobs are claimed account by account, so that nobody waits behind another's thousands; all others as they are due.
CREATE INDEX jobs_due ON jobs (step, due_at) WHERE due_at IS NOT NULL AND state <> 'queued';
CREATE INDEX jobs_queued ON jobs (account_id, due_at) WHERE state = 'queued';
CREATE INDEX jobs_by_account ON jobs (account_id, id);
CREATE INDEX jobs_by_story ON jobs (story_id) WHERE story_id IS NOT NULL;
CREATE INDEX jobs_by_parent ON jobs (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX jobs_by_session ON jobs (session_id, id) WHERE session_id IS NOT NULL;

-- What was asked for. Written once with the job, never changed.
CREATE TABLE job_requests (
    job_id     uuid PRIMARY KEY CONSTRAINT job_requests_job REFERENCES jobs ON DELETE CASCADE,
    -- The selfie of an avatar; null where the input is the parent job's output.
    input_id   uuid CONSTRAINT job_requests_input REFERENCES assets,
    theme      text,
    details    text CONSTRAINT job_requests_details_bounded CHECK (length(details) <= 300),
    style      text,
    camera     text,
    duration_s smallint,
    tier       text NOT NULL,
    on_failure text NOT NULL
        CONSTRAINT job_requests_on_failure_known CHECK (on_failure IN ('keep_parent', 'roll_back_parent')),
    metadata   jsonb CONSTRAINT job_requests_metadata_bounded CHECK (octet_length(metadata::text) <= 4096)
);

-- The history. Only the trigger writes it; (from_state, event, to_state) must be a row of the rules.
CREATE TABLE job_events (
    job_id        uuid NOT NULL,
    seq           integer NOT NULL,
    at            timestamptz NOT NULL,
    from_state    text NOT NULL,
    event         text NOT NULL,
    to_state      text NOT NULL,
    percent       smallint NOT NULL,
    actor         text NOT NULL,
    reason        text,
    attempt       integer NOT NULL,
    lease         bigint NOT NULL,
    duration_ms   bigint NOT NULL,
    cost_micros   bigint NOT NULL,
    due_at        timestamptz,
    error_code    text,
    error_message text,
    error_detail  text,
    CONSTRAINT job_events_pkey PRIMARY KEY (job_id, seq),
    CONSTRAINT job_events_legal FOREIGN KEY (from_state, event, to_state) REFERENCES job_transitions
);

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
    RAISE EXCEPTION 'history is append-only: job_events rows are never changed'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'job_events_append_only';
END
$$;
CREATE TRIGGER job_events_append_only BEFORE UPDATE ON job_events FOR EACH ROW EXECUTE FUNCTION job_history_is_final();

-- One row per paid submission, written before the call is made.
CREATE TABLE attempts (
    job_id          uuid NOT NULL CONSTRAINT attempts_job REFERENCES jobs ON DELETE CASCADE,
    attempt         integer NOT NULL,
    token           uuid NOT NULL CONSTRAINT attempts_token_unique UNIQUE,
    model           text NOT NULL,
    prompt_version  text NOT NULL,
    status          text NOT NULL CONSTRAINT attempts_status_known
        CHECK (status IN ('submitting', 'refused', 'rejected', 'lost', 'absent', 'running', 'succeeded', 'failed', 'canceled')),
    reserved_micros bigint NOT NULL,
    cost_micros     bigint NOT NULL DEFAULT 0,
    prediction_id   text,
    output_urls     text[],
    -- Our own copy of the provider's output.
    source_key      text,
    source_type     text,
    source_bytes    bigint,
    source_sha256   text,
    error_detail    text,
    started_at      timestamptz NOT NULL DEFAULT diorama_now(),
    accepted_at     timestamptz,
    completed_at    timestamptz,
    CONSTRAINT attempts_pkey PRIMARY KEY (job_id, attempt)
) WITH (
    -- Most of what a row comes to hold is written after its insert: there is room on the page for it.
    fillfactor = 50
);
CREATE UNIQUE INDEX attempts_by_prediction ON attempts (prediction_id) WHERE prediction_id IS NOT NULL;

-- A key belongs to one user of one account and one operation; it is written in the transaction of what it made.
CREATE TABLE idempotency_keys (
    account_id   uuid NOT NULL CONSTRAINT idempotency_keys_account REFERENCES accounts,
    user_ref     text NOT NULL,
    operation    text NOT NULL,
    key          text NOT NULL CONSTRAINT idempotency_keys_key_bounded CHECK (length(key) BETWEEN 1 AND 255),
    input_sha256 bytea NOT NULL,
    resource_id  uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT diorama_now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, user_ref, operation, key)
);
