-- Give a picture the renditions of another picture whose object it shares. Called with the other picture locked. Zero
-- rows: it has no renditions.
INSERT INTO renditions (asset_id, width_px, height_px, object_key, content_type, size_bytes, sha256, is_working_copy)
SELECT CAST(:to_id AS uuid), width_px, height_px, object_key, content_type, size_bytes, sha256, is_working_copy
FROM renditions
WHERE asset_id = :from_id
RETURNING asset_id
