-- Write what a step of a locked redrive did. `counted` jobs count towards its rate.
UPDATE redrives
SET begun = begun + :begun,
    revived = revived + :revived,
    skipped = skipped + :skipped,
    after_job = :after_job,
    -- After the last of the urgent jobs, the others come.
    is_urgent = is_urgent AND CAST(:after_job AS uuid) IS NOT NULL,
    next_at = greatest(next_at, diorama_now() - interval '5 seconds') + make_interval(secs => :counted * 60.0 / per_minute)
WHERE id = :id
