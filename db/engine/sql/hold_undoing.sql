-- Hold a job that is being undone still until the transaction ends. Called before its objects are deleted: whoever
-- comes after would write under the same keys.
-- Zero rows: the lease was lost, and what lies there is somebody else's by now.
SELECT id
FROM jobs
WHERE id = :id
  AND lease = :lease
  AND lease_expires_at IS NOT NULL
  AND state = 'compensating'
FOR SHARE
