-- At least one row of every table as revision 0001 knows them. Frozen with its revision.
INSERT INTO accounts (id, name, jobs_at_once) VALUES ('00000000-0000-7000-8000-000000000001', 'acme', 5);
INSERT INTO api_keys (id, account_id, role, name, key_sha256, scopes)
VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'partner', 'key', '\x01', '{requests}');
INSERT INTO sessions (id, account_id, user_ref, tier, token_sha256, expires_at)
VALUES ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000001', 'ada', 'paid', '\x02', now());
INSERT INTO assets (id, account_id, session_id, kind, state, object_key, content_type, size_bytes, sha256)
VALUES ('00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000001',
        '00000000-0000-7000-8000-000000000003', 'selfie', 'ready', 'assets/4.jpg', 'image/jpeg', 1, '00');
INSERT INTO renditions VALUES ('00000000-0000-7000-8000-000000000004', 320, 320, 'assets/4-320.webp', 'image/webp', 1, '00');
INSERT INTO stories (id, account_id, session_id, selfie_id)
VALUES ('00000000-0000-7000-8000-000000000005', '00000000-0000-7000-8000-000000000001',
        '00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000004');

-- A job in each of three kinds of state: queued, running (about to be undone) and succeeded.
INSERT INTO jobs (id, account_id, session_id, story_id, kind, state, event, actor, due_at, deadline_at, credits)
SELECT id::uuid, '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000003',
       '00000000-0000-7000-8000-000000000005', 'avatar', 'queued', 'requested', 'api', now(), now() + interval '6 hours', 2
FROM unnest(ARRAY['01900000-0000-7000-8000-00000000000a', '01900000-0000-7000-8000-00000000000b',
                  '01900000-0000-7000-8000-00000000000c']) AS id;
INSERT INTO job_requests (job_id, input_id, tier, on_failure)
SELECT id, '00000000-0000-7000-8000-000000000004', 'paid', 'keep' FROM jobs;
INSERT INTO attempts (job_id, attempt, token, model, prompt_version, status, reserved_micros, prediction_id)
VALUES ('01900000-0000-7000-8000-00000000000b', 1, '00000000-0000-7000-8000-000000000006', 'openai/gpt-image-1', 'v1',
        'running', 64000, 'p1');
UPDATE jobs SET state = 'submitting', event = 'submit_started', seq = seq + 1, attempt = 1 WHERE id::text ~ '[bc]$';
UPDATE jobs SET state = 'generating', event = 'accepted', seq = seq + 1, accepted = 1 WHERE id::text ~ '[bc]$';
UPDATE jobs SET state = 'storing', event = 'output_ready', seq = seq + 1 WHERE id::text ~ 'c$';
UPDATE jobs SET state = 'transcoding', event = 'stored', seq = seq + 1 WHERE id::text ~ 'c$';
UPDATE jobs
SET state = 'succeeded', event = 'transcoded', seq = seq + 1, finished_at = now(), due_at = NULL,
    output_id = '00000000-0000-7000-8000-000000000004'
WHERE id::text ~ 'c$';
UPDATE jobs SET state = 'compensating', event = 'cancel_requested', seq = seq + 1 WHERE id::text ~ 'b$';

INSERT INTO ledger_entries (account_id, user_ref, kind, amount, debit_bucket, credit_bucket, actor)
VALUES ('00000000-0000-7000-8000-000000000001', 'ada', 'grant', 10, 'issued', 'available', 'test');
INSERT INTO ledger_entries (account_id, user_ref, kind, job_id, cycle, amount, debit_bucket, credit_bucket, actor)
VALUES ('00000000-0000-7000-8000-000000000001', 'ada', 'hold', '01900000-0000-7000-8000-00000000000a', 1, 2, 'available',
        'held', 'test');
INSERT INTO idempotency_keys (account_id, user_ref, operation, key, input_sha256, resource_id)
VALUES ('00000000-0000-7000-8000-000000000001', 'ada', 'create', 'k', '\x03', '00000000-0000-7000-8000-000000000005');
INSERT INTO paused_steps (step, states, paused_by) VALUES ('store', '{storing}', 'test');
INSERT INTO provider_webhooks (webhook_id, prediction_id, has_ended, effect) VALUES ('w1', 'p1', true, 'due');
INSERT INTO deletions (id, account_id, subject, subject_id, actor)
VALUES ('00000000-0000-7000-8000-00000000000d', '00000000-0000-7000-8000-000000000001', 'asset',
        '00000000-0000-7000-8000-000000000004', 'test');
INSERT INTO deletion_jobs VALUES ('00000000-0000-7000-8000-00000000000d', '01900000-0000-7000-8000-00000000000c');
INSERT INTO deletion_assets VALUES ('00000000-0000-7000-8000-00000000000d', '00000000-0000-7000-8000-000000000004');
INSERT INTO activity_heads VALUES ('00000000-0000-7000-8000-000000000001', 1, 0);
INSERT INTO activity (account_id, position, type, at, job_id, seq, kind, state, event)
VALUES ('00000000-0000-7000-8000-000000000001', 1, 'job_event', now(), '01900000-0000-7000-8000-00000000000a', 1, 'avatar',
        'queued', 'requested');
INSERT INTO webhook_endpoints (id, account_id, url, description, event_types, position)
VALUES ('00000000-0000-7000-8000-00000000000e', '00000000-0000-7000-8000-000000000001', 'https://acme.example/hook', '',
        '{job_succeeded}', 0);
INSERT INTO webhook_secrets (endpoint_id, secret) VALUES ('00000000-0000-7000-8000-00000000000e', 'whsec_c2VjcmV0');
INSERT INTO webhook_deliveries (id, endpoint_id, account_id, webhook_id, type, position, attempt, duration_ms, response_status)
VALUES ('00000000-0000-7000-8000-00000000000f', '00000000-0000-7000-8000-00000000000e',
        '00000000-0000-7000-8000-000000000001', 'job_1_7', 'job.succeeded', 7, 1, 12, 200);
INSERT INTO suspensions (account_id, user_ref, suspended_by, reason)
VALUES ('00000000-0000-7000-8000-000000000001', 'ada', 'support:mo', 'spam');
INSERT INTO audit_entries (id, actor, role, action, account_id, user_ref, reason)
VALUES ('00000000-0000-7000-8000-00000000000e', 'support:mo', 'agent', 'suspend_user', '00000000-0000-7000-8000-000000000001', 'ada',
        'spam');
INSERT INTO job_statistics
VALUES ('00000000-0000-7000-8000-000000000001', 'hour', date_trunc('hour', now()), 'avatar', 'succeeded', '', 12, 1, 64000);
INSERT INTO credit_limits (account_id, spend_cap, day, used, low_balance_mark)
VALUES ('00000000-0000-7000-8000-000000000001', 1000, current_date, 3, 50);
INSERT INTO stream_tickets VALUES ('\x03', NULL, '00000000-0000-7000-8000-000000000003', 'activity', now());
INSERT INTO credit_statistics
VALUES ('00000000-0000-7000-8000-000000000001', true, '', date_trunc('hour', now(), 'UTC'), 'grant', false, 100, 1);
INSERT INTO redrives (id, actor, per_minute, matched, wanted)
VALUES ('00000000-0000-7000-8000-000000000010', 'support:mo', 60, 1, '{}');
INSERT INTO redrive_skips VALUES ('00000000-0000-7000-8000-000000000010', '01900000-0000-7000-8000-00000000000a', 'NOT_READY', 'It has not ended.');
INSERT INTO account_usage VALUES ('00000000-0000-7000-8000-000000000001', 'uploads_per_hour', 3, now() + interval '1 hour');
INSERT INTO usage_limits VALUES ('00000000-0000-7000-8000-000000000001', 'open_sessions', 'free_user', 20);
INSERT INTO upload_byte_changes VALUES ('00000000-0000-7000-8000-000000000001', 64000);
