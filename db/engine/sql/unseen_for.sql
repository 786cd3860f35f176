-- Read the seconds since a running job's polls began to find no prediction without interruption. Called by the poll
-- step after such a poll, by the message that it records for it. Null: this is the first.
SELECT extract(epoch FROM diorama_now() - min(e.at))::double precision
FROM job_events e
WHERE e.job_id = :job_id
  AND e.error_detail = :detail
  AND e.seq > (SELECT max(seq) FROM job_events WHERE job_id = :job_id AND event <> 'postponed')
