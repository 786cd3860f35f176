-- The hot row: what changes while a job runs, and nothing wide. What was asked for is in job_requests.
CREATE TABLE jobs (
    id                  uuid PRIMARY KEY,
    account_id          uuid NOT NULL,
    -- That of the account, which the foreign key sees to: the job's calls go to the stand-in, never to the provider.
    is_test             boolean NOT NULL DEFAULT false,
    session_id          uuid CONSTRAINT jobs_session REFERENCES sessions,
    story_id            uuid CONSTRAINT jobs_story REFERENCES stories,
    parent_id           uuid CONSTRAINT jobs_parent REFERENCES jobs,
    kind                text NOT NULL CONSTRAINT jobs_kind_known CHECK (kind IN ('avatar', 'scene', 'animation')),
    priority            smallint NOT NULL DEFAULT 0 CONSTRAINT jobs_priority_bounded CHECK (priority BETWEEN -10 AND 10),
    state               text NOT NULL,
    -- Both follow from the state by `job_states`: a trigger copies them, the foreign key checks them.
    step                text NOT NULL,
    is_terminal         boolean NOT NULL,
    -- The last event, by whom and why: the trigger below copies them into the history.
    event               text NOT NULL,
    actor               text NOT NULL,
    reason              text,
    seq                 integer NOT NULL DEFAULT 1,
    percent             smallint NOT NULL DEFAULT 0 CONSTRAINT jobs_percent_bounded CHECK (percent BETWEEN 0 AND 100),
    -- One life of a job, from the request or a redrive to its end, is a cycle; `credits` is what it costs if it succeeds.
    cycle               integer NOT NULL DEFAULT 1,
    credits             integer NOT NULL DEFAULT 0 CONSTRAINT jobs_credits_bounded CHECK (credits >= 0),
    -- Submissions begun, and how many of them the provider took: only those are paid for.
    attempt             integer NOT NULL DEFAULT 0,
    accepted            integer NOT NULL DEFAULT 0,
    -- Those of them that the provider took in earlier cycles.
    accepted_earlier    integer NOT NULL DEFAULT 0,
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
    error_code          text CONSTRAINT jobs_error_code_known REFERENCES job_error_codes,
    error_message       text,
    error_detail        text,
    cost_micros         bigint NOT NULL DEFAULT 0,
    -- Deferred: the guarded update comes first, and only what it moved gets its asset rows.
    output_id           uuid CONSTRAINT jobs_output REFERENCES assets DEFERRABLE INITIALLY DEFERRED,
    created_at          timestamptz NOT NULL DEFAULT diorama_now(),
    entered_at          timestamptz NOT NULL DEFAULT diorama_now(),
    started_at          timestamptz,
    finished_at         timestamptz,
    CONSTRAINT jobs_account FOREIGN KEY (account_id, is_test) REFERENCES accounts (id, is_test),
    CONSTRAINT jobs_finished_iff_terminal
        CHECK ((finished_at IS NOT NULL) = is_terminal),
    CONSTRAINT jobs_state_known FOREIGN KEY (state, step, is_terminal) REFERENCES job_states (state, step, is_terminal),
    CONSTRAINT jobs_due_until_finished CHECK ((due_at IS NULL) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_lease_iff_claimed CHECK ((lease_expires_at IS NULL) = (claimed_by IS NULL)),
    CONSTRAINT jobs_terminal_unleased CHECK (finished_at IS NULL OR lease_expires_at IS NULL),
    CONSTRAINT jobs_failed_has_error CHECK (NOT is_terminal OR state = 'succeeded' OR error_code IS NOT NULL),
    CONSTRAINT jobs_succeeded_has_output CHECK (state <> 'succeeded' OR output_id IS NOT NULL)
) WITH (
    -- A claim changes no indexed column, so with room on the page it stays a heap-only update.
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);
-- Queued jobs are claimed account by account, so that no account waits behind another's thousands, and so are those whose
-- output is stored and transcoded, animations apart from pictures; all others as they are due.
CREATE INDEX jobs_due ON jobs (step, due_at) WHERE due_at IS NOT NULL AND state <> 'queued';
CREATE INDEX jobs_queued ON jobs (account_id, due_at) WHERE state = 'queued';
CREATE INDEX jobs_in_turn ON jobs (step, (kind = 'animation'), account_id, due_at) WHERE state IN ('storing', 'transcoding');
CREATE INDEX jobs_by_story ON jobs (story_id) WHERE story_id IS NOT NULL;
CREATE INDEX jobs_by_parent ON jobs (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX jobs_by_session ON jobs (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX jobs_by_output ON jobs (output_id) WHERE output_id IS NOT NULL;
-- With the three above, all jobs of an account that have not ended. A job is in it before its first move, and as it ends badly.
CREATE INDEX jobs_aside ON jobs (account_id, due_at) WHERE state IN ('waiting', 'compensating');
CREATE INDEX jobs_at_provider ON jobs (account_id) WHERE state IN ('submitting', 'reconciling', 'generating');

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
        CONSTRAINT job_requests_on_failure_known CHECK (on_failure IN ('keep', 'roll_back_parent', 'roll_back_story')),
    metadata   jsonb CONSTRAINT job_requests_metadata_bounded CHECK (octet_length(metadata::text) <= 4096),
    -- The batch that the job was requested with; it is the jobs that have its id, and has no row of its own.
    batch_id   uuid,
    -- When a deletion removed the words of the request.
    erased_at  timestamptz,
    -- The X-Request-Id under which it was accepted; a caller may choose it, so a deletion removes it too.
    request_id text CONSTRAINT job_requests_request_id_bounded CHECK (length(request_id) <= 64),
    -- Copied from the job, for the index below.
    account_id uuid NOT NULL
);
-- An account's jobs in the order of their creation. It is here and not on jobs, where each move would write to it.
CREATE INDEX job_requests_by_account ON job_requests (account_id, job_id);
CREATE INDEX job_requests_by_request ON job_requests (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX job_requests_by_batch ON job_requests (batch_id) WHERE batch_id IS NOT NULL;
-- The jobs that use an asset: read before the job that made it is rolled back.
CREATE INDEX job_requests_by_input ON job_requests (input_id) WHERE input_id IS NOT NULL;

CREATE FUNCTION job_request_of_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT j.account_id INTO NEW.account_id FROM jobs j WHERE j.id = NEW.job_id;
    RETURN NEW;
END
$$;
CREATE TRIGGER job_requests_of_account BEFORE INSERT ON job_requests FOR EACH ROW EXECUTE FUNCTION job_request_of_account();

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
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Steps that support has paused: no job of theirs is claimed. `states` are those in which the pause applies.
CREATE TABLE paused_steps (
    step      text CONSTRAINT paused_steps_pkey PRIMARY KEY,
    states    text[] NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT diorama_now(),
    paused_by text NOT NULL,
    reason    text
);
