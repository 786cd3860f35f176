-- The activity of an account: all that its jobs and stories do, as one sequence in commit order. The sequencer writes
-- it, after the commits (docs/decisions/0017), and so does whoever disables an endpoint, under a lock on the head. An entry
-- has ids and words of closed lists, and nothing else: what an event says is in the history, under its job and number.
-- Without foreign keys, which would cost as much as the entry itself: a job, its story and its session outlive it.
CREATE TABLE activity (
    account_id uuid NOT NULL,
    -- 1, 2, 3 … for each account.
    position   bigint NOT NULL,
    type       text NOT NULL CONSTRAINT activity_type_known CHECK (
        type IN ('job_event', 'story_began', 'story_succeeded', 'story_failed', 'story_canceled', 'endpoint_disabled',
                 'balance_low')),
    at         timestamptz NOT NULL,
    -- Null if the entry concerns no job, or no story.
    job_id     uuid,
    seq        integer,
    story_id   uuid,
    session_id uuid,
    kind       text,
    -- The state that the job is in after its event, or that the story has ended in.
    state      text,
    event      text,
    -- The webhook endpoint that an entry is about.
    endpoint_id uuid,
    CONSTRAINT activity_pkey PRIMARY KEY (account_id, position)
);

-- How far the activity of each account has come, and how much of it has been purged.
CREATE TABLE activity_heads (
    account_id uuid CONSTRAINT activity_heads_pkey PRIMARY KEY CONSTRAINT activity_heads_account REFERENCES accounts,
    position   bigint NOT NULL DEFAULT 0,
    purged     bigint NOT NULL DEFAULT 0,
    CONSTRAINT activity_heads_purged_bounded CHECK (purged BETWEEN 0 AND position)
) WITH (fillfactor = 50);

-- What the sequencer has read: every event that was visible in this snapshot. One row.
CREATE TABLE activity_sequencer (
    only_row boolean CONSTRAINT activity_sequencer_pkey PRIMARY KEY DEFAULT true,
    seen     pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
    read_at  timestamptz NOT NULL DEFAULT diorama_now(),
    -- The server whose transaction ids the snapshot counts: a dump that was restored elsewhere names another.
    system   bigint NOT NULL DEFAULT (pg_control_system()).system_identifier,
    CONSTRAINT activity_sequencer_one_row CHECK (only_row)
) WITH (fillfactor = 50);
INSERT INTO activity_sequencer DEFAULT VALUES;
