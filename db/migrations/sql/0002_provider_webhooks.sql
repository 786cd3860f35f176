-- What came to be known of a submission beside its own answer.
ALTER TABLE attempts
    DROP CONSTRAINT attempts_status_known,
    ADD CONSTRAINT attempts_status_known CHECK (status IN (
        'submitting', 'refused', 'rejected', 'lost', 'absent', 'running', 'succeeded', 'failed', 'canceled', 'duplicate'
    )),
    -- A prediction that carries the attempt's token, as a webhook or the provider's list told. Reconciling adopts it;
    -- one that comes too late for that is canceled and booked, and the attempt is a duplicate.
    ADD COLUMN noted_prediction_id text,
    -- A webhook said that the prediction has ended: the next look is worth a call.
    ADD COLUMN told_ended boolean NOT NULL DEFAULT false,
    -- How often the sweeper has looked for a submission that went on without its job.
    ADD COLUMN looks integer NOT NULL DEFAULT 0;

-- Few and short-lived: what the sweeper looks at.
CREATE INDEX attempts_astray ON attempts (started_at) WHERE status IN ('lost', 'absent');

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
