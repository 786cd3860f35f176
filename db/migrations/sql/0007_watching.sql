-- Watching many predictions at once: what the provider's list is ordered by, and what it said.
ALTER TABLE attempts
    -- When the provider says that it created the prediction, by its own clock: its list is in this order.
    ADD COLUMN listed_at timestamptz,
    -- How long the prediction took from its creation to its end, by that clock: however late we noticed, it is the truth.
    ADD COLUMN took_s double precision,
    -- What the provider's list said of the running prediction; gone once that is recorded.
    ADD COLUMN sighting jsonb;

-- How long each model's last predictions took.
CREATE INDEX attempts_recent ON attempts (model, completed_at DESC) WHERE took_s IS NOT NULL;

-- Whether the list is being watched for all jobs. One row: nothing but the watcher writes it, every worker reads it.
CREATE TABLE provider_watch (
    only_row     boolean CONSTRAINT provider_watch_pkey PRIMARY KEY DEFAULT true,
    in_flight    integer NOT NULL DEFAULT 0,
    covers_until timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT provider_watch_one_row CHECK (only_row)
);
INSERT INTO provider_watch DEFAULT VALUES;
