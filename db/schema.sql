CREATE FUNCTION public.diorama_now() RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    SELECT now() + coalesce(nullif(current_setting('diorama.clock_offset', true), ''), '0')::interval
$$;

CREATE TABLE public.assets (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    session_id uuid,
    kind text NOT NULL,
    state text NOT NULL,
    object_key text NOT NULL,
    content_type text NOT NULL,
    width_px integer,
    height_px integer,
    duration_s double precision,
    frames_per_second double precision,
    size_bytes bigint,
    sha256 text,
    poster_id uuid,
    rejection text,
    interruptions smallint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT assets_kind_known CHECK ((kind = ANY (ARRAY['selfie'::text, 'avatar'::text, 'scene'::text, 'video'::text, 'poster'::text]))),
    CONSTRAINT assets_ready_has_content CHECK (((state <> 'ready'::text) OR ((size_bytes IS NOT NULL) AND (sha256 IS NOT NULL)))),
    CONSTRAINT assets_rejected_has_reason CHECK (((state = 'rejected'::text) <= (rejection IS NOT NULL))),
    CONSTRAINT assets_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'ready'::text, 'missing'::text, 'rejected'::text, 'deleted'::text])))
);

CREATE FUNCTION public.asset_may_go(asset public.assets, kept_for interval) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT asset.state IN ('deleted', 'rejected')
       AND greatest(asset.expires_at, asset.created_at) <= diorama_now() - kept_for
       AND NOT EXISTS (SELECT FROM job_requests WHERE input_id = asset.id)
       AND NOT EXISTS (SELECT FROM stories WHERE selfie_id = asset.id)
       AND NOT EXISTS (SELECT FROM jobs WHERE output_id = asset.id)
       AND NOT EXISTS (SELECT FROM assets video WHERE video.poster_id = asset.id)
$$;

CREATE FUNCTION public.audit_is_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- The deletion of a user replaces the name by a pseudonym.
    IF TG_OP <> 'UPDATE' OR NOT is_erasing() THEN
        RAISE EXCEPTION 'the audit is append-only'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_entries_append_only';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.count_upload_bytes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO upload_byte_changes
    VALUES (NEW.account_id, CASE NEW.state WHEN 'ready' THEN NEW.size_bytes ELSE -OLD.size_bytes END);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.drop_history_month(kept_for interval) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    old record;
BEGIN
    FOR old IN
        SELECT m.name, m.month AS begins, m.month + interval '1 month' AS ends
        FROM history_months() m
        WHERE m.month + interval '1 month' <= diorama_now() - kept_for
        ORDER BY m.month
    LOOP
        CONTINUE WHEN history_is_wanted(old.begins, old.ends, kept_for);
        LOCK TABLE job_events IN ACCESS EXCLUSIVE MODE;
        CONTINUE WHEN history_is_wanted(old.begins, old.ends, kept_for);
        EXECUTE format('DROP TABLE %I', old.name);
        RETURN old.name;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.end_sessions(account uuid, old_ref text, new_ref text) RETURNS void
    LANGUAGE sql
    AS $$
    UPDATE sessions SET user_ref = new_ref, expires_at = least(expires_at, diorama_now())
    WHERE (account_id, user_ref) = (account, old_ref)
$$;

CREATE FUNCTION public.erase_jobs(ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.grant_access() RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    name text;
    of_account text;
    mine CONSTANT text := '(SELECT current_setting(''diorama.account'')::uuid)';
BEGIN
    FOREACH name IN ARRAY ARRAY['diorama_account', 'diorama_viewer', 'diorama_agent'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION
            -- It is there: another database of the cluster may have made it at this moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                IF to_regrole(name) IS NULL THEN
                    RETURN false;
                END IF;
        END;
        BEGIN
            IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
                EXECUTE format('GRANT %I TO CURRENT_USER', name);
            END IF;
        EXCEPTION
            WHEN unique_violation THEN NULL;
            WHEN insufficient_privilege THEN RETURN false;
        END;
    END LOOP;
    IF has_table_privilege('diorama_account', 'jobs', 'SELECT') THEN
        RETURN true;
    END IF;

    EXECUTE format('GRANT USAGE ON SCHEMA %I TO diorama_account, diorama_viewer, diorama_agent', current_schema());
    FOR name, of_account IN
        SELECT each.name, 'account_id = ' || mine
        FROM unnest(ARRAY['account_usage', 'upload_byte_changes', 'usage_limits', 'activity', 'activity_heads',
                          'assets', 'credit_limits', 'credit_statistics', 'deletions',
                          'idempotency_keys', 'job_requests', 'job_statistics', 'jobs', 'ledger_entries', 'sessions', 'stories',
                          'suspensions', 'wallets', 'webhook_deliveries', 'webhook_endpoints']) AS each (name)
        UNION ALL
        SELECT each.name, format('EXISTS (SELECT FROM jobs j WHERE j.id = job_id AND j.account_id = %s)', mine)
        FROM unnest(ARRAY['attempts', 'compensation_actions', 'job_events']) AS each (name)
        UNION ALL VALUES
            -- The test account beside an account is the account's, and so are its keys; nothing else of it is.
            ('accounts', mine || ' IN (id, live_id)'),
            ('api_keys', 'EXISTS (SELECT FROM accounts a WHERE a.id = account_id)'),
            ('renditions', format('EXISTS (SELECT FROM assets a WHERE a.id = asset_id AND a.account_id = %s)', mine)),
            ('webhook_secrets',
             format('EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = endpoint_id AND e.account_id = %s)', mine))
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_account ON %I FOR SELECT TO diorama_account USING (%s)', name, of_account);
        EXECUTE format('CREATE POLICY of_support ON %I TO diorama_viewer, diorama_agent USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO diorama_account', name);
    END LOOP;
    -- An agent suspends users, and not accounts.
    CREATE POLICY users_only ON suspensions AS RESTRICTIVE TO diorama_agent USING (true) WITH CHECK (user_ref <> '');

    -- What belongs to nobody's account.
    GRANT SELECT ON activity_sequencer, credit_statistics_reader, job_error_codes, job_states, job_transitions, paused_steps,
        provider_breaker, provider_budgets, statistics_reader, watcher_status TO diorama_account;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO diorama_viewer, diorama_agent;
    REVOKE SELECT ON stream_tickets, webhook_secrets FROM diorama_viewer, diorama_agent;
    GRANT INSERT ON audit_entries, compensation_actions, credit_limits, idempotency_keys, job_events, ledger_entries, redrives,
        suspensions, wallets TO diorama_agent;
    GRANT UPDATE ON compensation_actions, credit_limits, job_requests, jobs, redrives, stories, suspensions, wallets
        TO diorama_agent;
    GRANT DELETE ON suspensions TO diorama_agent;
    RETURN true;
END
$$;

CREATE FUNCTION public.history_is_wanted(begins timestamp with time zone, ends timestamp with time zone, kept_for interval) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (
        SELECT FROM jobs
        WHERE id >= least_id_at(begins) AND id < least_id_at(ends)
          AND (finished_at IS NULL OR finished_at > diorama_now() - kept_for)
    )
$$;

CREATE FUNCTION public.history_months() RETURNS TABLE(name text, month timestamp with time zone)
    LANGUAGE sql STABLE
    AS $_$
    SELECT c.relname::text, to_date(right(c.relname, 7), 'YYYY_MM')::timestamp AT TIME ZONE 'UTC'
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'job_events'::regclass AND c.relname ~ '^job_events_\d{4}_\d\d$'
$_$;

CREATE FUNCTION public.is_erasing() RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(current_setting('diorama.erasing', true), '') = 'on'
$$;

CREATE FUNCTION public.job_history_is_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.job_history_of_births() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO job_events
    SELECT id, seq, diorama_now(), 'new', event, state, percent, actor, reason, attempt, lease, 0, cost_micros, due_at,
           error_code, error_message, error_detail
    FROM new_jobs;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.job_history_of_moves() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_nestloop TO 'off'
    AS $$
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

CREATE FUNCTION public.job_keeps_to_the_rules() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.jobs (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    is_test boolean DEFAULT false NOT NULL,
    session_id uuid,
    story_id uuid,
    parent_id uuid,
    kind text NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    state text NOT NULL,
    step text NOT NULL,
    is_terminal boolean NOT NULL,
    event text NOT NULL,
    actor text NOT NULL,
    reason text,
    seq integer DEFAULT 1 NOT NULL,
    percent smallint DEFAULT 0 NOT NULL,
    cycle integer DEFAULT 1 NOT NULL,
    credits integer DEFAULT 0 NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    accepted integer DEFAULT 0 NOT NULL,
    accepted_earlier integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    lease bigint DEFAULT 0 NOT NULL,
    lease_expires_at timestamp with time zone,
    claimed_by text,
    claims integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    deadline_at timestamp with time zone NOT NULL,
    cancel_requested_at timestamp with time zone,
    cancel_requested_by text,
    error_code text,
    error_message text,
    error_detail text,
    cost_micros bigint DEFAULT 0 NOT NULL,
    output_id uuid,
    created_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    entered_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT jobs_credits_bounded CHECK ((credits >= 0)),
    CONSTRAINT jobs_due_until_finished CHECK (((due_at IS NULL) = (finished_at IS NOT NULL))),
    CONSTRAINT jobs_failed_has_error CHECK (((NOT is_terminal) OR (state = 'succeeded'::text) OR (error_code IS NOT NULL))),
    CONSTRAINT jobs_finished_iff_terminal CHECK (((finished_at IS NOT NULL) = is_terminal)),
    CONSTRAINT jobs_kind_known CHECK ((kind = ANY (ARRAY['avatar'::text, 'scene'::text, 'animation'::text]))),
    CONSTRAINT jobs_lease_iff_claimed CHECK (((lease_expires_at IS NULL) = (claimed_by IS NULL))),
    CONSTRAINT jobs_percent_bounded CHECK (((percent >= 0) AND (percent <= 100))),
    CONSTRAINT jobs_priority_bounded CHECK (((priority >= '-10'::integer) AND (priority <= 10))),
    CONSTRAINT jobs_succeeded_has_output CHECK (((state <> 'succeeded'::text) OR (output_id IS NOT NULL))),
    CONSTRAINT jobs_terminal_unleased CHECK (((finished_at IS NULL) OR (lease_expires_at IS NULL)))
)
WITH (fillfactor='60', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0');

CREATE FUNCTION public.job_may_go(job public.jobs, kept_for interval) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(job.finished_at <= diorama_now() - kept_for, false)
       AND NOT EXISTS (SELECT FROM job_events WHERE job_id = job.id)
       AND NOT EXISTS (SELECT FROM jobs child WHERE child.parent_id = job.id)
       AND NOT EXISTS (SELECT FROM attempts WHERE job_id = job.id AND source_key IS NOT NULL)
       AND NOT EXISTS (
           SELECT
           FROM assets output
           JOIN assets made ON made.id IN (output.id, output.poster_id)
           WHERE output.id = job.output_id AND made.state <> 'deleted'
       )
       AND NOT EXISTS (SELECT FROM compensation_actions WHERE job_id = job.id AND state IN ('pending', 'needs_review'))
       AND NOT EXISTS (
           SELECT
           FROM ledger_entries hold
           WHERE hold.job_id = job.id AND hold.kind = 'hold'
             AND NOT EXISTS (SELECT FROM ledger_entries later WHERE later.of_id = hold.id)
       )
$$;

CREATE FUNCTION public.job_request_of_account() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    SELECT j.account_id INTO NEW.account_id FROM jobs j WHERE j.id = NEW.job_id;
    RETURN NEW;
END
$$;

CREATE FUNCTION public.least_id_at(at timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT (lpad(to_hex((1000 * extract(epoch FROM at))::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION public.ledger_holds_for_jobs() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.ledger_is_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: write an entry that puts it right'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entries_append_only';
END
$$;

CREATE FUNCTION public.ledger_moves_wallets() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.ledger_names_are_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT is_erasing() THEN
        RAISE EXCEPTION 'only the deletion of a user changes a name in the ledger'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entries_append_only';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.make_history_months(ahead integer) RETURNS integer
    LANGUAGE plpgsql
    AS $_$
DECLARE
    this_month timestamp := date_trunc('month', diorama_now() AT TIME ZONE 'UTC');
    begins timestamptz;
    ends timestamptz;
    name text;
    made integer := 0;
BEGIN
    -- One transaction at a time.
    PERFORM pg_advisory_xact_lock(7302114502);
    FOR n IN 0..ahead LOOP
        begins := (this_month + n * interval '1 month') AT TIME ZONE 'UTC';
        ends := (this_month + (n + 1) * interval '1 month') AT TIME ZONE 'UTC';
        name := 'job_events_' || to_char(this_month + n * interval '1 month', 'YYYY_MM');
        CONTINUE WHEN EXISTS (SELECT FROM history_months() WHERE month = begins);
        EXECUTE format('CREATE TABLE %I (LIKE job_events INCLUDING CONSTRAINTS INCLUDING INDEXES)', name);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT job_events_legal '
                       'FOREIGN KEY (from_state, event, to_state) REFERENCES job_transitions', name);
        EXECUTE 'LOCK TABLE job_events_other IN ACCESS EXCLUSIVE MODE';
        EXECUTE format('WITH moved AS (DELETE FROM job_events_other WHERE job_id >= $1 AND job_id < $2 RETURNING *) '
                       'INSERT INTO %I SELECT * FROM moved', name) USING least_id_at(begins), least_id_at(ends);
        EXECUTE format('ALTER TABLE job_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       name, least_id_at(begins), least_id_at(ends));
        made := made + 1;
    END LOOP;
    RETURN made;
END
$_$;

CREATE FUNCTION public.plan_compensation() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    -- A later try may begin with what was stored, unless that itself was the fault, or the user no longer wants it.
    keeps boolean := NEW.event NOT IN ('rolled_back', 'cancel_requested', 'output_invalid')
        AND NEW.cancel_requested_at IS NULL AND NEW.error_code IS DISTINCT FROM 'content_rejected';
BEGIN
    INSERT INTO compensation_actions (job_id, cycle, attempt, action, keep_key)
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'cancel_prediction', NULL
    FROM attempts a
    WHERE a.job_id = NEW.id AND a.attempt = NEW.attempt AND a.output_urls IS NULL AND a.completed_at IS NULL
      -- Of a canceled job, one that was lost and may run is looked for at once, and not only by the orphan search.
      AND (a.prediction_id IS NOT NULL OR (a.status = 'lost' AND NEW.cancel_requested_at IS NOT NULL))
    UNION ALL
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'delete_objects',
           CASE WHEN keeps THEN (SELECT a.source_key FROM attempts a WHERE (a.job_id, a.attempt) = (NEW.id, NEW.attempt)) END
    WHERE NEW.accepted > 0
    UNION ALL
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'return_credits', NULL
    WHERE NEW.credits > 0
    UNION ALL
    -- A failed job takes along what the same story made for it: what it was made from, or all of it up to the selfie. A
    -- canceled one takes nothing.
    SELECT NEW.id, NEW.cycle, NEW.attempt, 'roll_back_parent', NULL
    FROM job_requests r
    JOIN jobs parent ON parent.id = NEW.parent_id
    WHERE r.job_id = NEW.id AND NEW.cancel_requested_at IS NULL
      AND (r.on_failure = 'roll_back_story'
           OR (r.on_failure = 'roll_back_parent' AND NEW.error_code IS DISTINCT FROM 'rolled_back'))
      AND parent.story_id = NEW.story_id AND parent.state = 'succeeded'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.rename_user(account uuid, old_ref text, new_ref text) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.today_utc() RETURNS date
    LANGUAGE sql STABLE
    AS $$
    SELECT (diorama_now() AT TIME ZONE 'UTC')::date
$$;

CREATE FUNCTION public.wallets_follow_ledger() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- One level is this trigger itself; the ledger's own trigger makes it two.
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only entries of the ledger move a wallet'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'wallets_follow_ledger';
    END IF;
    RETURN NULL;
END
$$;

CREATE TABLE public.account_usage (
    account_id uuid NOT NULL,
    limit_name text NOT NULL,
    used bigint NOT NULL,
    resets_at timestamp with time zone,
    CONSTRAINT account_usage_limit_known CHECK ((limit_name = ANY (ARRAY['unfinished_jobs'::text, 'open_sessions'::text, 'uploads_per_hour'::text, 'pending_uploads'::text, 'upload_bytes'::text])))
)
WITH (fillfactor='50');

CREATE TABLE public.accounts (
    id uuid NOT NULL,
    name text NOT NULL,
    jobs_at_once integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    is_test boolean DEFAULT false NOT NULL,
    live_id uuid,
    CONSTRAINT accounts_jobs_at_once_positive CHECK ((jobs_at_once > 0)),
    CONSTRAINT accounts_test_of_live CHECK ((is_test = (live_id IS NOT NULL)))
);

CREATE TABLE public.activity (
    account_id uuid NOT NULL,
    "position" bigint NOT NULL,
    type text NOT NULL,
    at timestamp with time zone NOT NULL,
    job_id uuid,
    seq integer,
    story_id uuid,
    session_id uuid,
    kind text,
    state text,
    event text,
    endpoint_id uuid,
    CONSTRAINT activity_type_known CHECK ((type = ANY (ARRAY['job_event'::text, 'story_began'::text, 'story_succeeded'::text, 'story_failed'::text, 'story_canceled'::text, 'endpoint_disabled'::text, 'balance_low'::text])))
);

CREATE TABLE public.activity_heads (
    account_id uuid NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    purged bigint DEFAULT 0 NOT NULL,
    CONSTRAINT activity_heads_purged_bounded CHECK (((purged >= 0) AND (purged <= "position")))
)
WITH (fillfactor='50');

CREATE TABLE public.activity_sequencer (
    only_row boolean DEFAULT true NOT NULL,
    seen pg_snapshot DEFAULT pg_current_snapshot() NOT NULL,
    read_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    system bigint DEFAULT (pg_control_system()).system_identifier NOT NULL,
    CONSTRAINT activity_sequencer_one_row CHECK (only_row)
)
WITH (fillfactor='50');

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    role text NOT NULL,
    name text NOT NULL,
    key_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_role_known CHECK ((role = ANY (ARRAY['partner'::text, 'viewer'::text, 'agent'::text, 'admin'::text]))),
    CONSTRAINT api_keys_scopes_known CHECK ((scopes <@ ARRAY['requests'::text, 'sessions'::text, 'credits'::text, 'keys'::text, 'webhooks'::text]))
);

CREATE TABLE public.attempts (
    job_id uuid NOT NULL,
    attempt integer NOT NULL,
    token uuid NOT NULL,
    model text NOT NULL,
    prompt_version text NOT NULL,
    experiment text,
    variant text,
    status text NOT NULL,
    reserved_micros bigint NOT NULL,
    cost_micros bigint DEFAULT 0 NOT NULL,
    prediction_id text,
    output_urls text[],
    source_key text,
    source_type text,
    source_bytes bigint,
    source_sha256 text,
    error_detail text,
    picture_url text,
    is_traceable boolean DEFAULT false NOT NULL,
    noted_prediction_id text,
    sighting jsonb,
    searches integer DEFAULT 0 NOT NULL,
    listed_at timestamp with time zone,
    took_s double precision,
    started_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    accepted_at timestamp with time zone,
    completed_at timestamp with time zone,
    CONSTRAINT attempts_status_known CHECK ((status = ANY (ARRAY['submitting'::text, 'refused'::text, 'rejected'::text, 'lost'::text, 'absent'::text, 'running'::text, 'succeeded'::text, 'failed'::text, 'canceled'::text, 'duplicate'::text]))),
    CONSTRAINT attempts_variant_of_experiment CHECK (((experiment IS NULL) = (variant IS NULL)))
)
WITH (fillfactor='50');

CREATE TABLE public.audit_entries (
    id uuid NOT NULL,
    at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    account_id uuid,
    user_ref text,
    subject text,
    reason text,
    CONSTRAINT audit_entries_action_known CHECK ((action = ANY (ARRAY['grant_credits'::text, 'adjust_credits'::text, 'refund_job'::text, 'redrive_jobs'::text, 'pause_step'::text, 'resume_step'::text, 'review_compensation'::text, 'suspend_account'::text, 'resume_account'::text, 'suspend_user'::text, 'resume_user'::text, 'take_down_asset'::text, 'revoke_grant'::text, 'set_spend_cap'::text, 'set_low_balance_mark'::text, 'set_usage_limit'::text, 'stop_redrive'::text, 'create_api_key'::text, 'rotate_api_key'::text, 'revoke_api_key'::text, 'set_api_key_role'::text]))),
    CONSTRAINT audit_entries_role_known CHECK ((role = ANY (ARRAY['viewer'::text, 'agent'::text, 'admin'::text])))
);

CREATE TABLE public.compensation_actions (
    job_id uuid NOT NULL,
    cycle integer NOT NULL,
    attempt integer NOT NULL,
    action text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    keep_key text,
    result text,
    tries integer DEFAULT 0 NOT NULL,
    last_error text,
    reviewed_by text,
    review_note text,
    created_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    changed_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    CONSTRAINT compensation_actions_action_known CHECK ((action = ANY (ARRAY['cancel_prediction'::text, 'delete_objects'::text, 'return_credits'::text, 'roll_back_parent'::text]))),
    CONSTRAINT compensation_actions_done_has_result CHECK (((state <> 'done'::text) OR (result IS NOT NULL))),
    CONSTRAINT compensation_actions_review_has_reason CHECK (((state <> 'needs_review'::text) OR (last_error IS NOT NULL))),
    CONSTRAINT compensation_actions_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'done'::text, 'needs_review'::text, 'waived'::text]))),
    CONSTRAINT compensation_actions_waived_by_someone CHECK (((state <> 'waived'::text) OR (reviewed_by IS NOT NULL)))
);

CREATE TABLE public.credit_limits (
    account_id uuid NOT NULL,
    spend_cap bigint,
    day date,
    used bigint DEFAULT 0 NOT NULL,
    after_entry bigint DEFAULT 0 NOT NULL,
    low_balance_mark bigint,
    CONSTRAINT credit_limits_mark_positive CHECK ((low_balance_mark > 0)),
    CONSTRAINT credit_limits_spend_cap_not_negative CHECK ((spend_cap >= 0)),
    CONSTRAINT credit_limits_used_not_negative CHECK ((used >= 0))
)
WITH (fillfactor='50');

CREATE TABLE public.credit_statistics (
    account_id uuid NOT NULL,
    is_total boolean NOT NULL,
    user_ref text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    is_out boolean NOT NULL,
    credits bigint NOT NULL,
    entries bigint NOT NULL
);

CREATE TABLE public.credit_statistics_reader (
    only_row boolean DEFAULT true NOT NULL,
    counted_upto bigint DEFAULT 0 NOT NULL,
    marked_upto bigint DEFAULT 0 NOT NULL,
    marked_xmax xid8 DEFAULT pg_snapshot_xmax(pg_current_snapshot()) NOT NULL,
    system bigint DEFAULT (pg_control_system()).system_identifier NOT NULL,
    CONSTRAINT credit_statistics_reader_one_row CHECK (only_row)
);

CREATE TABLE public.deletion_assets (
    deletion_id uuid NOT NULL,
    asset_id uuid NOT NULL
);

CREATE TABLE public.deletion_jobs (
    deletion_id uuid NOT NULL,
    job_id uuid NOT NULL
);

CREATE TABLE public.deletions (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    session_id uuid,
    subject text NOT NULL,
    subject_id uuid,
    pseudonym text,
    actor text NOT NULL,
    requested_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    objects integer DEFAULT 0 NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT deletions_subject_known CHECK ((subject = ANY (ARRAY['asset'::text, 'story'::text, 'user'::text]))),
    CONSTRAINT deletions_subject_named CHECK (((subject = 'user'::text) = (subject_id IS NULL))),
    CONSTRAINT deletions_user_has_pseudonym CHECK (((subject = 'user'::text) = (pseudonym IS NOT NULL)))
);

CREATE TABLE public.idempotency_keys (
    account_id uuid NOT NULL,
    user_ref text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    input_sha256 bytea NOT NULL,
    resource_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    CONSTRAINT idempotency_keys_key_bounded CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);

CREATE TABLE public.job_error_codes (
    code text NOT NULL
);

CREATE TABLE public.job_events (
    job_id uuid NOT NULL,
    seq integer NOT NULL,
    at timestamp with time zone NOT NULL,
    from_state text NOT NULL,
    event text NOT NULL,
    to_state text NOT NULL,
    percent smallint NOT NULL,
    actor text NOT NULL,
    reason text,
    attempt integer NOT NULL,
    lease bigint NOT NULL,
    duration_ms bigint NOT NULL,
    cost_micros bigint NOT NULL,
    due_at timestamp with time zone,
    error_code text,
    error_message text,
    error_detail text,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT job_events_actor_known CHECK ((actor ~ '^(worker|api|support)(:|$)'::text))
)
PARTITION BY RANGE (job_id);

CREATE TABLE public.job_events_other (
    job_id uuid CONSTRAINT job_events_job_id_not_null NOT NULL,
    seq integer CONSTRAINT job_events_seq_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT job_events_at_not_null NOT NULL,
    from_state text CONSTRAINT job_events_from_state_not_null NOT NULL,
    event text CONSTRAINT job_events_event_not_null NOT NULL,
    to_state text CONSTRAINT job_events_to_state_not_null NOT NULL,
    percent smallint CONSTRAINT job_events_percent_not_null NOT NULL,
    actor text CONSTRAINT job_events_actor_not_null NOT NULL,
    reason text,
    attempt integer CONSTRAINT job_events_attempt_not_null NOT NULL,
    lease bigint CONSTRAINT job_events_lease_not_null NOT NULL,
    duration_ms bigint CONSTRAINT job_events_duration_ms_not_null NOT NULL,
    cost_micros bigint CONSTRAINT job_events_cost_micros_not_null NOT NULL,
    due_at timestamp with time zone,
    error_code text,
    error_message text,
    error_detail text,
    xid xid8 DEFAULT pg_current_xact_id() CONSTRAINT job_events_xid_not_null NOT NULL,
    CONSTRAINT job_events_actor_known CHECK ((actor ~ '^(worker|api|support)(:|$)'::text))
);

CREATE TABLE public.job_requests (
    job_id uuid NOT NULL,
    input_id uuid,
    theme text,
    details text,
    style text,
    camera text,
    duration_s smallint,
    tier text NOT NULL,
    on_failure text NOT NULL,
    metadata jsonb,
    batch_id uuid,
    erased_at timestamp with time zone,
    request_id text,
    account_id uuid NOT NULL,
    CONSTRAINT job_requests_details_bounded CHECK ((length(details) <= 300)),
    CONSTRAINT job_requests_metadata_bounded CHECK ((octet_length((metadata)::text) <= 4096)),
    CONSTRAINT job_requests_on_failure_known CHECK ((on_failure = ANY (ARRAY['keep'::text, 'roll_back_parent'::text, 'roll_back_story'::text]))),
    CONSTRAINT job_requests_request_id_bounded CHECK ((length(request_id) <= 64))
);

CREATE TABLE public.job_states (
    state text NOT NULL,
    step text NOT NULL,
    is_terminal boolean NOT NULL,
    CONSTRAINT job_states_terminal_without_step CHECK (((step = 'none'::text) = is_terminal))
);

CREATE TABLE public.job_statistics (
    account_id uuid NOT NULL,
    unit text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL,
    error_code text NOT NULL,
    bucket smallint NOT NULL,
    jobs bigint NOT NULL,
    spend_micros bigint NOT NULL,
    CONSTRAINT job_statistics_unit_known CHECK ((unit = ANY (ARRAY['hour'::text, 'day'::text])))
);

CREATE TABLE public.job_transitions (
    from_state text NOT NULL,
    event text NOT NULL,
    to_state text NOT NULL
);

CREATE TABLE public.ledger_entries (
    id bigint NOT NULL,
    account_id uuid NOT NULL,
    user_ref text NOT NULL,
    kind text NOT NULL,
    job_id uuid,
    cycle integer,
    amount bigint NOT NULL,
    debit_bucket text NOT NULL,
    credit_bucket text NOT NULL,
    of_id bigint,
    actor text NOT NULL,
    reason text,
    at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    resource_id uuid,
    CONSTRAINT ledger_entries_adjust_explained CHECK (((kind <> 'adjust'::text) OR (reason IS NOT NULL))),
    CONSTRAINT ledger_entries_amount_positive CHECK ((amount > 0)),
    CONSTRAINT ledger_entries_job_named CHECK ((((job_id IS NOT NULL) AND (cycle IS NOT NULL)) = (kind = ANY (ARRAY['hold'::text, 'charge'::text, 'release'::text, 'refund'::text])))),
    CONSTRAINT ledger_entries_kind_known CHECK (((((((((((kind = 'grant'::text) AND (debit_bucket = 'issued'::text) AND (credit_bucket = 'available'::text)) OR ((kind = 'transfer'::text) AND (debit_bucket = 'issued'::text) AND (credit_bucket = 'available'::text))) OR ((kind = 'transfer'::text) AND (debit_bucket = 'available'::text) AND (credit_bucket = 'issued'::text))) OR ((kind = 'adjust'::text) AND (debit_bucket = 'issued'::text) AND (credit_bucket = 'available'::text))) OR ((kind = 'adjust'::text) AND (debit_bucket = 'available'::text) AND (credit_bucket = 'issued'::text))) OR ((kind = 'hold'::text) AND (debit_bucket = 'available'::text) AND (credit_bucket = 'held'::text))) OR ((kind = 'charge'::text) AND (debit_bucket = 'held'::text) AND (credit_bucket = 'spent'::text))) OR ((kind = 'release'::text) AND (debit_bucket = 'held'::text) AND (credit_bucket = 'available'::text))) OR ((kind = 'refund'::text) AND (debit_bucket = 'spent'::text) AND (credit_bucket = 'available'::text)))),
    CONSTRAINT ledger_entries_of_named CHECK (((of_id IS NOT NULL) = (kind = ANY (ARRAY['charge'::text, 'release'::text, 'refund'::text]))))
);

ALTER TABLE public.ledger_entries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.paused_steps (
    step text NOT NULL,
    states text[] NOT NULL,
    paused_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    paused_by text NOT NULL,
    reason text
);

CREATE TABLE public.provider_breaker (
    only_row boolean DEFAULT true NOT NULL,
    state text DEFAULT 'closed'::text NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    openings integer DEFAULT 0 NOT NULL,
    cause text,
    detail text,
    opened_at timestamp with time zone,
    until timestamp with time zone,
    CONSTRAINT provider_breaker_cause CHECK ((cause = ANY (ARRAY['outage'::text, 'account'::text]))),
    CONSTRAINT provider_breaker_has_cause CHECK (((state = 'closed'::text) = (cause IS NULL))),
    CONSTRAINT provider_breaker_one_row CHECK (only_row),
    CONSTRAINT provider_breaker_open CHECK (((state = 'closed'::text) = (until IS NULL))),
    CONSTRAINT provider_breaker_state CHECK ((state = ANY (ARRAY['closed'::text, 'open'::text, 'half_open'::text])))
);

CREATE TABLE public.provider_budgets (
    call text NOT NULL,
    permits double precision DEFAULT '1000000000'::numeric NOT NULL,
    filled_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    blocked_until timestamp with time zone,
    next_slot_at timestamp with time zone,
    per_minute double precision,
    admitted uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    CONSTRAINT provider_budgets_call CHECK ((call = ANY (ARRAY['create'::text, 'read'::text])))
);

CREATE TABLE public.provider_webhooks (
    webhook_id text NOT NULL,
    token uuid,
    prediction_id text NOT NULL,
    has_ended boolean NOT NULL,
    effect text NOT NULL,
    received_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    CONSTRAINT provider_webhooks_effect_known CHECK ((effect = ANY (ARRAY['due'::text, 'noted'::text, 'late'::text, 'foreign'::text, 'none'::text]))),
    CONSTRAINT provider_webhooks_id_bounded CHECK ((length(webhook_id) <= 200))
);

CREATE TABLE public.redrive_skips (
    redrive_id uuid NOT NULL,
    job_id uuid NOT NULL,
    code text NOT NULL,
    message text NOT NULL
);

CREATE TABLE public.redrives (
    id uuid NOT NULL,
    account_id uuid,
    wanted jsonb,
    per_minute integer NOT NULL,
    at_most integer,
    reason text,
    actor text NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    matched integer NOT NULL,
    is_urgent boolean DEFAULT true NOT NULL,
    after_job uuid,
    next_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    begun integer DEFAULT 0 NOT NULL,
    revived integer DEFAULT 0 NOT NULL,
    skipped integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT redrives_ended CHECK (((ended_at IS NULL) = (state = 'running'::text))),
    CONSTRAINT redrives_limit_bounded CHECK ((at_most >= 1)),
    CONSTRAINT redrives_rate_bounded CHECK (((per_minute >= 1) AND (per_minute <= 6000))),
    CONSTRAINT redrives_state_known CHECK ((state = ANY (ARRAY['running'::text, 'finished'::text, 'stopped'::text]))),
    CONSTRAINT redrives_wanted_while_running CHECK (((wanted IS NULL) = (state <> 'running'::text)))
);

CREATE TABLE public.renditions (
    asset_id uuid NOT NULL,
    width_px integer NOT NULL,
    height_px integer NOT NULL,
    object_key text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    is_working_copy boolean DEFAULT false NOT NULL
);

CREATE TABLE public.sessions (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    user_ref text NOT NULL,
    tier text NOT NULL,
    token_sha256 bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT sessions_tier_known CHECK ((tier = ANY (ARRAY['free'::text, 'paid'::text]))),
    CONSTRAINT sessions_user_ref_bounded CHECK (((length(user_ref) >= 1) AND (length(user_ref) <= 200)))
);

CREATE TABLE public.statistics_reader (
    only_row boolean DEFAULT true NOT NULL,
    seen pg_snapshot DEFAULT pg_current_snapshot() NOT NULL,
    system bigint DEFAULT (pg_control_system()).system_identifier NOT NULL,
    CONSTRAINT statistics_reader_one_row CHECK (only_row)
);

CREATE TABLE public.stories (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    session_id uuid,
    selfie_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL
);

CREATE TABLE public.stream_tickets (
    ticket_sha256 bytea NOT NULL,
    api_key_id uuid,
    session_id uuid,
    path text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT stream_tickets_one_owner CHECK ((num_nonnulls(api_key_id, session_id) = 1)),
    CONSTRAINT stream_tickets_path_bounded CHECK (((length(path) >= 1) AND (length(path) <= 100)))
);

CREATE TABLE public.suspensions (
    account_id uuid NOT NULL,
    user_ref text NOT NULL,
    suspended_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    suspended_by text NOT NULL,
    reason text NOT NULL
);

CREATE TABLE public.upload_byte_changes (
    account_id uuid NOT NULL,
    change bigint NOT NULL
);

CREATE TABLE public.usage_limits (
    account_id uuid NOT NULL,
    limit_name text NOT NULL,
    owner text NOT NULL,
    most bigint NOT NULL,
    CONSTRAINT usage_limits_limit_known CHECK ((limit_name = ANY (ARRAY['unfinished_jobs'::text, 'open_sessions'::text, 'uploads_per_hour'::text, 'pending_uploads'::text, 'upload_bytes'::text]))),
    CONSTRAINT usage_limits_most_not_negative CHECK ((most >= 0)),
    CONSTRAINT usage_limits_owner_known CHECK ((owner = ANY (ARRAY['account'::text, 'paid_user'::text, 'free_user'::text])))
);

CREATE TABLE public.wallets (
    account_id uuid NOT NULL,
    user_ref text NOT NULL,
    issued bigint DEFAULT 0 NOT NULL,
    available bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    spent bigint DEFAULT 0 NOT NULL,
    jobs bigint DEFAULT 0 NOT NULL,
    CONSTRAINT wallets_balanced CHECK ((issued = ((available + held) + spent))),
    CONSTRAINT wallets_held_not_negative CHECK ((held >= 0)),
    CONSTRAINT wallets_jobs_not_negative CHECK ((jobs >= 0)),
    CONSTRAINT wallets_not_overdrawn CHECK ((available >= 0)),
    CONSTRAINT wallets_spent_not_negative CHECK ((spent >= 0))
)
WITH (fillfactor='50');

CREATE TABLE public.watcher_status (
    only_row boolean DEFAULT true NOT NULL,
    in_flight integer DEFAULT 0 NOT NULL,
    covers_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT watcher_status_one_row CHECK (only_row)
);

CREATE TABLE public.webhook_deliveries (
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    account_id uuid NOT NULL,
    webhook_id text NOT NULL,
    type text NOT NULL,
    "position" bigint,
    attempt integer NOT NULL,
    at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    duration_ms integer NOT NULL,
    response_status smallint,
    failure text,
    CONSTRAINT webhook_deliveries_attempt_positive CHECK ((attempt > 0)),
    CONSTRAINT webhook_deliveries_failure_known CHECK ((failure = ANY (ARRAY['bad_status'::text, 'timed_out'::text, 'unreachable'::text])))
);

CREATE TABLE public.webhook_endpoints (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    url text NOT NULL,
    description text NOT NULL,
    event_types text[] NOT NULL,
    "position" bigint NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    due_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    lease bigint DEFAULT 0 NOT NULL,
    lease_expires_at timestamp with time zone,
    claimed_by text,
    disabled_reason text,
    disabled_at timestamp with time zone,
    succeeded_at timestamp with time zone,
    failed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    CONSTRAINT webhook_endpoints_description_bounded CHECK ((length(description) <= 200)),
    CONSTRAINT webhook_endpoints_disabled_has_reason CHECK (((disabled_at IS NULL) = (disabled_reason IS NULL))),
    CONSTRAINT webhook_endpoints_disabled_reason_known CHECK ((disabled_reason = ANY (ARRAY['requested'::text, 'gone'::text, 'failed'::text]))),
    CONSTRAINT webhook_endpoints_event_types_known CHECK ((event_types <@ ARRAY['job_requested'::text, 'job_progressed'::text, 'job_succeeded'::text, 'job_failed'::text, 'job_canceled'::text, 'story_began'::text, 'story_succeeded'::text, 'story_failed'::text, 'story_canceled'::text, 'endpoint_disabled'::text, 'balance_low'::text])),
    CONSTRAINT webhook_endpoints_failing_iff_failures CHECK (((failing_since IS NOT NULL) = (failures > 0))),
    CONSTRAINT webhook_endpoints_lease_iff_claimed CHECK (((lease_expires_at IS NULL) = (claimed_by IS NULL))),
    CONSTRAINT webhook_endpoints_position_bounded CHECK (("position" >= 0)),
    CONSTRAINT webhook_endpoints_url_bounded CHECK (((length(url) >= 1) AND (length(url) <= 2048)))
)
WITH (fillfactor='60');

CREATE TABLE public.webhook_secrets (
    endpoint_id uuid NOT NULL,
    secret text NOT NULL,
    created_at timestamp with time zone DEFAULT public.diorama_now() NOT NULL,
    expires_at timestamp with time zone
);

ALTER TABLE ONLY public.job_events ATTACH PARTITION public.job_events_other DEFAULT;

ALTER TABLE ONLY public.account_usage
    ADD CONSTRAINT account_usage_pkey PRIMARY KEY (account_id, limit_name);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_mode UNIQUE (id, is_test);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_name_unique UNIQUE (name);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_one_test_account UNIQUE (live_id);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.activity_heads
    ADD CONSTRAINT activity_heads_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (account_id, "position");

ALTER TABLE ONLY public.activity_sequencer
    ADD CONSTRAINT activity_sequencer_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_digest_unique UNIQUE (key_sha256);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.assets
    ADD CONSTRAINT assets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (job_id, attempt);

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_token_unique UNIQUE (token);

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.compensation_actions
    ADD CONSTRAINT compensation_actions_pkey PRIMARY KEY (job_id, cycle, action);

ALTER TABLE ONLY public.credit_limits
    ADD CONSTRAINT credit_limits_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.credit_statistics
    ADD CONSTRAINT credit_statistics_pkey PRIMARY KEY (account_id, is_total, user_ref, starts_at, kind, is_out);

ALTER TABLE ONLY public.credit_statistics_reader
    ADD CONSTRAINT credit_statistics_reader_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.deletion_assets
    ADD CONSTRAINT deletion_assets_pkey PRIMARY KEY (deletion_id, asset_id);

ALTER TABLE ONLY public.deletion_jobs
    ADD CONSTRAINT deletion_jobs_pkey PRIMARY KEY (deletion_id, job_id);

ALTER TABLE ONLY public.deletions
    ADD CONSTRAINT deletions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, user_ref, operation, key);

ALTER TABLE ONLY public.job_error_codes
    ADD CONSTRAINT job_error_codes_pkey PRIMARY KEY (code);

ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT job_events_pkey PRIMARY KEY (job_id, seq);

ALTER TABLE ONLY public.job_events_other
    ADD CONSTRAINT job_events_other_pkey PRIMARY KEY (job_id, seq);

ALTER TABLE ONLY public.job_requests
    ADD CONSTRAINT job_requests_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY public.job_states
    ADD CONSTRAINT job_states_key UNIQUE (state, step, is_terminal);

ALTER TABLE ONLY public.job_states
    ADD CONSTRAINT job_states_pkey PRIMARY KEY (state);

ALTER TABLE ONLY public.job_statistics
    ADD CONSTRAINT job_statistics_pkey PRIMARY KEY (account_id, unit, starts_at, kind, outcome, error_code, bucket);

ALTER TABLE ONLY public.job_transitions
    ADD CONSTRAINT job_transitions_pkey PRIMARY KEY (from_state, event, to_state);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_key UNIQUE (id, account_id, user_ref, job_id, cycle, amount, credit_bucket);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_moved_on_once UNIQUE (of_id);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.paused_steps
    ADD CONSTRAINT paused_steps_pkey PRIMARY KEY (step);

ALTER TABLE ONLY public.provider_breaker
    ADD CONSTRAINT provider_breaker_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.provider_budgets
    ADD CONSTRAINT provider_budgets_pkey PRIMARY KEY (call);

ALTER TABLE ONLY public.provider_webhooks
    ADD CONSTRAINT provider_webhooks_pkey PRIMARY KEY (webhook_id);

ALTER TABLE ONLY public.redrive_skips
    ADD CONSTRAINT redrive_skips_pkey PRIMARY KEY (redrive_id, job_id);

ALTER TABLE ONLY public.redrives
    ADD CONSTRAINT redrives_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.renditions
    ADD CONSTRAINT renditions_pkey PRIMARY KEY (asset_id, width_px, is_working_copy);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_digest_unique UNIQUE (token_sha256);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.statistics_reader
    ADD CONSTRAINT statistics_reader_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.stories
    ADD CONSTRAINT stories_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.stream_tickets
    ADD CONSTRAINT stream_tickets_pkey PRIMARY KEY (ticket_sha256);

ALTER TABLE ONLY public.suspensions
    ADD CONSTRAINT suspensions_pkey PRIMARY KEY (account_id, user_ref);

ALTER TABLE ONLY public.usage_limits
    ADD CONSTRAINT usage_limits_pkey PRIMARY KEY (account_id, limit_name, owner);

ALTER TABLE ONLY public.wallets
    ADD CONSTRAINT wallets_pkey PRIMARY KEY (account_id, user_ref);

ALTER TABLE ONLY public.watcher_status
    ADD CONSTRAINT watcher_status_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhook_secrets
    ADD CONSTRAINT webhook_secrets_pkey PRIMARY KEY (endpoint_id, secret);

CREATE INDEX api_keys_by_account ON public.api_keys USING btree (account_id, id);

CREATE INDEX assets_by_account ON public.assets USING btree (account_id, id);

CREATE INDEX assets_by_digest ON public.assets USING btree (account_id, sha256) WHERE ((kind = 'selfie'::text) AND (state = 'ready'::text));

CREATE INDEX assets_by_object ON public.assets USING btree (object_key) WHERE (state = ANY (ARRAY['ready'::text, 'missing'::text]));

CREATE INDEX assets_by_poster ON public.assets USING btree (poster_id) WHERE (poster_id IS NOT NULL);

CREATE INDEX assets_by_session ON public.assets USING btree (session_id, id) WHERE (session_id IS NOT NULL);

CREATE INDEX assets_expiring ON public.assets USING btree (expires_at) WHERE ((state = ANY (ARRAY['ready'::text, 'missing'::text])) AND (expires_at IS NOT NULL));

CREATE INDEX assets_gone ON public.assets USING btree (id) WHERE (state = ANY (ARRAY['deleted'::text, 'rejected'::text]));

CREATE INDEX assets_missing ON public.assets USING btree (object_key) WHERE (state = 'missing'::text);

CREATE INDEX assets_pending ON public.assets USING btree (created_at) WHERE (state = 'pending'::text);

CREATE INDEX assets_uploads ON public.assets USING btree (account_id, session_id, state) INCLUDE (size_bytes) WHERE ((kind = 'selfie'::text) AND (state = ANY (ARRAY['pending'::text, 'ready'::text])));

CREATE INDEX assets_uploads_pending ON public.assets USING btree (account_id, created_at) WHERE ((kind = 'selfie'::text) AND (state = 'pending'::text));

CREATE INDEX attempts_by_experiment ON public.attempts USING btree (experiment, variant, started_at) WHERE (experiment IS NOT NULL);

CREATE UNIQUE INDEX attempts_by_prediction ON public.attempts USING btree (prediction_id) WHERE (prediction_id IS NOT NULL);

CREATE INDEX attempts_recent ON public.attempts USING btree (model, completed_at DESC) WHERE (took_s IS NOT NULL);

CREATE INDEX attempts_unsettled ON public.attempts USING btree (started_at) WHERE ((status = ANY (ARRAY['lost'::text, 'absent'::text])) AND (completed_at IS NULL));

CREATE INDEX attempts_with_source ON public.attempts USING btree (completed_at) WHERE (source_key IS NOT NULL);

CREATE INDEX audit_entries_by_account ON public.audit_entries USING btree (account_id, id);

CREATE INDEX compensation_actions_open ON public.compensation_actions USING btree (job_id) WHERE (state = ANY (ARRAY['pending'::text, 'needs_review'::text]));

CREATE INDEX compensation_actions_uncanceled ON public.compensation_actions USING btree (job_id) WHERE ((action = 'cancel_prediction'::text) AND (state = ANY (ARRAY['needs_review'::text, 'waived'::text])));

CREATE INDEX deletions_by_subject ON public.deletions USING btree (subject_id) WHERE (subject_id IS NOT NULL);

CREATE INDEX deletions_by_time ON public.deletions USING btree (requested_at);

CREATE INDEX deletions_open ON public.deletions USING btree (requested_at) WHERE (completed_at IS NULL);

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (created_at);

CREATE INDEX job_events_by_xid ON ONLY public.job_events USING btree (xid);

CREATE INDEX job_events_other_xid_idx ON public.job_events_other USING btree (xid);

CREATE INDEX job_requests_by_account ON public.job_requests USING btree (account_id, job_id);

CREATE INDEX job_requests_by_batch ON public.job_requests USING btree (batch_id) WHERE (batch_id IS NOT NULL);

CREATE INDEX job_requests_by_input ON public.job_requests USING btree (input_id) WHERE (input_id IS NOT NULL);

CREATE INDEX job_requests_by_request ON public.job_requests USING btree (request_id) WHERE (request_id IS NOT NULL);

CREATE INDEX job_statistics_by_age ON public.job_statistics USING btree (starts_at) WHERE (unit = 'hour'::text);

CREATE INDEX jobs_aside ON public.jobs USING btree (account_id, due_at) WHERE (state = ANY (ARRAY['waiting'::text, 'compensating'::text]));

CREATE INDEX jobs_at_provider ON public.jobs USING btree (account_id) WHERE (state = ANY (ARRAY['submitting'::text, 'reconciling'::text, 'generating'::text]));

CREATE INDEX jobs_by_output ON public.jobs USING btree (output_id) WHERE (output_id IS NOT NULL);

CREATE INDEX jobs_by_parent ON public.jobs USING btree (parent_id) WHERE (parent_id IS NOT NULL);

CREATE INDEX jobs_by_session ON public.jobs USING btree (session_id, id) WHERE (session_id IS NOT NULL);

CREATE INDEX jobs_by_story ON public.jobs USING btree (story_id) WHERE (story_id IS NOT NULL);

CREATE INDEX jobs_due ON public.jobs USING btree (step, due_at) WHERE ((due_at IS NOT NULL) AND (state <> 'queued'::text));

CREATE INDEX jobs_in_turn ON public.jobs USING btree (step, ((kind = 'animation'::text)), account_id, due_at) WHERE (state = ANY (ARRAY['storing'::text, 'transcoding'::text]));

CREATE INDEX jobs_queued ON public.jobs USING btree (account_id, due_at) WHERE (state = 'queued'::text);

CREATE INDEX ledger_entries_by_account ON public.ledger_entries USING btree (account_id, id);

CREATE INDEX ledger_entries_by_job ON public.ledger_entries USING btree (job_id, id) WHERE (job_id IS NOT NULL);

CREATE INDEX ledger_entries_by_resource ON public.ledger_entries USING btree (resource_id) WHERE (resource_id IS NOT NULL);

CREATE UNIQUE INDEX ledger_entries_one_hold ON public.ledger_entries USING btree (job_id, cycle) WHERE (kind = 'hold'::text);

CREATE INDEX provider_webhooks_by_time ON public.provider_webhooks USING btree (received_at);

CREATE INDEX redrives_running ON public.redrives USING btree (next_at) WHERE (state = 'running'::text);

CREATE INDEX renditions_by_object ON public.renditions USING btree (object_key);

CREATE UNIQUE INDEX renditions_working_copy ON public.renditions USING btree (asset_id) WHERE is_working_copy;

CREATE INDEX sessions_by_account ON public.sessions USING btree (account_id, id);

CREATE INDEX sessions_by_end ON public.sessions USING btree (account_id, expires_at);

CREATE INDEX sessions_by_user ON public.sessions USING btree (account_id, user_ref, expires_at);

CREATE UNIQUE INDEX sessions_without_token ON public.sessions USING btree (account_id, user_ref) WHERE (token_sha256 IS NULL);

CREATE INDEX stories_by_account ON public.stories USING btree (account_id, id);

CREATE INDEX stories_by_selfie ON public.stories USING btree (selfie_id);

CREATE INDEX stories_by_session ON public.stories USING btree (session_id, id) WHERE (session_id IS NOT NULL);

CREATE INDEX stream_tickets_by_end ON public.stream_tickets USING btree (expires_at);

CREATE INDEX upload_byte_changes_by_account ON public.upload_byte_changes USING btree (account_id);

CREATE INDEX webhook_deliveries_by_account ON public.webhook_deliveries USING btree (account_id, id);

CREATE INDEX webhook_deliveries_by_endpoint ON public.webhook_deliveries USING btree (endpoint_id, id);

CREATE INDEX webhook_endpoints_by_account ON public.webhook_endpoints USING btree (account_id, id);

CREATE INDEX webhook_endpoints_receiving ON public.webhook_endpoints USING btree (account_id) WHERE (disabled_at IS NULL);

ALTER INDEX public.job_events_pkey ATTACH PARTITION public.job_events_other_pkey;

ALTER INDEX public.job_events_by_xid ATTACH PARTITION public.job_events_other_xid_idx;

CREATE TRIGGER assets_count_added_upload AFTER INSERT ON public.assets FOR EACH ROW WHEN (((new.kind = 'selfie'::text) AND (new.state = 'ready'::text))) EXECUTE FUNCTION public.count_upload_bytes();

CREATE TRIGGER assets_count_upload AFTER UPDATE OF state ON public.assets FOR EACH ROW WHEN (((new.kind = 'selfie'::text) AND ((old.state = 'ready'::text) <> (new.state = 'ready'::text)))) EXECUTE FUNCTION public.count_upload_bytes();

CREATE TRIGGER audit_entries_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_entries FOR EACH STATEMENT EXECUTE FUNCTION public.audit_is_final();

CREATE TRIGGER job_events_append_only BEFORE UPDATE ON public.job_events FOR EACH ROW EXECUTE FUNCTION public.job_history_is_final();

CREATE TRIGGER job_history_of_births AFTER INSERT ON public.jobs REFERENCING NEW TABLE AS new_jobs FOR EACH STATEMENT EXECUTE FUNCTION public.job_history_of_births();

CREATE TRIGGER job_history_of_moves AFTER UPDATE ON public.jobs REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs FOR EACH STATEMENT EXECUTE FUNCTION public.job_history_of_moves();

CREATE TRIGGER job_requests_of_account BEFORE INSERT ON public.job_requests FOR EACH ROW EXECUTE FUNCTION public.job_request_of_account();

CREATE TRIGGER job_rules_of_birth BEFORE INSERT ON public.jobs FOR EACH ROW EXECUTE FUNCTION public.job_keeps_to_the_rules();

CREATE TRIGGER job_rules_of_moves BEFORE UPDATE ON public.jobs FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR (old.seq IS DISTINCT FROM new.seq))) EXECUTE FUNCTION public.job_keeps_to_the_rules();

CREATE TRIGGER jobs_plan_compensation AFTER UPDATE ON public.jobs FOR EACH ROW WHEN (((new.state = 'compensating'::text) AND (old.state <> 'compensating'::text))) EXECUTE FUNCTION public.plan_compensation();

CREATE TRIGGER ledger_entries_append_only BEFORE DELETE OR UPDATE OF id, account_id, kind, job_id, cycle, amount, debit_bucket, credit_bucket, of_id, actor, at, resource_id OR TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_is_final();

CREATE TRIGGER ledger_entries_job AFTER INSERT ON public.ledger_entries REFERENCING NEW TABLE AS entries FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_holds_for_jobs();

CREATE TRIGGER ledger_entries_move_wallets AFTER INSERT ON public.ledger_entries REFERENCING NEW TABLE AS entries FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_moves_wallets();

CREATE TRIGGER ledger_entries_names BEFORE UPDATE OF user_ref, reason ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_names_are_final();

CREATE TRIGGER wallets_follow_ledger BEFORE INSERT OR DELETE OR UPDATE OF account_id, issued, available, held, spent, jobs OR TRUNCATE ON public.wallets FOR EACH STATEMENT EXECUTE FUNCTION public.wallets_follow_ledger();

CREATE TRIGGER wallets_names BEFORE UPDATE OF user_ref ON public.wallets FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_names_are_final();

ALTER TABLE ONLY public.account_usage
    ADD CONSTRAINT account_usage_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_live FOREIGN KEY (live_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.activity_heads
    ADD CONSTRAINT activity_heads_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.assets
    ADD CONSTRAINT assets_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.assets
    ADD CONSTRAINT assets_poster FOREIGN KEY (poster_id) REFERENCES public.assets(id);

ALTER TABLE ONLY public.assets
    ADD CONSTRAINT assets_session FOREIGN KEY (session_id) REFERENCES public.sessions(id);

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_job FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.compensation_actions
    ADD CONSTRAINT compensation_actions_job FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.credit_limits
    ADD CONSTRAINT credit_limits_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.deletion_assets
    ADD CONSTRAINT deletion_assets_deletion FOREIGN KEY (deletion_id) REFERENCES public.deletions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.deletion_jobs
    ADD CONSTRAINT deletion_jobs_deletion FOREIGN KEY (deletion_id) REFERENCES public.deletions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.deletions
    ADD CONSTRAINT deletions_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.deletions
    ADD CONSTRAINT deletions_session FOREIGN KEY (session_id) REFERENCES public.sessions(id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE public.job_events
    ADD CONSTRAINT job_events_legal FOREIGN KEY (from_state, event, to_state) REFERENCES public.job_transitions(from_state, event, to_state);

ALTER TABLE ONLY public.job_requests
    ADD CONSTRAINT job_requests_input FOREIGN KEY (input_id) REFERENCES public.assets(id);

ALTER TABLE ONLY public.job_requests
    ADD CONSTRAINT job_requests_job FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job_transitions
    ADD CONSTRAINT job_transitions_to_state FOREIGN KEY (to_state) REFERENCES public.job_states(state);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_account FOREIGN KEY (account_id, is_test) REFERENCES public.accounts(id, is_test);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_error_code_known FOREIGN KEY (error_code) REFERENCES public.job_error_codes(code);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_output FOREIGN KEY (output_id) REFERENCES public.assets(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_parent FOREIGN KEY (parent_id) REFERENCES public.jobs(id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_session FOREIGN KEY (session_id) REFERENCES public.sessions(id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_state_known FOREIGN KEY (state, step, is_terminal) REFERENCES public.job_states(state, step, is_terminal);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_story FOREIGN KEY (story_id) REFERENCES public.stories(id);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_of FOREIGN KEY (of_id, account_id, user_ref, job_id, cycle, amount, debit_bucket) REFERENCES public.ledger_entries(id, account_id, user_ref, job_id, cycle, amount, credit_bucket);

ALTER TABLE ONLY public.redrive_skips
    ADD CONSTRAINT redrive_skips_redrive FOREIGN KEY (redrive_id) REFERENCES public.redrives(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.redrives
    ADD CONSTRAINT redrives_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.renditions
    ADD CONSTRAINT renditions_asset FOREIGN KEY (asset_id) REFERENCES public.assets(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.stories
    ADD CONSTRAINT stories_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.stories
    ADD CONSTRAINT stories_selfie FOREIGN KEY (selfie_id) REFERENCES public.assets(id);

ALTER TABLE ONLY public.stories
    ADD CONSTRAINT stories_session FOREIGN KEY (session_id) REFERENCES public.sessions(id);

ALTER TABLE ONLY public.stream_tickets
    ADD CONSTRAINT stream_tickets_api_key FOREIGN KEY (api_key_id) REFERENCES public.api_keys(id);

ALTER TABLE ONLY public.stream_tickets
    ADD CONSTRAINT stream_tickets_session FOREIGN KEY (session_id) REFERENCES public.sessions(id);

ALTER TABLE ONLY public.suspensions
    ADD CONSTRAINT suspensions_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.upload_byte_changes
    ADD CONSTRAINT upload_byte_changes_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.usage_limits
    ADD CONSTRAINT usage_limits_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.wallets
    ADD CONSTRAINT wallets_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_endpoint FOREIGN KEY (endpoint_id) REFERENCES public.webhook_endpoints(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_account FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.webhook_secrets
    ADD CONSTRAINT webhook_secrets_endpoint FOREIGN KEY (endpoint_id) REFERENCES public.webhook_endpoints(id) ON DELETE CASCADE;

ALTER TABLE public.account_usage ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.accounts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.activity ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.activity_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.assets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.compensation_actions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.credit_limits ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.credit_statistics ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.deletions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_requests ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job_statistics ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.jobs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ledger_entries ENABLE ROW LEVEL SECURITY;

CREATE POLICY of_account ON public.account_usage FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.accounts FOR SELECT TO diorama_account USING (((( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting) = id) OR (( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting) = live_id)));

CREATE POLICY of_account ON public.activity FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.activity_heads FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.api_keys FOR SELECT TO diorama_account USING ((EXISTS ( SELECT
   FROM public.accounts a
  WHERE (a.id = api_keys.account_id))));

CREATE POLICY of_account ON public.assets FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.attempts FOR SELECT TO diorama_account USING ((EXISTS ( SELECT
   FROM public.jobs j
  WHERE ((j.id = attempts.job_id) AND (j.account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting))))));

CREATE POLICY of_account ON public.compensation_actions FOR SELECT TO diorama_account USING ((EXISTS ( SELECT
   FROM public.jobs j
  WHERE ((j.id = compensation_actions.job_id) AND (j.account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting))))));

CREATE POLICY of_account ON public.credit_limits FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.credit_statistics FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.deletions FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.idempotency_keys FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.job_events FOR SELECT TO diorama_account USING ((EXISTS ( SELECT
   FROM public.jobs j
  WHERE ((j.id = job_events.job_id) AND (j.account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting))))));

CREATE POLICY of_account ON public.job_requests FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.job_statistics FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.jobs FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.ledger_entries FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.renditions FOR SELECT TO diorama_account USING ((EXISTS ( SELECT
   FROM public.assets a
  WHERE ((a.id = renditions.asset_id) AND (a.account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting))))));

CREATE POLICY of_account ON public.sessions FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.stories FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.suspensions FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.upload_byte_changes FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.usage_limits FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.wallets FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.webhook_deliveries FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.webhook_endpoints FOR SELECT TO diorama_account USING ((account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting)));

CREATE POLICY of_account ON public.webhook_secrets FOR SELECT TO diorama_account USING ((EXISTS ( SELECT
   FROM public.webhook_endpoints e
  WHERE ((e.id = webhook_secrets.endpoint_id) AND (e.account_id = ( SELECT (current_setting('diorama.account'::text))::uuid AS current_setting))))));

CREATE POLICY of_support ON public.account_usage TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.accounts TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.activity TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.activity_heads TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.api_keys TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.assets TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.attempts TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.compensation_actions TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.credit_limits TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.credit_statistics TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.deletions TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.idempotency_keys TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.job_events TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.job_requests TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.job_statistics TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.jobs TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.ledger_entries TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.renditions TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.sessions TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.stories TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.suspensions TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.upload_byte_changes TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.usage_limits TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.wallets TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.webhook_deliveries TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.webhook_endpoints TO diorama_viewer, diorama_agent USING (true);

CREATE POLICY of_support ON public.webhook_secrets TO diorama_viewer, diorama_agent USING (true);

ALTER TABLE public.renditions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.stories ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.suspensions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.upload_byte_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_limits ENABLE ROW LEVEL SECURITY;

CREATE POLICY users_only ON public.suspensions AS RESTRICTIVE TO diorama_agent USING (true) WITH CHECK ((user_ref <> ''::text));

ALTER TABLE public.wallets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_endpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_secrets ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO diorama_account;
GRANT USAGE ON SCHEMA public TO diorama_viewer;
GRANT USAGE ON SCHEMA public TO diorama_agent;

GRANT SELECT ON TABLE public.assets TO diorama_account;
GRANT SELECT ON TABLE public.assets TO diorama_viewer;
GRANT SELECT ON TABLE public.assets TO diorama_agent;

GRANT SELECT ON TABLE public.jobs TO diorama_account;
GRANT SELECT ON TABLE public.jobs TO diorama_viewer;
GRANT SELECT,UPDATE ON TABLE public.jobs TO diorama_agent;

GRANT SELECT ON TABLE public.account_usage TO diorama_account;
GRANT SELECT ON TABLE public.account_usage TO diorama_viewer;
GRANT SELECT ON TABLE public.account_usage TO diorama_agent;

GRANT SELECT ON TABLE public.accounts TO diorama_account;
GRANT SELECT ON TABLE public.accounts TO diorama_viewer;
GRANT SELECT ON TABLE public.accounts TO diorama_agent;

GRANT SELECT ON TABLE public.activity TO diorama_account;
GRANT SELECT ON TABLE public.activity TO diorama_viewer;
GRANT SELECT ON TABLE public.activity TO diorama_agent;

GRANT SELECT ON TABLE public.activity_heads TO diorama_account;
GRANT SELECT ON TABLE public.activity_heads TO diorama_viewer;
GRANT SELECT ON TABLE public.activity_heads TO diorama_agent;

GRANT SELECT ON TABLE public.activity_sequencer TO diorama_account;
GRANT SELECT ON TABLE public.activity_sequencer TO diorama_viewer;
GRANT SELECT ON TABLE public.activity_sequencer TO diorama_agent;

GRANT SELECT ON TABLE public.alembic_version TO diorama_viewer;
GRANT SELECT ON TABLE public.alembic_version TO diorama_agent;

GRANT SELECT ON TABLE public.api_keys TO diorama_account;
GRANT SELECT ON TABLE public.api_keys TO diorama_viewer;
GRANT SELECT ON TABLE public.api_keys TO diorama_agent;

GRANT SELECT ON TABLE public.attempts TO diorama_account;
GRANT SELECT ON TABLE public.attempts TO diorama_viewer;
GRANT SELECT ON TABLE public.attempts TO diorama_agent;

GRANT SELECT ON TABLE public.audit_entries TO diorama_viewer;
GRANT SELECT,INSERT ON TABLE public.audit_entries TO diorama_agent;

GRANT SELECT ON TABLE public.compensation_actions TO diorama_account;
GRANT SELECT ON TABLE public.compensation_actions TO diorama_viewer;
GRANT SELECT,INSERT,UPDATE ON TABLE public.compensation_actions TO diorama_agent;

GRANT SELECT ON TABLE public.credit_limits TO diorama_account;
GRANT SELECT ON TABLE public.credit_limits TO diorama_viewer;
GRANT SELECT,INSERT,UPDATE ON TABLE public.credit_limits TO diorama_agent;

GRANT SELECT ON TABLE public.credit_statistics TO diorama_account;
GRANT SELECT ON TABLE public.credit_statistics TO diorama_viewer;
GRANT SELECT ON TABLE public.credit_statistics TO diorama_agent;

GRANT SELECT ON TABLE public.credit_statistics_reader TO diorama_account;
GRANT SELECT ON TABLE public.credit_statistics_reader TO diorama_viewer;
GRANT SELECT ON TABLE public.credit_statistics_reader TO diorama_agent;

GRANT SELECT ON TABLE public.deletion_assets TO diorama_viewer;
GRANT SELECT ON TABLE public.deletion_assets TO diorama_agent;

GRANT SELECT ON TABLE public.deletion_jobs TO diorama_viewer;
GRANT SELECT ON TABLE public.deletion_jobs TO diorama_agent;

GRANT SELECT ON TABLE public.deletions TO diorama_account;
GRANT SELECT ON TABLE public.deletions TO diorama_viewer;
GRANT SELECT ON TABLE public.deletions TO diorama_agent;

GRANT SELECT ON TABLE public.idempotency_keys TO diorama_account;
GRANT SELECT ON TABLE public.idempotency_keys TO diorama_viewer;
GRANT SELECT,INSERT ON TABLE public.idempotency_keys TO diorama_agent;

GRANT SELECT ON TABLE public.job_error_codes TO diorama_account;
GRANT SELECT ON TABLE public.job_error_codes TO diorama_viewer;
GRANT SELECT ON TABLE public.job_error_codes TO diorama_agent;

GRANT SELECT ON TABLE public.job_events TO diorama_account;
GRANT SELECT ON TABLE public.job_events TO diorama_viewer;
GRANT SELECT,INSERT ON TABLE public.job_events TO diorama_agent;

GRANT SELECT ON TABLE public.job_events_other TO diorama_viewer;
GRANT SELECT ON TABLE public.job_events_other TO diorama_agent;

GRANT SELECT ON TABLE public.job_requests TO diorama_account;
GRANT SELECT ON TABLE public.job_requests TO diorama_viewer;
GRANT SELECT,UPDATE ON TABLE public.job_requests TO diorama_agent;

GRANT SELECT ON TABLE public.job_states TO diorama_account;
GRANT SELECT ON TABLE public.job_states TO diorama_viewer;
GRANT SELECT ON TABLE public.job_states TO diorama_agent;

GRANT SELECT ON TABLE public.job_statistics TO diorama_account;
GRANT SELECT ON TABLE public.job_statistics TO diorama_viewer;
GRANT SELECT ON TABLE public.job_statistics TO diorama_agent;

GRANT SELECT ON TABLE public.job_transitions TO diorama_account;
GRANT SELECT ON TABLE public.job_transitions TO diorama_viewer;
GRANT SELECT ON TABLE public.job_transitions TO diorama_agent;

GRANT SELECT ON TABLE public.ledger_entries TO diorama_account;
GRANT SELECT ON TABLE public.ledger_entries TO diorama_viewer;
GRANT SELECT,INSERT ON TABLE public.ledger_entries TO diorama_agent;

GRANT SELECT ON TABLE public.paused_steps TO diorama_account;
GRANT SELECT ON TABLE public.paused_steps TO diorama_viewer;
GRANT SELECT ON TABLE public.paused_steps TO diorama_agent;

GRANT SELECT ON TABLE public.provider_breaker TO diorama_account;
GRANT SELECT ON TABLE public.provider_breaker TO diorama_viewer;
GRANT SELECT ON TABLE public.provider_breaker TO diorama_agent;

GRANT SELECT ON TABLE public.provider_budgets TO diorama_account;
GRANT SELECT ON TABLE public.provider_budgets TO diorama_viewer;
GRANT SELECT ON TABLE public.provider_budgets TO diorama_agent;

GRANT SELECT ON TABLE public.provider_webhooks TO diorama_viewer;
GRANT SELECT ON TABLE public.provider_webhooks TO diorama_agent;

GRANT SELECT ON TABLE public.redrive_skips TO diorama_viewer;
GRANT SELECT ON TABLE public.redrive_skips TO diorama_agent;

GRANT SELECT ON TABLE public.redrives TO diorama_viewer;
GRANT SELECT,INSERT,UPDATE ON TABLE public.redrives TO diorama_agent;

GRANT SELECT ON TABLE public.renditions TO diorama_account;
GRANT SELECT ON TABLE public.renditions TO diorama_viewer;
GRANT SELECT ON TABLE public.renditions TO diorama_agent;

GRANT SELECT ON TABLE public.sessions TO diorama_account;
GRANT SELECT ON TABLE public.sessions TO diorama_viewer;
GRANT SELECT ON TABLE public.sessions TO diorama_agent;

GRANT SELECT ON TABLE public.statistics_reader TO diorama_account;
GRANT SELECT ON TABLE public.statistics_reader TO diorama_viewer;
GRANT SELECT ON TABLE public.statistics_reader TO diorama_agent;

GRANT SELECT ON TABLE public.stories TO diorama_account;
GRANT SELECT ON TABLE public.stories TO diorama_viewer;
GRANT SELECT,UPDATE ON TABLE public.stories TO diorama_agent;

GRANT SELECT ON TABLE public.suspensions TO diorama_account;
GRANT SELECT ON TABLE public.suspensions TO diorama_viewer;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.suspensions TO diorama_agent;

GRANT SELECT ON TABLE public.upload_byte_changes TO diorama_account;
GRANT SELECT ON TABLE public.upload_byte_changes TO diorama_viewer;
GRANT SELECT ON TABLE public.upload_byte_changes TO diorama_agent;

GRANT SELECT ON TABLE public.usage_limits TO diorama_account;
GRANT SELECT ON TABLE public.usage_limits TO diorama_viewer;
GRANT SELECT ON TABLE public.usage_limits TO diorama_agent;

GRANT SELECT ON TABLE public.wallets TO diorama_account;
GRANT SELECT ON TABLE public.wallets TO diorama_viewer;
GRANT SELECT,INSERT,UPDATE ON TABLE public.wallets TO diorama_agent;

GRANT SELECT ON TABLE public.watcher_status TO diorama_account;
GRANT SELECT ON TABLE public.watcher_status TO diorama_viewer;
GRANT SELECT ON TABLE public.watcher_status TO diorama_agent;

GRANT SELECT ON TABLE public.webhook_deliveries TO diorama_account;
GRANT SELECT ON TABLE public.webhook_deliveries TO diorama_viewer;
GRANT SELECT ON TABLE public.webhook_deliveries TO diorama_agent;

GRANT SELECT ON TABLE public.webhook_endpoints TO diorama_account;
GRANT SELECT ON TABLE public.webhook_endpoints TO diorama_viewer;
GRANT SELECT ON TABLE public.webhook_endpoints TO diorama_agent;

GRANT SELECT ON TABLE public.webhook_secrets TO diorama_account;
