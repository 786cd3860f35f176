-- Give a picture the renditions of another one whose object it shares. Called with that one locked. Zero rows: it has none.
INSERT INTO renditions (asset_id, width_px, height_px, object_key, content_type, size_bytes, sha256)
SELECT CAST(:to_id AS uuid), width_px, height_px, object_key, content_type, size_bytes, sha256
FROM renditions
WHERE asset_id = :from_id
RETURNING asset_id
