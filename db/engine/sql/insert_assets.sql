-- Write finished files. Posters come before the videos that reference them; the constraint is checked at the end of the
-- statement.
INSERT INTO assets (
    id, account_id, session_id, kind, state, object_key, content_type, width_px, height_px, duration_s,
    frames_per_second, size_bytes, sha256, poster_id, expires_at
)
SELECT m.id, m.account_id, m.session_id, m.kind, 'ready', m.object_key, m.content_type, m.width_px, m.height_px,
       m.duration_s, m.frames_per_second, m.size_bytes, m.sha256, m.poster_id, m.expires_at
FROM json_to_recordset(CAST(:rows AS json)) AS m (
    id uuid, account_id uuid, session_id uuid, kind text, object_key text, content_type text, width_px integer,
    height_px integer, duration_s double precision, frames_per_second double precision, size_bytes bigint, sha256 text,
    poster_id uuid, expires_at timestamptz
)
