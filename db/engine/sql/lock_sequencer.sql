-- Lock the row of the sequencer and return the snapshot of its last run. Called at the beginning of each run: a
-- process that waited here reads what the other has written. The limits on statements are for many small ones: a run after a long
-- pause reads all that was missed, and must not be cut off each time. One row always.
SELECT s.seen::text AS seen,
       set_config('statement_timeout', '0', true) AS timeout,
       set_config('enable_hashjoin', 'on', true) AS hashjoin
FROM activity_sequencer s
FOR UPDATE
