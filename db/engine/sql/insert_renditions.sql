-- Write the renditions of files that were written before, in the same transaction. Zero rows: none was given.
INSERT INTO renditions (asset_id, width_px, height_px, object_key, content_type, size_bytes, sha256, is_working_copy)
SELECT m.asset_id, m.width_px, m.height_px, m.object_key, m.content_type, m.size_bytes, m.sha256,
       m.is_working_copy
FROM json_to_recordset(CAST(:rows AS json)) AS m (
    asset_id uuid, width_px integer, height_px integer, object_key text, content_type text, size_bytes bigint, sha256 text,
    is_working_copy boolean
)
RETURNING asset_id
