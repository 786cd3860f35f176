-- What may lie in our storage of an attempt whose worker was fenced off: the job's state, held until the transaction
-- ends, whether it is at work on that attempt, and the keys that rows name. Called by whoever wrote for it in vain,
-- after lock_job: the rows of a move that is being committed would be missed otherwise.
-- Zero rows: there is no such job.
SELECT j.state,
       j.finished_at IS NULL AND j.attempt = :attempt AS at_work,
       ARRAY(
           SELECT a.source_key FROM attempts a WHERE a.job_id = j.id AND a.source_key IS NOT NULL
           UNION ALL
           SELECT made.object_key
           FROM assets output
           JOIN assets made ON made.id IN (output.id, output.poster_id)
           WHERE output.id = j.output_id
       ) AS named
FROM jobs j
WHERE j.id = :id
FOR SHARE OF j
