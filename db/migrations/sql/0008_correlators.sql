-- What a submission is recognized by in the provider's list.
ALTER TABLE attempts
    -- The address of the picture that was uploaded for this attempt alone: a prediction tells its inputs back.
    ADD COLUMN picture_url text,
    -- Whether what was sent carries the token or that address. Only then its absence from the list proves anything.
    ADD COLUMN is_traceable boolean NOT NULL DEFAULT false;
DROP INDEX attempts_astray;

-- What the sweeper looks at, however long ago it was begun. Last: where the table can not be had for the columns, nothing
-- has been built in vain when they are tried again.
CREATE INDEX attempts_unsettled ON attempts (started_at) WHERE status IN ('lost', 'absent') AND completed_at IS NULL;
