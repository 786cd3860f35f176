-- One row per paid submission, written before the call is made.
CREATE TABLE attempts (
    job_id          uuid NOT NULL CONSTRAINT attempts_job REFERENCES jobs ON DELETE CASCADE,
    attempt         integer NOT NULL,
    token           uuid NOT NULL CONSTRAINT attempts_token_unique UNIQUE,
    model           text NOT NULL,
    prompt_version  text NOT NULL,
    -- The prompt experiment that the submission took part in, and the variant it used.
    experiment      text,
    variant         text,
    status          text NOT NULL CONSTRAINT attempts_status_known
        CHECK (status IN ('submitting', 'refused', 'rejected', 'lost', 'absent', 'running', 'succeeded', 'failed',
                          'canceled', 'duplicate')),
    reserved_micros bigint NOT NULL,
    cost_micros     bigint NOT NULL DEFAULT 0,
    prediction_id   text,
    output_urls     text[],
    -- Our own copy of the provider's output.
    source_key      text,
    source_type     text,
    source_bytes    bigint,
    source_sha256   text,
    error_detail    text,
    -- What identifies the submission in the provider's list: the address of the picture uploaded for this attempt alone,
    -- and whether what is sent carries the token or that address. Only then does its absence from the list prove anything.
    picture_url     text,
    is_traceable    boolean NOT NULL DEFAULT false,
    -- A prediction that carries the attempt's token, from a webhook or the provider's list. Reconciling adopts it; one
    -- that comes too late for that is canceled and booked, and the attempt is a duplicate.
    noted_prediction_id text,
    -- What the provider's list, or a signed webhook, last reported of the running prediction; null once that is recorded.
    sighting        jsonb,
    -- How often the orphan search has looked for the submission.
    searches        integer NOT NULL DEFAULT 0,
    -- When the provider created the prediction, and how many seconds it took, both by the provider's clock. Its list is
    -- ordered by the first.
    listed_at       timestamptz,
    took_s          double precision,
    started_at      timestamptz NOT NULL DEFAULT diorama_now(),
    accepted_at     timestamptz,
    completed_at    timestamptz,
    CONSTRAINT attempts_pkey PRIMARY KEY (job_id, attempt),
    CONSTRAINT attempts_variant_of_experiment CHECK ((experiment IS NULL) = (variant IS NULL))
) WITH (
    -- Most of a row is written after its insert, so the page keeps room for it.
    fillfactor = 50
);
CREATE UNIQUE INDEX attempts_by_prediction ON attempts (prediction_id) WHERE prediction_id IS NOT NULL;
CREATE INDEX attempts_by_experiment ON attempts (experiment, variant, started_at) WHERE experiment IS NOT NULL;
CREATE INDEX attempts_with_source ON attempts (completed_at) WHERE source_key IS NOT NULL;
-- The last predictions of each model.
CREATE INDEX attempts_recent ON attempts (model, completed_at DESC) WHERE took_s IS NOT NULL;
-- What the orphan search looks for, however long ago it was begun.
CREATE INDEX attempts_unsettled ON attempts (started_at) WHERE status IN ('lost', 'absent') AND completed_at IS NULL;
