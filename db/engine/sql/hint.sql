-- Notify the listeners of two channels of new work and events; an empty payload is not sent. Called after a commit, on
-- a connection of its own: inside the transaction it would lock the whole database.
SELECT pg_notify(channel, payload)
FROM (
    VALUES ('diorama_due', CAST(:steps AS text)), ('diorama_events', CAST(:ids AS text))
) AS hints (channel, payload)
WHERE payload <> ''
