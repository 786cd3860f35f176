-- Count the jobs of an account that have not ended, up to about :most, by indexes that have no others. Called when as many as
-- the limit may be unfinished, and when an account asks. The order keeps the planner from reading the table for the first
-- few.
SELECT count(*)
FROM (
    (SELECT 1 FROM jobs WHERE account_id = :account AND state = 'queued' ORDER BY due_at LIMIT :most)
    UNION ALL
    (SELECT 1 FROM jobs WHERE account_id = :account AND state IN ('waiting', 'compensating')
     ORDER BY due_at LIMIT :most)
    UNION ALL
    (SELECT 1 FROM jobs
     WHERE account_id = :account AND state IN ('submitting', 'reconciling', 'generating') LIMIT :most)
    UNION ALL
    (SELECT 1
     FROM (VALUES ('store', false), ('store', true), ('transcode', false), ('transcode', true)) AS lane (step, is_long)
     CROSS JOIN LATERAL (
         SELECT FROM jobs
         WHERE state IN ('storing', 'transcoding') AND step = lane.step AND (kind = 'animation') = lane.is_long
           AND account_id = :account
         ORDER BY due_at LIMIT :most
     ) AS each)
) AS unfinished
