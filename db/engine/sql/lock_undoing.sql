-- Lock a compensating job until the transaction ends. Called before its objects are deleted, because the next worker
-- writes under the same keys.
-- Zero rows: the lease was lost, and the objects may belong to another cycle.
SELECT id
FROM jobs
WHERE id = :id
  AND lease = :lease
  AND lease_expires_at IS NOT NULL
  AND state = 'compensating'
FOR SHARE
