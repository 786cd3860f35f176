-- Read the age of the oldest event that the sequencer has not read yet. Called by tests. Always one row.
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(e.at)), 0)::double precision AS lag_s
FROM activity_sequencer s
JOIN job_events e ON e.xid >= pg_snapshot_xmin(s.seen) AND NOT pg_visible_in_snapshot(e.xid, s.seen)
