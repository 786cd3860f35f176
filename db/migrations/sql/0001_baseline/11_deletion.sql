-- Deletions: what was requested, and what belongs to it. A row is written with the request, and a worker carries it out.
-- Without foreign keys to jobs and assets, whose rows may be purged before: a deletion is kept as its own proof.
CREATE TABLE deletions (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL CONSTRAINT deletions_account REFERENCES accounts,
    session_id   uuid CONSTRAINT deletions_session REFERENCES sessions,
    subject      text NOT NULL CONSTRAINT deletions_subject_known CHECK (subject IN ('asset', 'story', 'user')),
    -- The asset or the story; null for a user, who is known by the pseudonym from then on.
    subject_id   uuid,
    pseudonym    text,
    actor        text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT diorama_now(),
    -- How many objects were deleted, and when nothing was left.
    objects      integer NOT NULL DEFAULT 0,
    completed_at timestamptz,
    CONSTRAINT deletions_subject_named CHECK ((subject = 'user') = (subject_id IS NULL)),
    CONSTRAINT deletions_user_has_pseudonym CHECK ((subject = 'user') = (pseudonym IS NOT NULL))
);
CREATE INDEX deletions_by_time ON deletions (requested_at);
CREATE INDEX deletions_open ON deletions (requested_at) WHERE completed_at IS NULL;
CREATE INDEX deletions_by_subject ON deletions (subject_id) WHERE subject_id IS NOT NULL;

CREATE TABLE deletion_jobs (
    deletion_id uuid NOT NULL CONSTRAINT deletion_jobs_deletion REFERENCES deletions ON DELETE CASCADE,
    job_id      uuid NOT NULL,
    CONSTRAINT deletion_jobs_pkey PRIMARY KEY (deletion_id, job_id)
);
CREATE TABLE deletion_assets (
    deletion_id uuid NOT NULL CONSTRAINT deletion_assets_deletion REFERENCES deletions ON DELETE CASCADE,
    asset_id    uuid NOT NULL,
    CONSTRAINT deletion_assets_pkey PRIMARY KEY (deletion_id, asset_id)
);
-- The files of a user, and the files that share an object.
CREATE INDEX assets_by_session ON assets (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX assets_by_object ON assets (object_key) WHERE state IN ('ready', 'missing');

-- Whether this transaction erases: it then may change what identifies a person in rows that are otherwise final.
CREATE FUNCTION is_erasing() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('diorama.erasing', true), '') = 'on'
$$;

-- End the sessions of a user, and give the user another name in them.
CREATE FUNCTION end_sessions(account uuid, old_ref text, new_ref text) RETURNS void LANGUAGE sql AS $$
    UPDATE sessions SET user_ref = new_ref, expires_at = least(expires_at, diorama_now())
    WHERE (account_id, user_ref) = (account, old_ref)
$$;

-- Give a user another name in everything that stays.
CREATE FUNCTION rename_user(account uuid, old_ref text, new_ref text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('diorama.erasing', 'on', true);
    -- Until the commit, nothing of the ledger is counted under a name that is changing.
    PERFORM FROM credit_statistics_reader FOR UPDATE;
    UPDATE credit_statistics SET user_ref = new_ref WHERE (account_id, is_total, user_ref) = (account, false, old_ref);
    DELETE FROM idempotency_keys WHERE (account_id, user_ref) = (account, old_ref);
    UPDATE wallets SET user_ref = new_ref WHERE (account_id, user_ref) = (account, old_ref);
    UPDATE ledger_entries SET user_ref = new_ref, reason = CASE WHEN reason IS NOT NULL THEN 'erased' END
    WHERE (account_id, user_ref) = (account, old_ref);
    UPDATE suspensions SET user_ref = new_ref, reason = 'erased' WHERE (account_id, user_ref) = (account, old_ref);
    UPDATE audit_entries SET user_ref = new_ref, reason = CASE WHEN reason IS NOT NULL THEN 'erased' END
    WHERE (account_id, user_ref) = (account, old_ref);
    -- What the account gave to the user without another reason.
    UPDATE ledger_entries SET reason = 'to ' || new_ref
    WHERE (account_id, user_ref) = (account, '') AND kind = 'transfer' AND reason = 'to ' || old_ref;
    PERFORM set_config('diorama.erasing', 'off', true);
END
$$;

-- Remove the words of users and of the provider from ended jobs and from all that is kept of them. A job's state, its
-- prices and its times stay.
CREATE FUNCTION erase_jobs(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('diorama.erasing', 'on', true);
    UPDATE jobs SET reason = NULL, error_detail = NULL
    WHERE id = ANY (ids) AND (reason IS NOT NULL OR error_detail IS NOT NULL);
    UPDATE job_events SET reason = NULL, error_detail = NULL
    WHERE job_id = ANY (ids) AND (reason IS NOT NULL OR error_detail IS NOT NULL);
    -- The address of a picture at the provider stays until the picture is removed there: it identifies a lost submission.
    UPDATE attempts
    SET source_key = NULL, source_sha256 = NULL, output_urls = NULL, sighting = NULL, error_detail = NULL
    WHERE job_id = ANY (ids);
    UPDATE compensation_actions
    SET keep_key = NULL, last_error = CASE WHEN last_error IS NOT NULL THEN 'erased' END,
        review_note = CASE WHEN review_note IS NOT NULL THEN 'erased' END
    WHERE job_id = ANY (ids);
    PERFORM set_config('diorama.erasing', 'off', true);
END
$$;
