-- What an account and its users may have at once, or do in an hour, and what they use of it.

-- What an account uses, as far as it is counted and not read from the rows themselves. A row is locked as the next one is
-- counted: of jobs after wallets, and before `credit_limits`.
CREATE TABLE account_usage (
    account_id uuid NOT NULL CONSTRAINT account_usage_account REFERENCES accounts,
    limit_name text NOT NULL CONSTRAINT account_usage_limit_known CHECK (
        limit_name IN ('unfinished_jobs', 'open_sessions', 'uploads_per_hour', 'pending_uploads', 'upload_bytes')),
    -- Of jobs and sessions, at least as many as there are: only when that reaches the limit, they are counted again.
    used       bigint NOT NULL,
    -- When an hour is over, and nothing is used; null for what counts for as long as it is there.
    resets_at  timestamptz,
    CONSTRAINT account_usage_pkey PRIMARY KEY (account_id, limit_name)
) WITH (fillfactor = 50);

-- The limits that support has set for an account, in place of the usual ones: for the account as a whole, or for each of
-- its users.
CREATE TABLE usage_limits (
    account_id uuid NOT NULL CONSTRAINT usage_limits_account REFERENCES accounts,
    limit_name text NOT NULL CONSTRAINT usage_limits_limit_known CHECK (
        limit_name IN ('unfinished_jobs', 'open_sessions', 'uploads_per_hour', 'pending_uploads', 'upload_bytes')),
    owner      text NOT NULL CONSTRAINT usage_limits_owner_known CHECK (owner IN ('account', 'paid_user', 'free_user')),
    most       bigint NOT NULL CONSTRAINT usage_limits_most_not_negative CHECK (most >= 0),
    CONSTRAINT usage_limits_pkey PRIMARY KEY (account_id, limit_name, owner)
);

-- Uploads that are pending or kept, by whose they are.
CREATE INDEX assets_uploads ON assets (account_id, session_id, state) INCLUDE (size_bytes)
    WHERE kind = 'selfie' AND state IN ('pending', 'ready');
CREATE INDEX assets_uploads_pending ON assets (account_id, created_at) WHERE kind = 'selfie' AND state = 'pending';

-- Changes of an account's `upload_bytes` that are not added to it yet. To add them at once would let whoever completes an
-- upload, with its twin locked, wait for a deletion of others.
CREATE TABLE upload_byte_changes (
    account_id uuid NOT NULL CONSTRAINT upload_byte_changes_account REFERENCES accounts,
    change     bigint NOT NULL
);
CREATE INDEX upload_byte_changes_by_account ON upload_byte_changes (account_id);

-- Note the bytes of an upload as it becomes ready, and as it goes.
CREATE FUNCTION count_upload_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO upload_byte_changes
    VALUES (NEW.account_id, CASE NEW.state WHEN 'ready' THEN NEW.size_bytes ELSE -OLD.size_bytes END);
    RETURN NULL;
END
$$;
CREATE TRIGGER assets_count_added_upload AFTER INSERT ON assets FOR EACH ROW
    WHEN (NEW.kind = 'selfie' AND NEW.state = 'ready') EXECUTE FUNCTION count_upload_bytes();
CREATE TRIGGER assets_count_upload AFTER UPDATE OF state ON assets FOR EACH ROW
    WHEN (NEW.kind = 'selfie' AND (OLD.state = 'ready') <> (NEW.state = 'ready')) EXECUTE FUNCTION count_upload_bytes();
