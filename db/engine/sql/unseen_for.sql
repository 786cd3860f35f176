-- Read for how many seconds the polls of a running job have found no prediction. Called by the poll step after such a
-- poll; it finds the earlier ones by the message that they recorded. Null: this is the first.
SELECT extract(epoch FROM diorama_now() - min(e.at))::double precision
FROM job_events e
WHERE e.job_id = :job_id
  AND e.error_detail = :detail
  AND e.seq > (SELECT max(seq) FROM job_events WHERE job_id = :job_id AND event <> 'postponed')
