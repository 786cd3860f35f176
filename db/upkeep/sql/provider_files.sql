-- Read the pictures that were uploaded to the provider for the jobs of a deletion, and for the jobs that used its
-- files, while the provider keeps them. `has_ended` says whether the submission is over: until then its picture
-- identifies it in the provider's list. Called before the deletion is completed. Zero rows: the provider has none.
SELECT a.job_id, a.attempt, a.picture_url, a.completed_at IS NOT NULL AS has_ended, j.is_test
FROM attempts a
JOIN jobs j ON j.id = a.job_id
WHERE a.picture_url IS NOT NULL
  AND a.started_at > diorama_now() - interval '24 hours'
  AND a.job_id IN (
      SELECT job_id FROM deletion_jobs WHERE deletion_id = :id
      UNION
      SELECT child.id FROM deletion_jobs d JOIN jobs child ON child.parent_id = d.job_id WHERE d.deletion_id = :id
      UNION
      SELECT r.job_id FROM deletion_assets d JOIN job_requests r ON r.input_id = d.asset_id WHERE d.deletion_id = :id
  )
