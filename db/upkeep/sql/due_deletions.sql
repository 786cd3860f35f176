-- Read the deletions to carry out, oldest first: those with something left, and for an hour those of users, because a
-- request that the user's session was still allowed may have added something. Zero rows: nothing is to be deleted.
SELECT d.*
FROM deletions d
WHERE d.completed_at IS NULL
   OR (d.requested_at > diorama_now() - interval '1 hour' AND d.subject = 'user')
ORDER BY d.completed_at IS NOT NULL, d.requested_at
LIMIT :most
