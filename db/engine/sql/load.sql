-- Read a claimed job. Called at the start of a step that was handed the claim alone.
-- Zero rows: the claim was lost, so there is nothing to do.
WITH claimed AS (
    SELECT *
    FROM jobs
    WHERE id = :id
      AND lease = :lease
      AND lease_expires_at IS NOT NULL
)
