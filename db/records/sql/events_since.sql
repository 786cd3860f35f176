-- Read what happened to each of some jobs after a sequence number, in the order in which it was committed.
-- Called by the subscriptions for all awakened jobs at once. Zero rows: nothing new.
SELECT e.*
FROM unnest(CAST(:ids AS uuid[]), CAST(:seqs AS integer[])) AS seen (job_id, seq)
JOIN job_events e ON e.job_id = seen.job_id AND e.seq > seen.seq
ORDER BY e.at, e.job_id, e.seq
LIMIT :limit
