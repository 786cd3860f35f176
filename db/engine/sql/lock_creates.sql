-- Read the submission budget and the breaker, and lock them until this transaction ends. Called by the broker's
-- consumer of the first step before it claims queued jobs. With :counts_in_flight the jobs at the provider are counted,
-- and the admitted jobs on their way there are listed.
SELECT b.permits, b.filled_at, b.blocked_until, b.next_slot_at, b.per_minute,
       k.state, k.failures, k.openings, k.cause, k.detail, k.opened_at, k.until,
       diorama_now() AS now,
       CASE WHEN :counts_in_flight THEN
           (SELECT count(*) FROM jobs WHERE state IN ('submitting', 'reconciling', 'generating')
            AND NOT is_test)
       END AS at_provider,
       CASE WHEN :counts_in_flight THEN
           ARRAY(SELECT j.id FROM jobs j WHERE j.id = ANY (b.admitted)
                 AND j.state = 'queued' AND j.lease_expires_at > diorama_now())
       ELSE '{}' END AS on_their_way
FROM provider_budgets b
CROSS JOIN provider_breaker k
WHERE b.call = 'create'
FOR UPDATE
