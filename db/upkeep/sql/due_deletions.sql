-- Read the next deletions to carry out, oldest first: those with something left, and for an hour those of users, because
-- a request that the user's session was still allowed may have added something. Called until there are none beyond :after.
-- Zero rows: there are none.
SELECT d.*
FROM deletions d
WHERE (d.completed_at IS NULL OR (d.requested_at > diorama_now() - interval '1 hour' AND d.subject = 'user'))
  AND d.id > :after
ORDER BY d.id
LIMIT :most
