-- How often all workers together may call the provider. Each call takes a permit of its kind, and permits are added at
-- a rate per minute.
CREATE TABLE provider_budgets (
    call          text PRIMARY KEY CONSTRAINT provider_budgets_call CHECK (call IN ('create', 'read')),
    -- The rate is a setting, which limits the permits when they are read.
    permits       double precision NOT NULL DEFAULT 1e9,
    filled_at     timestamptz NOT NULL DEFAULT diorama_now(),
    -- What the provider asked for.
    blocked_until timestamptz,
    -- The first moment that no call has been postponed to yet.
    next_slot_at  timestamptz,
    -- The rate by the settings of the worker that wrote last, for reports.
    per_minute    double precision,
    -- Jobs that were admitted and have not reached the provider yet. Kept only where the jobs in flight are limited.
    admitted      uuid[] NOT NULL DEFAULT '{}'
);
INSERT INTO provider_budgets (call) VALUES ('create'), ('read');

-- Whether submissions go through. One row.
CREATE TABLE provider_breaker (
    only_row  boolean CONSTRAINT provider_breaker_pkey PRIMARY KEY DEFAULT true,
    state     text NOT NULL DEFAULT 'closed',
    failures  integer NOT NULL DEFAULT 0,
    openings  integer NOT NULL DEFAULT 0,
    cause     text,
    detail    text,
    opened_at timestamptz,
    until     timestamptz,
    CONSTRAINT provider_breaker_one_row CHECK (only_row),
    CONSTRAINT provider_breaker_state CHECK (state IN ('closed', 'open', 'half_open')),
    CONSTRAINT provider_breaker_cause CHECK (cause IN ('outage', 'account')),
    CONSTRAINT provider_breaker_open CHECK ((state = 'closed') = (until IS NULL)),
    CONSTRAINT provider_breaker_has_cause CHECK ((state = 'closed') = (cause IS NULL))
);
INSERT INTO provider_breaker DEFAULT VALUES;

-- Whether the list is polled for all jobs. One row: only the watcher writes it, every worker reads it.
CREATE TABLE watcher_status (
    only_row     boolean CONSTRAINT watcher_status_pkey PRIMARY KEY DEFAULT true,
    in_flight    integer NOT NULL DEFAULT 0,
    covers_until timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT watcher_status_one_row CHECK (only_row)
);
INSERT INTO watcher_status DEFAULT VALUES;

-- Webhooks that were taken, by the provider's own id of the message: a repeated one changes nothing. Kept for a day.
CREATE TABLE provider_webhooks (
    webhook_id    text PRIMARY KEY CONSTRAINT provider_webhooks_id_bounded CHECK (length(webhook_id) <= 200),
    token         uuid,
    prediction_id text NOT NULL,
    has_ended     boolean NOT NULL,
    effect        text NOT NULL CONSTRAINT provider_webhooks_effect_known
        CHECK (effect IN ('due', 'noted', 'late', 'foreign', 'none')),
    received_at   timestamptz NOT NULL DEFAULT diorama_now()
);
CREATE INDEX provider_webhooks_by_time ON provider_webhooks (received_at);
