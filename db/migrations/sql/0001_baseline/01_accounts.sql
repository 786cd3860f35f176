-- Who asks: partner accounts, their API keys, and the sessions they open for their own end users.
CREATE TABLE accounts (
    id           uuid PRIMARY KEY,
    name         text NOT NULL CONSTRAINT accounts_name_unique UNIQUE,
    -- How many jobs of the account may be at the provider at once; null for as many as there is room for.
    jobs_at_once integer CONSTRAINT accounts_jobs_at_once_positive CHECK (jobs_at_once > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- An account may have one test account beside it, to which its test keys belong. Whatever is separate by account is
    -- so between test and live.
    is_test      boolean NOT NULL DEFAULT false,
    live_id      uuid CONSTRAINT accounts_live REFERENCES accounts CONSTRAINT accounts_one_test_account UNIQUE,
    CONSTRAINT accounts_test_of_live CHECK (is_test = (live_id IS NOT NULL)),
    CONSTRAINT accounts_mode UNIQUE (id, is_test)
);

-- Only a digest of a key is kept: a reader of this table cannot use it.
CREATE TABLE api_keys (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT api_keys_account REFERENCES accounts,
    role       text NOT NULL
               CONSTRAINT api_keys_role_known CHECK (role IN ('partner', 'viewer', 'agent', 'admin')),
    name       text NOT NULL,
    key_sha256 bytea NOT NULL CONSTRAINT api_keys_digest_unique UNIQUE,
    scopes     text[] NOT NULL CONSTRAINT api_keys_scopes_known
               CHECK (scopes <@ ARRAY['requests', 'sessions', 'credits', 'keys', 'webhooks']),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Within a minute of its last use.
    used_at    timestamptz,
    -- A key that another has replaced works until then.
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_by_account ON api_keys (account_id, id);

CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL CONSTRAINT sessions_account REFERENCES accounts,
    user_ref     text NOT NULL CONSTRAINT sessions_user_ref_bounded CHECK (length(user_ref) BETWEEN 1 AND 200),
    tier         text NOT NULL CONSTRAINT sessions_tier_known CHECK (tier IN ('free', 'paid')),
    -- Null in the one session of a user that has no token: what API keys request on the user's behalf is filed under it.
    token_sha256 bytea CONSTRAINT sessions_digest_unique UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id, id);
CREATE INDEX sessions_by_user ON sessions (account_id, user_ref, expires_at);
-- The open ones of an account, counted when it may have too many.
CREATE INDEX sessions_by_end ON sessions (account_id, expires_at);
CREATE UNIQUE INDEX sessions_without_token ON sessions (account_id, user_ref) WHERE token_sha256 IS NULL;

-- Tickets, each of which opens one stream to a reader that can send no header, as a browser's EventSource. Of a ticket,
-- too, only a digest is kept. It ends at its time, and with the key or the session of whom it was made for.
CREATE TABLE stream_tickets (
    ticket_sha256 bytea CONSTRAINT stream_tickets_pkey PRIMARY KEY,
    api_key_id    uuid CONSTRAINT stream_tickets_api_key REFERENCES api_keys,
    session_id    uuid CONSTRAINT stream_tickets_session REFERENCES sessions,
    -- The address of the stream, without what is the same for all: stories/story_…
    path          text NOT NULL CONSTRAINT stream_tickets_path_bounded CHECK (length(path) BETWEEN 1 AND 100),
    expires_at    timestamptz NOT NULL,
    CONSTRAINT stream_tickets_one_owner CHECK (num_nonnulls(api_key_id, session_id) = 1)
);
CREATE INDEX stream_tickets_by_end ON stream_tickets (expires_at);
