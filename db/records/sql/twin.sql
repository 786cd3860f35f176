-- Lock a ready picture of the same owner with the same bytes, the newest first, so that it keeps its object until the
-- transaction ends. Called when an upload is completed, which may then have that object as well. It waits for no lock: what
-- is being purged or deleted is not shared. An expired file is none either. The owner is the account and its user: one user
-- must not learn what another one has uploaded. Zero rows: there is no such picture.
SELECT twin.*
FROM assets twin
WHERE twin.account_id = :account_id
  AND twin.sha256 = :sha256
  AND twin.kind = 'selfie'
  AND twin.state = 'ready'
  AND (twin.expires_at IS NULL OR twin.expires_at > diorama_now())
  AND (SELECT user_ref FROM sessions WHERE id = twin.session_id)
      IS NOT DISTINCT FROM (SELECT user_ref FROM sessions WHERE id = CAST(:session_id AS uuid))
ORDER BY twin.id DESC
LIMIT 1
FOR SHARE SKIP LOCKED
