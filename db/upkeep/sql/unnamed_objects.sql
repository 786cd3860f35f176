-- Return the objects that no row names or will name: of jobs that ended some time ago, and of uploads that are over.
-- Called by retention and by the doctor, with the ids taken from the keys. `is_known` is false if there is no such job
-- or asset at all: the object may then belong to someone else. An object may be named by another file than the one it
-- was stored for. Zero rows: all are named, or in progress.
SELECT o.key, coalesce(j.id, a.id) IS NOT NULL AS is_known
FROM unnest(CAST(:keys AS text[]), CAST(:job_ids AS uuid[]), CAST(:asset_ids AS uuid[])) AS o (key, job_id, asset_id)
LEFT JOIN jobs j ON j.id = o.job_id
LEFT JOIN assets a ON a.id = o.asset_id
WHERE CASE WHEN j.id IS NOT NULL THEN
          j.finished_at IS NOT NULL AND j.finished_at <= diorama_now() - CAST(:grace AS interval)
          AND NOT EXISTS (SELECT FROM attempts t WHERE t.job_id = j.id AND t.source_key = o.key)
      WHEN a.id IS NOT NULL THEN a.state <> 'pending'
      ELSE true END
  AND NOT EXISTS (SELECT FROM assets f WHERE f.object_key = o.key AND f.state IN ('ready', 'missing'))
  AND NOT EXISTS (
      SELECT
      FROM renditions r
      JOIN assets f ON f.id = r.asset_id
      WHERE r.object_key = o.key AND f.state IN ('ready', 'missing')
  )
