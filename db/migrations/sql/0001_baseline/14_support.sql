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
    action     text NOT NULL CONSTRAINT audit_entries_action_known CHECK (action IN (
        'grant_credits', 'adjust_credits', 'refund_job', 'redrive_jobs', 'pause_step', 'resume_step', 'review_compensation',
        'suspend_account', 'resume_account', 'suspend_user', 'resume_user', 'take_down_asset',
        'revoke_grant', 'set_spend_cap', 'set_low_balance_mark'
    )),
    -- Whom it concerned; null where it concerned everybody.
    account_id uuid CONSTRAINT audit_entries_account REFERENCES accounts,
    user_ref   text,
    -- The id of a job or a picture, or the name of a step.
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
