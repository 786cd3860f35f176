-- Webhooks to partners: the endpoints that they name, the secrets that messages are signed with, and what was sent.

-- An endpoint is a reader of its account's activity. The worker that delivers to it has a lease on its row.
CREATE TABLE webhook_endpoints (
    id               uuid PRIMARY KEY,
    account_id       uuid NOT NULL CONSTRAINT webhook_endpoints_account REFERENCES accounts,
    url              text NOT NULL CONSTRAINT webhook_endpoints_url_bounded CHECK (length(url) BETWEEN 1 AND 2048),
    description      text NOT NULL CONSTRAINT webhook_endpoints_description_bounded CHECK (length(description) <= 200),
    event_types      text[] NOT NULL CONSTRAINT webhook_endpoints_event_types_known
                     CHECK (event_types <@ ARRAY['job_requested', 'job_progressed', 'job_succeeded', 'job_failed',
                                                 'job_canceled', 'story_began', 'story_succeeded', 'story_failed', 'story_canceled',
                                                 'endpoint_disabled', 'balance_low']),
    -- Everything in the activity up to here was delivered, or is of a type that the endpoint does not receive.
    position         bigint NOT NULL CONSTRAINT webhook_endpoints_position_bounded CHECK (position >= 0),
    -- Failed attempts in a row, and when the first of them was.
    failures         integer NOT NULL DEFAULT 0,
    failing_since    timestamptz,
    due_at           timestamptz NOT NULL DEFAULT diorama_now(),
    -- Only ever grows: what a worker records is fenced by it.
    lease            bigint NOT NULL DEFAULT 0,
    lease_expires_at timestamptz,
    claimed_by       text,
    disabled_reason  text CONSTRAINT webhook_endpoints_disabled_reason_known
                     CHECK (disabled_reason IN ('requested', 'gone', 'failed')),
    disabled_at      timestamptz,
    succeeded_at     timestamptz,
    failed_at        timestamptz,
    created_at       timestamptz NOT NULL DEFAULT diorama_now(),
    CONSTRAINT webhook_endpoints_failing_iff_failures CHECK ((failing_since IS NOT NULL) = (failures > 0)),
    CONSTRAINT webhook_endpoints_disabled_has_reason CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CONSTRAINT webhook_endpoints_lease_iff_claimed CHECK ((lease_expires_at IS NULL) = (claimed_by IS NULL))
) WITH (fillfactor = 60);
CREATE INDEX webhook_endpoints_by_account ON webhook_endpoints (account_id, id);
CREATE INDEX webhook_endpoints_receiving ON webhook_endpoints (account_id) WHERE disabled_at IS NULL;

-- A message is signed with each secret that has not expired. They are kept as they are, because signing needs them.
CREATE TABLE webhook_secrets (
    endpoint_id uuid NOT NULL CONSTRAINT webhook_secrets_endpoint REFERENCES webhook_endpoints ON DELETE CASCADE,
    secret      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT diorama_now(),
    -- Until this time, a replaced secret still signs.
    expires_at  timestamptz,
    CONSTRAINT webhook_secrets_pkey PRIMARY KEY (endpoint_id, secret)
);

-- The delivery log: one row for each attempt. Messages themselves are not kept.
CREATE TABLE webhook_deliveries (
    id              uuid PRIMARY KEY,
    endpoint_id     uuid NOT NULL CONSTRAINT webhook_deliveries_endpoint REFERENCES webhook_endpoints ON DELETE CASCADE,
    account_id      uuid NOT NULL,
    webhook_id      text NOT NULL,
    type            text NOT NULL,
    -- The message's place in the activity; null for a test.
    position        bigint,
    attempt         integer NOT NULL CONSTRAINT webhook_deliveries_attempt_positive CHECK (attempt > 0),
    at              timestamptz NOT NULL DEFAULT diorama_now(),
    duration_ms     integer NOT NULL,
    response_status smallint,
    failure         text CONSTRAINT webhook_deliveries_failure_known
                    CHECK (failure IN ('bad_status', 'timed_out', 'unreachable'))
);
CREATE INDEX webhook_deliveries_by_account ON webhook_deliveries (account_id, id);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint_id, id);
