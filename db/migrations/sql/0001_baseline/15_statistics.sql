-- The endings of jobs, rolled up by hour and by day, for each account and for all accounts together (the nil UUID): one
-- row for each outcome, root cause and bucket of time to result. Only roll_up_statistics.sql writes it.
CREATE TABLE job_statistics (
    account_id   uuid NOT NULL,
    unit         text NOT NULL CONSTRAINT job_statistics_unit_known CHECK (unit IN ('hour', 'day')),
    starts_at    timestamptz NOT NULL,
    kind         text NOT NULL,
    outcome      text NOT NULL,
    -- Empty for a success.
    error_code   text NOT NULL,
    -- Of successes: four times the binary logarithm of the seconds, rounded down; 0 otherwise.
    bucket       smallint NOT NULL,
    jobs         bigint NOT NULL,
    spend_micros bigint NOT NULL,
    CONSTRAINT job_statistics_pkey PRIMARY KEY (account_id, unit, starts_at, kind, outcome, error_code, bucket)
);
CREATE INDEX job_statistics_by_age ON job_statistics (starts_at) WHERE unit = 'hour';

-- What has been rolled up: every event that was visible in this snapshot. One row.
CREATE TABLE statistics_reader (
    only_row boolean CONSTRAINT statistics_reader_pkey PRIMARY KEY DEFAULT true,
    seen     pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
    -- The server whose transaction ids the snapshot counts, as in activity_sequencer.
    system   bigint NOT NULL DEFAULT (pg_control_system()).system_identifier,
    CONSTRAINT statistics_reader_one_row CHECK (only_row)
);
INSERT INTO statistics_reader DEFAULT VALUES;
