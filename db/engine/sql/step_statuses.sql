-- Read the status of each step, for support. A queued job waits from when it was queued, not from its head start. A
-- step without jobs has no row.
SELECT step,
       count(*) FILTER (WHERE due_at <= diorama_now() AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now()))
           AS due,
       min(greatest(due_at, entered_at)) FILTER (
           WHERE due_at <= diorama_now() AND (lease_expires_at IS NULL OR lease_expires_at <= diorama_now())
       ) AS oldest_due_at,
       count(*) FILTER (WHERE lease_expires_at > diorama_now()) AS in_hand,
       count(*) FILTER (WHERE lease_expires_at <= diorama_now()) AS abandoned
FROM (
    SELECT step, due_at, entered_at, lease_expires_at FROM jobs WHERE due_at IS NOT NULL AND state <> 'queued'
    UNION ALL
    SELECT step, due_at, entered_at, lease_expires_at FROM jobs WHERE state = 'queued'
) AS open
GROUP BY step
