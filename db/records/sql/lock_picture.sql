-- Wait until no other transaction is completing an upload of the same bytes by the same owner. Called before a
-- completed upload is recorded. The owner is the account and its user: one user must not wait for another, who would
-- learn from it that the picture is theirs as well. Always one row, without meaning.
SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(
    '/',
    CAST(:account_id AS uuid),
    CAST(:sha256 AS text),
    (SELECT user_ref FROM sessions WHERE id = CAST(:session_id AS uuid))
), 0))
