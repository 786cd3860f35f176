-- What all workers together may ask of the provider. Each call of a kind takes a permit; permits come in by the minute.
CREATE TABLE provider_budgets (
    call          text PRIMARY KEY CONSTRAINT provider_budgets_call CHECK (call IN ('create', 'read')),
    -- The rate is a setting: more than any of them allows for is cut down to it when it is read.
    permits       double precision NOT NULL DEFAULT 1e9,
    filled_at     timestamptz NOT NULL DEFAULT diorama_now(),
    -- What the provider asked for.
    blocked_until timestamptz,
    -- The first moment that nobody has been sent away to yet.
    next_slot_at  timestamptz,
    -- The rate by the settings of the worker that wrote last, for those who read how things stand.
    per_minute    double precision,
    -- Who has been let through and has not come to the provider yet. Kept only where the jobs in flight are limited.
    let_through   uuid[] NOT NULL DEFAULT '{}'
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
