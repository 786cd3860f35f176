-- Read what an account has used of a limit of the hour, and when the hour is over. Called when an account asks.
SELECT coalesce((SELECT used FROM account_usage
                 WHERE (account_id, limit_name) = (:account, :limit) AND resets_at > diorama_now()), 0),
       date_trunc('hour', diorama_now(), 'UTC') + interval '1 hour'
