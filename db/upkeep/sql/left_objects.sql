-- Read the state of a job whose attempt's worker was fenced off, locking it until the transaction ends; whether it is
-- working on that attempt; and the object keys that rows name. Called by a worker whose objects were not recorded,
-- after lock_job: otherwise the rows of a move being committed would be missed. Zero rows: there is no such job.
SELECT j.state,
       j.finished_at IS NULL AND j.attempt = :attempt AS at_work,
       ARRAY(
           SELECT a.source_key FROM attempts a WHERE a.job_id = j.id AND a.source_key IS NOT NULL
           UNION ALL
           SELECT made.object_key
           FROM assets output
           JOIN assets made ON made.id IN (output.id, output.poster_id)
           WHERE output.id = j.output_id
           UNION ALL
           SELECT made.object_key
           FROM assets output
           JOIN renditions made ON made.asset_id IN (output.id, output.poster_id)
           WHERE output.id = j.output_id
       ) AS named
FROM jobs j
WHERE j.id = :id
FOR SHARE OF j
