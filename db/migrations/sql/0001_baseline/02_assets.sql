-- The clock of every lease and due time is the database's. A test moves it for its own connections with
-- `SET diorama.clock_offset = '1 hour'`; nothing else sets it.
CREATE FUNCTION diorama_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT now() + coalesce(nullif(current_setting('diorama.clock_offset', true), ''), '0')::interval
$$;

CREATE TABLE assets (
    id                uuid PRIMARY KEY,
    account_id        uuid NOT NULL CONSTRAINT assets_account REFERENCES accounts,
    session_id        uuid CONSTRAINT assets_session REFERENCES sessions,
    kind              text NOT NULL
        CONSTRAINT assets_kind_known CHECK (kind IN ('selfie', 'avatar', 'scene', 'video', 'poster')),
    state             text NOT NULL
        CONSTRAINT assets_state_known CHECK (state IN ('pending', 'ready', 'missing', 'rejected', 'deleted')),
    object_key        text NOT NULL,
    content_type      text NOT NULL,
    width_px          integer,
    height_px         integer,
    duration_s        double precision,
    frames_per_second double precision,
    size_bytes        bigint,
    sha256            text,
    poster_id         uuid CONSTRAINT assets_poster REFERENCES assets,
    rejection         text,
    -- Checks of an upload that ended without a verdict.
    interruptions     smallint NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL DEFAULT diorama_now(),
    expires_at        timestamptz,
    CONSTRAINT assets_ready_has_content
        CHECK (state <> 'ready' OR (size_bytes IS NOT NULL AND sha256 IS NOT NULL)),
    CONSTRAINT assets_rejected_has_reason CHECK ((state = 'rejected') <= (rejection IS NOT NULL))
);
CREATE INDEX assets_by_account ON assets (account_id, id);

-- Smaller copies of a picture, and the preview of a video, for browsers. They have no life of their own: what happens to the file happens to them.
-- A working copy is for models alone: a picture as it was before its visible label. It has no address.
CREATE TABLE renditions (
    asset_id        uuid CONSTRAINT renditions_asset REFERENCES assets ON DELETE CASCADE,
    width_px        integer,
    height_px       integer NOT NULL,
    object_key      text NOT NULL,
    content_type    text NOT NULL,
    size_bytes      bigint NOT NULL,
    sha256          text NOT NULL,
    is_working_copy boolean NOT NULL DEFAULT false,
    CONSTRAINT renditions_pkey PRIMARY KEY (asset_id, width_px, is_working_copy)
);
CREATE INDEX renditions_by_object ON renditions (object_key);
CREATE UNIQUE INDEX renditions_working_copy ON renditions (asset_id) WHERE is_working_copy;

CREATE TABLE stories (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT stories_account REFERENCES accounts,
    session_id uuid CONSTRAINT stories_session REFERENCES sessions,
    selfie_id  uuid NOT NULL CONSTRAINT stories_selfie REFERENCES assets,
    created_at timestamptz NOT NULL DEFAULT diorama_now()
);
CREATE INDEX stories_by_account ON stories (account_id, id);
CREATE INDEX stories_by_session ON stories (session_id, id) WHERE session_id IS NOT NULL;
-- What expires, uploads that were never completed, and what may be purged, the oldest first.
CREATE INDEX assets_expiring ON assets (expires_at) WHERE state IN ('ready', 'missing') AND expires_at IS NOT NULL;
CREATE INDEX assets_pending ON assets (created_at) WHERE state = 'pending';
CREATE INDEX assets_gone ON assets (id) WHERE state IN ('deleted', 'rejected');
CREATE INDEX assets_missing ON assets (object_key) WHERE state = 'missing';
-- The same picture, uploaded again.
CREATE INDEX assets_by_digest ON assets (account_id, sha256) WHERE kind = 'selfie' AND state = 'ready';
CREATE INDEX assets_by_poster ON assets (poster_id) WHERE poster_id IS NOT NULL;
CREATE INDEX stories_by_selfie ON stories (selfie_id);
