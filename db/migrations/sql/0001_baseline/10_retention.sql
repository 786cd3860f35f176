-- The months of the history, and what may be purged.

-- The least id that can be made at a time.
CREATE FUNCTION least_id_at(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((1000 * extract(epoch FROM at))::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- The months that have a partition, as they begin.
CREATE FUNCTION history_months() RETURNS TABLE (name text, month timestamptz) LANGUAGE sql STABLE AS $$
    SELECT c.relname::text, to_date(right(c.relname, 7), 'YYYY_MM')::timestamp AT TIME ZONE 'UTC'
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'job_events'::regclass AND c.relname ~ '^job_events_\d{4}_\d\d$'
$$;

-- Make the partitions of this month and of those to come, and return how many were missing. The table is made first
-- and attached then, so that writers of history do not wait; what the default partition has of its month moves into it.
CREATE FUNCTION make_history_months(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    this_month timestamp := date_trunc('month', diorama_now() AT TIME ZONE 'UTC');
    begins timestamptz;
    ends timestamptz;
    name text;
    made integer := 0;
BEGIN
    -- One transaction at a time.
    PERFORM pg_advisory_xact_lock(7302114502);
    FOR n IN 0..ahead LOOP
        begins := (this_month + n * interval '1 month') AT TIME ZONE 'UTC';
        ends := (this_month + (n + 1) * interval '1 month') AT TIME ZONE 'UTC';
        name := 'job_events_' || to_char(this_month + n * interval '1 month', 'YYYY_MM');
        CONTINUE WHEN EXISTS (SELECT FROM history_months() WHERE month = begins);
        EXECUTE format('CREATE TABLE %I (LIKE job_events INCLUDING CONSTRAINTS INCLUDING INDEXES)', name);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT job_events_legal '
                       'FOREIGN KEY (from_state, event, to_state) REFERENCES job_transitions', name);
        EXECUTE 'LOCK TABLE job_events_other IN ACCESS EXCLUSIVE MODE';
        EXECUTE format('WITH moved AS (DELETE FROM job_events_other WHERE job_id >= $1 AND job_id < $2 RETURNING *) '
                       'INSERT INTO %I SELECT * FROM moved', name) USING least_id_at(begins), least_id_at(ends);
        EXECUTE format('ALTER TABLE job_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       name, least_id_at(begins), least_id_at(ends));
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- Whether a job made in this time may still move, or ended less than `kept_for` ago.
CREATE FUNCTION history_is_wanted(begins timestamptz, ends timestamptz, kept_for interval) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM jobs
        WHERE id >= least_id_at(begins) AND id < least_id_at(ends)
          AND (finished_at IS NULL OR finished_at > diorama_now() - kept_for)
    )
$$;

-- Drop the oldest month of which nothing is wanted any more, and return its name; null when there is none.
-- Checked once more under the lock: a job may have been redriven meanwhile.
CREATE FUNCTION drop_history_month(kept_for interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    old record;
BEGIN
    FOR old IN
        SELECT m.name, m.month AS begins, m.month + interval '1 month' AS ends
        FROM history_months() m
        WHERE m.month + interval '1 month' <= diorama_now() - kept_for
        ORDER BY m.month
    LOOP
        CONTINUE WHEN history_is_wanted(old.begins, old.ends, kept_for);
        LOCK TABLE job_events IN ACCESS EXCLUSIVE MODE;
        CONTINUE WHEN history_is_wanted(old.begins, old.ends, kept_for);
        EXECUTE format('DROP TABLE %I', old.name);
        RETURN old.name;
    END LOOP;
    RETURN NULL;
END
$$;

-- Whether the rows of an ended job may go. They are the last of it: its history, its files and its originals have gone
-- before, nothing that was made from it is left, nothing of it waits for a person, and its credits are settled.
CREATE FUNCTION job_may_go(job jobs, kept_for interval) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(job.finished_at <= diorama_now() - kept_for, false)
       AND NOT EXISTS (SELECT FROM job_events WHERE job_id = job.id)
       AND NOT EXISTS (SELECT FROM jobs child WHERE child.parent_id = job.id)
       AND NOT EXISTS (SELECT FROM attempts WHERE job_id = job.id AND source_key IS NOT NULL)
       AND NOT EXISTS (
           SELECT
           FROM assets output
           JOIN assets made ON made.id IN (output.id, output.poster_id)
           WHERE output.id = job.output_id AND made.state <> 'deleted'
       )
       AND NOT EXISTS (SELECT FROM compensation_actions WHERE job_id = job.id AND state IN ('pending', 'needs_review'))
       AND NOT EXISTS (
           SELECT
           FROM ledger_entries hold
           WHERE hold.job_id = job.id AND hold.kind = 'hold'
             AND NOT EXISTS (SELECT FROM ledger_entries later WHERE later.of_id = hold.id)
       )
$$;

-- Whether the row of a file may go: its object has gone before, and no row refers to it.
CREATE FUNCTION asset_may_go(asset assets, kept_for interval) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT asset.state IN ('deleted', 'rejected')
       AND greatest(asset.expires_at, asset.created_at) <= diorama_now() - kept_for
       AND NOT EXISTS (SELECT FROM job_requests WHERE input_id = asset.id)
       AND NOT EXISTS (SELECT FROM stories WHERE selfie_id = asset.id)
       AND NOT EXISTS (SELECT FROM jobs WHERE output_id = asset.id)
       AND NOT EXISTS (SELECT FROM assets video WHERE video.poster_id = asset.id)
$$;
