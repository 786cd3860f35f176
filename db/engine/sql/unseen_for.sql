-- For how many seconds looks at a running job have found nothing, without one between them that did.
-- Called by the poll step where a look finds nothing, by the words that it tells that with. Null: this is the first.
SELECT extract(epoch FROM diorama_now() - min(e.at))::double precision
FROM job_events e
WHERE e.job_id = :job_id
  AND e.error_detail = :detail
  AND e.seq > (SELECT max(seq) FROM job_events WHERE job_id = :job_id AND event <> 'postponed')
