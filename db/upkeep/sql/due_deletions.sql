-- Read the next deletions to carry out, oldest first: those with something left, and for an hour also those of users,
-- because a request that was accepted before the user's session ended may have added something. Called until there are
-- none beyond :after. Zero rows: there are none.
SELECT d.*
FROM deletions d
WHERE (d.completed_at IS NULL OR (d.requested_at > diorama_now() - interval '1 hour' AND d.subject = 'user'))
  AND d.id > :after
ORDER BY d.id
LIMIT :most
