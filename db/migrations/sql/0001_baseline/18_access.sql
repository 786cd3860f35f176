-- The second line behind the checks in code: roles that the API takes for a caller, and what each may read and change.
-- Roles belong to the whole cluster. Where this user may not make them, they are left out; `diorama doctor` says so, and
-- the next migration after somebody has made them goes on from there. Returns whether they are in use.
CREATE FUNCTION grant_access() RETURNS boolean LANGUAGE plpgsql AS $$
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
