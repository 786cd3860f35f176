-- Who is suspended: an account, where `user_ref` is empty, or one of its end users. A row is the suspension.
CREATE TABLE suspensions (
    account_id   uuid NOT NULL CONSTRAINT suspensions_account REFERENCES accounts,
    user_ref     text NOT NULL,
    suspended_at timestamptz NOT NULL DEFAULT diorama_now(),
    suspended_by text NOT NULL,
    reason       text NOT NULL,
    CONSTRAINT suspensions_pkey PRIMARY KEY (account_id, user_ref)
);

-- What members of support changed, and why. Entries are kept forever and never changed.
CREATE TABLE audit_entries (
    id         uuid CONSTRAINT audit_entries_pkey PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT diorama_now(),
    actor      text NOT NULL,
    -- That of the key at the time of the change.
    role       text NOT NULL CONSTRAINT audit_entries_role_known CHECK (role IN ('viewer', 'agent', 'admin')),
    action     text NOT NULL CONSTRAINT audit_entries_action_known CHECK (action IN (
        'grant_credits', 'adjust_credits', 'refund_job', 'redrive_jobs', 'pause_step', 'resume_step', 'review_compensation',
        'suspend_account', 'resume_account', 'suspend_user', 'resume_user', 'take_down_asset',
        'revoke_grant', 'set_spend_cap', 'set_low_balance_mark', 'set_usage_limit', 'stop_redrive',
        'create_api_key', 'rotate_api_key', 'revoke_api_key', 'set_api_key_role'
    )),
    -- Whom it concerned; null where it concerned everybody.
    account_id uuid CONSTRAINT audit_entries_account REFERENCES accounts,
    user_ref   text,
    -- The id of a job, a picture or a key, or the name of a step.
    subject    text,
    reason     text
);
CREATE INDEX audit_entries_by_account ON audit_entries (account_id, id);

CREATE FUNCTION audit_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The deletion of a user replaces the name by a pseudonym.
    IF TG_OP <> 'UPDATE' OR NOT is_erasing() THEN
        RAISE EXCEPTION 'the audit is append-only'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_entries_append_only';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_final();

-- Jobs that support has tried again, as many as a filter selects, at a rate. A periodic task carries it out.
CREATE TABLE redrives (
    id         uuid CONSTRAINT redrives_pkey PRIMARY KEY,
    -- The only account whose jobs are redriven; null for all accounts.
    account_id uuid CONSTRAINT redrives_account REFERENCES accounts,
    -- The filter. It may name an end user, so it goes when the redrive has ended.
    wanted     jsonb,
    per_minute integer NOT NULL CONSTRAINT redrives_rate_bounded CHECK (per_minute BETWEEN 1 AND 6000),
    -- Null: all jobs that the filter selects.
    at_most    integer CONSTRAINT redrives_limit_bounded CHECK (at_most >= 1),
    reason     text,
    actor      text NOT NULL,
    state      text NOT NULL DEFAULT 'running'
        CONSTRAINT redrives_state_known CHECK (state IN ('running', 'finished', 'stopped')),
    -- The jobs that the filter selected at the request, counted up to a limit.
    matched    integer NOT NULL,
    -- At first those whose output is kept, all at once, because it may expire; then, from the beginning, the others.
    is_urgent  boolean NOT NULL DEFAULT true,
    after_job  uuid,
    -- When the next job may begin.
    next_at    timestamptz NOT NULL DEFAULT diorama_now(),
    -- Those of the selected jobs that began again, and all jobs that did, with their relatives.
    begun      integer NOT NULL DEFAULT 0,
    revived    integer NOT NULL DEFAULT 0,
    skipped    integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT diorama_now(),
    ended_at   timestamptz,
    CONSTRAINT redrives_ended CHECK ((ended_at IS NULL) = (state = 'running')),
    CONSTRAINT redrives_wanted_while_running CHECK ((wanted IS NULL) = (state <> 'running'))
);
CREATE INDEX redrives_running ON redrives (next_at) WHERE state = 'running';

-- The selected jobs that did not begin again. Without a foreign key to jobs, which are purged.
CREATE TABLE redrive_skips (
    redrive_id uuid CONSTRAINT redrive_skips_redrive REFERENCES redrives ON DELETE CASCADE,
    job_id     uuid,
    -- The code and the message of the user error.
    code       text NOT NULL,
    message    text NOT NULL,
    CONSTRAINT redrive_skips_pkey PRIMARY KEY (redrive_id, job_id)
);
