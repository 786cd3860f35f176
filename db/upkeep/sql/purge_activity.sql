-- Delete old entries of the activity: for each account, from its oldest entry up to the first that is kept, and at most
-- :most. Called by retention, until nothing is left to delete. Zero rows: no account has an old entry at its beginning.
WITH ends AS MATERIALIZED (
    SELECT h.account_id, h.purged, coalesce(
        (SELECT a.position - 1
         FROM activity a
         WHERE a.account_id = h.account_id AND a.position > h.purged AND a.position <= h.purged + :most
           AND a.at > diorama_now() - CAST(:kept_for AS interval)
         ORDER BY a.position
         LIMIT 1),
        least(h.position, h.purged + :most)) AS upto
    FROM activity_heads h
    WHERE h.purged < h.position
),
-- Readers compare their position with this one, so that none passes over a gap.
purged AS (
    UPDATE activity_heads h
    SET purged = e.upto
    FROM ends e
    WHERE h.account_id = e.account_id AND h.purged = e.purged AND e.upto > e.purged
    RETURNING h.account_id, e.purged AS after, e.upto
)
DELETE FROM activity a
USING purged p
WHERE a.account_id = p.account_id AND a.position > p.after AND a.position <= p.upto
RETURNING a.position
