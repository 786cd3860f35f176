-- Read the accounts that have no room for another job at the provider. Like account_shares, it counts the jobs at the
-- provider and those that workers have leased on their way there. Called for callers who ask why a job waits. Zero
-- rows: all have room, or no limit.
SELECT a.id
FROM accounts a
WHERE a.id = ANY (CAST(:ids AS uuid[]))
  AND a.jobs_at_once <= (
      SELECT count(*)
      FROM jobs at_provider
      WHERE at_provider.account_id = a.id AND at_provider.state IN ('submitting', 'reconciling', 'generating')
  ) + (
      SELECT count(*)
      FROM (
          SELECT lease_expires_at FROM jobs mine
          WHERE mine.account_id = a.id AND mine.state = 'queued'
          ORDER BY mine.due_at
          LIMIT 4 * a.jobs_at_once
      ) AS head
      WHERE head.lease_expires_at > diorama_now()
  )
