-- Read the unfinished jobs that a deletion ends: its own, those that work on its files, and all that wait for them.
-- Called before they are canceled. Zero rows: none is running.
WITH RECURSIVE doomed AS (
    (
        SELECT job_id AS id FROM deletion_jobs WHERE deletion_id = :id
        UNION
        SELECT r.job_id
        FROM deletion_assets d
        JOIN job_requests r ON r.input_id = d.asset_id
        WHERE d.deletion_id = :id
    )
    UNION
    SELECT child.id FROM jobs child JOIN doomed ON child.parent_id = doomed.id WHERE child.finished_at IS NULL
)
SELECT j.id FROM jobs j JOIN doomed ON doomed.id = j.id WHERE j.finished_at IS NULL ORDER BY j.id
