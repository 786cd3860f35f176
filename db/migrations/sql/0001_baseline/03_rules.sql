-- The rules, as rows: a new state or a new move is an INSERT, which rewrites no table. A test compares them with Python.

-- `step` is the one that claims jobs in the state; 'none' where the job has ended. Not null: Postgres checks no foreign
-- key of which a column is null.
CREATE TABLE job_states (
    state       text CONSTRAINT job_states_pkey PRIMARY KEY,
    step        text NOT NULL,
    is_terminal boolean NOT NULL,
    CONSTRAINT job_states_key UNIQUE (state, step, is_terminal),
    CONSTRAINT job_states_terminal_without_step CHECK ((step = 'none') = is_terminal)
);
INSERT INTO job_states (state, step, is_terminal) VALUES
    ('waiting', 'submit', false),
    ('queued', 'submit', false),
    ('submitting', 'submit', false),
    ('reconciling', 'submit', false),
    ('generating', 'poll', false),
    ('storing', 'store', false),
    ('transcoding', 'transcode', false),
    ('succeeded', 'none', true),
    ('compensating', 'compensate', false),
    ('failed', 'none', true),
    ('canceled', 'none', true);

-- Why a job failed. Rows and a foreign key, because a new code is then an INSERT: to replace a CHECK would lock `jobs`
-- against everyone and read it whole. Only `jobs` refers to it; the trigger of the history copies what is there.
CREATE TABLE job_error_codes (
    code text CONSTRAINT job_error_codes_pkey PRIMARY KEY
);
INSERT INTO job_error_codes (code) VALUES
    ('content_rejected'),
    ('input_invalid'),
    ('input_unreadable'),
    ('input_expired'),
    ('provider_rejected'),
    ('provider_unavailable'),
    ('provider_timeout'),
    ('provider_account'),
    ('output_expired'),
    ('output_invalid'),
    ('submission_uncertain'),
    ('parent_failed'),
    ('rolled_back'),
    ('deadline_exceeded'),
    ('canceled'),
    ('internal');

-- Every legal move. The birth of a job is a move from 'new'.
CREATE TABLE job_transitions (
    from_state text NOT NULL,
    event      text NOT NULL,
    to_state   text NOT NULL CONSTRAINT job_transitions_to_state REFERENCES job_states,
    CONSTRAINT job_transitions_pkey PRIMARY KEY (from_state, event, to_state)
);
INSERT INTO job_transitions (from_state, event, to_state) VALUES
    ('new', 'requested', 'queued'),
    ('new', 'requested', 'waiting'),
    ('waiting', 'parent_ready', 'queued'),
    ('waiting', 'parent_failed', 'compensating'),
    ('waiting', 'cancel_requested', 'compensating'),
    ('waiting', 'deadline_passed', 'compensating'),
    ('queued', 'submit_started', 'submitting'),
    ('queued', 'postponed', 'queued'),
    ('queued', 'rejected', 'compensating'),
    ('queued', 'cancel_requested', 'compensating'),
    ('queued', 'cancel_executed', 'compensating'),
    ('queued', 'deadline_passed', 'compensating'),
    ('queued', 'gave_up', 'compensating'),
    ('submitting', 'accepted', 'generating'),
    ('submitting', 'refused', 'queued'),
    ('submitting', 'rejected', 'compensating'),
    ('submitting', 'outcome_lost', 'reconciling'),
    ('submitting', 'cancel_requested', 'submitting'),
    ('reconciling', 'orphan_found', 'generating'),
    ('reconciling', 'orphan_absent', 'queued'),
    ('reconciling', 'postponed', 'reconciling'),
    ('reconciling', 'gave_up', 'queued'),
    ('reconciling', 'gave_up', 'compensating'),
    ('reconciling', 'cancel_requested', 'compensating'),
    ('reconciling', 'cancel_executed', 'compensating'),
    ('generating', 'still_running', 'generating'),
    ('generating', 'postponed', 'generating'),
    ('generating', 'output_ready', 'storing'),
    ('generating', 'generation_failed', 'queued'),
    ('generating', 'generation_failed', 'compensating'),
    ('generating', 'cancel_requested', 'compensating'),
    ('generating', 'cancel_executed', 'compensating'),
    ('generating', 'deadline_passed', 'compensating'),
    ('generating', 'gave_up', 'compensating'),
    ('storing', 'stored', 'transcoding'),
    ('transcoding', 'still_running', 'transcoding'),
    ('storing', 'postponed', 'storing'),
    ('storing', 'output_gone', 'queued'),
    ('storing', 'output_gone', 'compensating'),
    ('storing', 'cancel_requested', 'compensating'),
    ('storing', 'deadline_passed', 'compensating'),
    ('storing', 'gave_up', 'compensating'),
    ('transcoding', 'transcoded', 'succeeded'),
    ('transcoding', 'postponed', 'transcoding'),
    ('transcoding', 'output_invalid', 'queued'),
    ('transcoding', 'output_invalid', 'compensating'),
    ('transcoding', 'cancel_requested', 'compensating'),
    ('transcoding', 'deadline_passed', 'compensating'),
    ('transcoding', 'gave_up', 'compensating'),
    ('compensating', 'postponed', 'compensating'),
    ('compensating', 'undone', 'failed'),
    ('compensating', 'undone', 'canceled'),
    ('failed', 'redriven', 'waiting'),
    ('failed', 'redriven', 'queued'),
    ('failed', 'redriven', 'storing'),
    ('failed', 'redriven', 'transcoding'),
    ('canceled', 'redriven', 'waiting'),
    ('canceled', 'redriven', 'queued'),
    ('canceled', 'redriven', 'storing'),
    ('canceled', 'redriven', 'transcoding'),
    ('succeeded', 'rolled_back', 'compensating'),
    ('failed', 'undo_retried', 'compensating'),
    ('canceled', 'undo_retried', 'compensating');
