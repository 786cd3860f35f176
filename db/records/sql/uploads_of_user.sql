-- Count a user's uploads of this hour, those that are pending, and the bytes of those that are kept. The first are looked for
-- in the sessions that were open in this hour, and in the one of what API keys request.
WITH hour AS (SELECT date_trunc('hour', diorama_now(), 'UTC') AS begins)
SELECT (SELECT count(*) FROM hour, sessions s JOIN assets a ON a.session_id = s.id
        WHERE s.account_id = :account AND s.user_ref = :user_ref
          AND (s.expires_at >= hour.begins OR s.token_sha256 IS NULL)
          AND a.id >= least_id_at(hour.begins) AND a.kind = 'selfie' AND a.created_at >= hour.begins),
       count(*) FILTER (WHERE a.state = 'pending'),
       coalesce(sum(a.size_bytes) FILTER (WHERE a.state = 'ready'), 0),
       (SELECT begins + interval '1 hour' FROM hour)
FROM sessions s
JOIN assets a ON a.account_id = s.account_id AND a.session_id = s.id
WHERE s.account_id = :account AND s.user_ref = :user_ref AND a.kind = 'selfie' AND a.state IN ('pending', 'ready')
