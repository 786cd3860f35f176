-- Lock a ready picture of the same owner with the same bytes, the newest first, so that it keeps its object until the
-- transaction ends. Called when an upload is completed, which may then share that object. It waits for no lock: a
-- picture that is being purged or deleted is not shared, and neither is an expired one. The owner is the account and
-- its user: one user must not learn what another has uploaded. Zero rows: there is no such picture.
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
