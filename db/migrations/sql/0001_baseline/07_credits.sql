-- What each owner of credits has: a partner's own wallet has no user_ref, that of an end user does.
-- Only the entries of the ledger move it, and nothing in it can be overdrawn.
CREATE TABLE wallets (
    account_id uuid NOT NULL CONSTRAINT wallets_account REFERENCES accounts,
    user_ref   text NOT NULL,
    issued     bigint NOT NULL DEFAULT 0,
    available  bigint NOT NULL DEFAULT 0 CONSTRAINT wallets_not_overdrawn CHECK (available >= 0),
    held       bigint NOT NULL DEFAULT 0 CONSTRAINT wallets_held_not_negative CHECK (held >= 0),
    spent      bigint NOT NULL DEFAULT 0 CONSTRAINT wallets_spent_not_negative CHECK (spent >= 0),
    -- For how many jobs something is held: those that were requested with it and have not ended.
    jobs       bigint NOT NULL DEFAULT 0 CONSTRAINT wallets_jobs_not_negative CHECK (jobs >= 0),
    CONSTRAINT wallets_pkey PRIMARY KEY (account_id, user_ref),
    CONSTRAINT wallets_balanced CHECK (issued = available + held + spent)
) WITH (fillfactor = 50);

-- Each entry moves an amount from one bucket of a wallet to another, so none can be unbalanced. A charge, release or
-- refund names the entry whose credits it moves on (`of_id`): those must be as many, of the same job and cycle, and in
-- the bucket that it takes them from. As each entry can be moved on once only, a hold ends as one charge or one
-- release, and a charge is refunded once at most.
CREATE TABLE ledger_entries (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT ledger_entries_pkey PRIMARY KEY,
    account_id    uuid NOT NULL CONSTRAINT ledger_entries_account REFERENCES accounts,
    user_ref      text NOT NULL,
    kind          text NOT NULL,
    -- No foreign key: entries outlive the rows of their jobs. A trigger checks that the job of a hold exists.
    job_id        uuid,
    cycle         integer,
    amount        bigint NOT NULL CONSTRAINT ledger_entries_amount_positive CHECK (amount > 0),
    debit_bucket  text NOT NULL,
    credit_bucket text NOT NULL,
    of_id         bigint CONSTRAINT ledger_entries_moved_on_once UNIQUE,
    actor         text NOT NULL,
    reason        text,
    at            timestamptz NOT NULL DEFAULT diorama_now(),
    -- The request that wrote it, where that had an idempotency key: the `resource_id` of its row in idempotency_keys.
    resource_id    uuid,
    CONSTRAINT ledger_entries_kind_known CHECK ((kind, debit_bucket, credit_bucket) IN (
        ('grant', 'issued', 'available'),
        ('transfer', 'issued', 'available'),
        ('transfer', 'available', 'issued'),
        ('adjust', 'issued', 'available'),
        ('adjust', 'available', 'issued'),
        ('hold', 'available', 'held'),
        ('charge', 'held', 'spent'),
        ('release', 'held', 'available'),
        ('refund', 'spent', 'available')
    )),
    CONSTRAINT ledger_entries_job_named
        CHECK ((job_id IS NOT NULL AND cycle IS NOT NULL) = (kind IN ('hold', 'charge', 'release', 'refund'))),
    CONSTRAINT ledger_entries_of_named CHECK ((of_id IS NOT NULL) = (kind IN ('charge', 'release', 'refund'))),
    CONSTRAINT ledger_entries_adjust_explained CHECK (kind <> 'adjust' OR reason IS NOT NULL),
    CONSTRAINT ledger_entries_key UNIQUE (id, account_id, user_ref, job_id, cycle, amount, credit_bucket),
    CONSTRAINT ledger_entries_of FOREIGN KEY (of_id, account_id, user_ref, job_id, cycle, amount, debit_bucket)
        REFERENCES ledger_entries (id, account_id, user_ref, job_id, cycle, amount, credit_bucket)
);
CREATE UNIQUE INDEX ledger_entries_one_hold ON ledger_entries (job_id, cycle) WHERE kind = 'hold';
CREATE INDEX ledger_entries_by_job ON ledger_entries (job_id, id) WHERE job_id IS NOT NULL;
CREATE INDEX ledger_entries_by_resource ON ledger_entries (resource_id) WHERE resource_id IS NOT NULL;
CREATE INDEX ledger_entries_by_account ON ledger_entries (account_id, id);

CREATE FUNCTION ledger_moves_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wallets (account_id, user_ref)
    SELECT DISTINCT e.account_id, e.user_ref FROM entries e
    WHERE NOT EXISTS (SELECT FROM wallets w WHERE (w.account_id, w.user_ref) = (e.account_id, e.user_ref))
    ON CONFLICT DO NOTHING;
    -- In one order, so that two groups of entries never wait for each other.
    PERFORM FROM wallets w WHERE (w.account_id, w.user_ref) IN (SELECT e.account_id, e.user_ref FROM entries e)
    ORDER BY w.account_id, w.user_ref FOR UPDATE;
    UPDATE wallets w
    SET issued = w.issued + d.issued, available = w.available + d.available, held = w.held + d.held,
        spent = w.spent + d.spent, jobs = w.jobs + d.jobs
    FROM (
        SELECT e.account_id, e.user_ref,
               -- Issued credits are what all the others come out of, so taking from there adds to it.
               coalesce(sum(-b.sign * e.amount) FILTER (WHERE b.name = 'issued'), 0) AS issued,
               coalesce(sum(b.sign * e.amount) FILTER (WHERE b.name = 'available'), 0) AS available,
               coalesce(sum(b.sign * e.amount) FILTER (WHERE b.name = 'held'), 0) AS held,
               coalesce(sum(b.sign * e.amount) FILTER (WHERE b.name = 'spent'), 0) AS spent,
               coalesce(sum(b.sign) FILTER (WHERE b.name = 'held'), 0) AS jobs
        FROM entries e
        CROSS JOIN LATERAL (VALUES (e.debit_bucket, -1), (e.credit_bucket, 1)) AS b (name, sign)
        GROUP BY e.account_id, e.user_ref
    ) AS d
    WHERE (w.account_id, w.user_ref) = (d.account_id, d.user_ref);
    RETURN NULL;
END
$$;
CREATE TRIGGER ledger_entries_move_wallets AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_moves_wallets();

CREATE FUNCTION ledger_holds_for_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing uuid;
BEGIN
    -- Charges, releases and refunds name the entry of a hold, and with it the job.
    SELECT e.job_id INTO missing FROM entries e
    WHERE e.kind = 'hold' AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = e.job_id)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'credits can only be held for a job that exists (job %)', missing
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entries_job';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ledger_entries_job AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_holds_for_jobs();

CREATE FUNCTION ledger_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: write an entry that puts it right'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entries_append_only';
END
$$;
CREATE TRIGGER ledger_entries_append_only
    BEFORE DELETE OR TRUNCATE OR UPDATE OF id, account_id, kind, job_id, cycle, amount, debit_bucket, credit_bucket, of_id,
        actor, at, resource_id
    ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_final();

-- Only the deletion of a user changes these: the name becomes a pseudonym, and the amounts stay.
CREATE FUNCTION ledger_names_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_erasing() THEN
        RAISE EXCEPTION 'only the deletion of a user changes a name in the ledger'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entries_append_only';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ledger_entries_names BEFORE UPDATE OF user_ref, reason ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_names_are_final();
CREATE TRIGGER wallets_names BEFORE UPDATE OF user_ref ON wallets
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_names_are_final();

CREATE FUNCTION wallets_follow_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One level is this trigger itself; the ledger's own trigger makes it two.
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only entries of the ledger move a wallet'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'wallets_follow_ledger';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER wallets_follow_ledger
    BEFORE INSERT OR DELETE OR TRUNCATE OR UPDATE OF account_id, issued, available, held, spent, jobs ON wallets
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_follow_ledger();
