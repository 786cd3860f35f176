-- Write finished files. Posters come before the videos that point at them; the constraint looks after the statement.
INSERT INTO assets (
    id, account_id, session_id, kind, state, object_key, content_type, width_px, height_px, duration_s,
    frames_per_second, size_bytes, sha256, poster_id, expires_at
)
SELECT m.id, m.account_id, m.session_id, m.kind, 'ready', m.object_key, m.content_type, m.width_px, m.height_px,
       m.duration_s, m.frames_per_second, m.size_bytes, m.sha256, m.poster_id, m.expires_at
FROM unnest(
    CAST(:id AS uuid[]), CAST(:account_id AS uuid[]), CAST(:session_id AS uuid[]), CAST(:kind AS text[]),
    CAST(:object_key AS text[]), CAST(:content_type AS text[]), CAST(:width_px AS integer[]),
    CAST(:height_px AS integer[]), CAST(:duration_s AS double precision[]),
    CAST(:frames_per_second AS double precision[]), CAST(:size_bytes AS bigint[]), CAST(:sha256 AS text[]),
    CAST(:poster_id AS uuid[]), CAST(:expires_at AS timestamptz[])
) AS m (
    id, account_id, session_id, kind, object_key, content_type, width_px, height_px, duration_s, frames_per_second,
    size_bytes, sha256, poster_id, expires_at
)
