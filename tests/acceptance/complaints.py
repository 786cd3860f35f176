"""The complaints of Replicate's users, each with its effect on a job here, and the tests that reproduce it.

docs/provider-failures.md is generated from this list. A test checks that each name in it is the name of a scenario or
of a test in this folder.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Complaint:
    """One failure of the provider, its effect on the job, and the tests that reproduce it in the whole system."""

    failure: str
    effect: str
    reproduced_by: tuple[str, ...]


COMPLAINTS = (
    Complaint(
        "a call, or a prediction, hangs forever",
        "every call has a timeout and every prediction a deadline at the provider; the job makes a new attempt",
        (
            "create hangs, nothing runs",
            "test_reads_that_hang_break_or_fail_only_delay_a_job",
            "test_predictions_that_get_stuck_are_ended_by_their_deadline",
        ),
    ),
    Complaint(
        "a create times out, or its connection breaks, and the prediction runs and is billed",
        "the job searches the list for its correlation id, or its picture's address, and continues with that "
        "prediction; it is paid for once",
        (
            "create hangs, prediction runs",
            "connection reset, prediction runs",
            "502, prediction runs",
            "page instead of a response, prediction runs",
            "test_a_video_whose_create_is_lost_is_found_by_the_picture_that_was_uploaded_for_it",
            "test_a_submission_whose_response_was_lost_is_adopted_without_reading_the_list",
            "test_while_the_list_fails_a_job_pays_again_only_within_its_cap",
        ),
    ),
    Complaint(
        "nine of ten calls return 502, for hours",
        "jobs wait; while the breaker is open, one at a time is admitted as a probe; nothing is paid for twice",
        ("502 twice", "test_jobs_wait_out_a_storm_of_502s_and_none_is_paid_for_twice"),
    ),
    Complaint(
        "webhooks stop, the address is missing from the prediction, or only the last event arrives",
        "the job is polled and ends the same way, somewhat later",
        (
            "webhook is missing from the prediction",
            "test_no_webhook_arrived_in_any_scenario",
            "test_a_job_succeeds_and_is_paid_for_once_however_its_webhooks_arrive",
        ),
    ),
    Complaint(
        "webhooks are lost by a redirect, a firewall, or a handler that takes too long",
        "the job ends the same way; `diorama doctor` reports what is wrong with `PUBLIC_URL`",
        (
            "test_no_webhook_arrived_in_any_scenario",
            "test_redirected_and_hanging_webhooks_cost_nothing_but_time",
        ),
    ),
    Complaint(
        "predictions are stuck in the queue",
        "`Cancel-After` ends them there, free of charge; the job makes a new attempt, and gives up after four",
        ("aborted once", "always aborted", "test_predictions_that_get_stuck_are_ended_by_their_deadline"),
    ),
    Complaint(
        "the output is gone before it is fetched",
        "outputs are fetched as soon as they exist; if one is gone, a new attempt, and in the end `OUTPUT_EXPIRED`",
        ("output lost once", "output always expired"),
    ),
    Complaint(
        "addresses of the provider, which expire, are handed to callers",
        "callers get only addresses of our own object store",
        (
            "test_no_caller_reads_the_words_or_addresses_of_the_provider",
            "test_tables_that_callers_can_read_contain_no_address_of_the_provider",
        ),
    ),
    Complaint(
        "a lack of credit is mistaken for load, and shown to end users",
        "submissions stop and operators are notified, even if only a failed prediction shows it; jobs wait "
        "without using up a retry or an attempt; callers read that we keep trying",
        (
            "test_jobs_wait_out_account_errors_without_losing_a_retry",
            "test_no_caller_reads_the_words_or_addresses_of_the_provider",
        ),
    ),
    Complaint(
        "the provider is throttling",
        "the wait that it requests is observed, and uses up no retry",
        ("throttled five times",),
    ),
    Complaint(
        "E005: the content check declines harmless pictures, and not always the same ones",
        "the job fails at once with a friendly message, its credits go back; the user may try other words",
        ("E005", "moderation_blocked", "test_a_content_rejection_has_a_friendly_message"),
    ),
    Complaint(
        "predictions fail at random with E9828, PA, E003, E1001 or an unknown text",
        "up to three new attempts, but only one for E1001; then the job fails and its credits go back",
        (
            "E9828 once",
            "PA three times",
            "always E9828",
            "always PA",
            "E003 once",
            "always E003",
            "always E1001",
            "unknown text once",
        ),
    ),
    Complaint(
        "the output is of another type: a text for a list, a list for a text, an object, an empty list",
        "one address is accepted however it is wrapped; an empty list means that the content check declined; without "
        "an address: a new attempt, and in the end `OUTPUT_INVALID`; a picture or a video inside the response (a "
        "`data:` URL, of any type of picture or video and with base64 in any form) is stored like any other, and "
        "another inline output fails at once",
        (
            "one address instead of a list",
            "an object instead of a list",
            "always nulls",
            "a picture inside the response",
            "a text inside the response",
            "empty list",
            "test_odd_videos_are_repaired_and_broken_ones_fail_their_jobs",
        ),
    ),
    Complaint(
        "the file is cut short, empty, or no picture at all",
        "it is never delivered: a new attempt, and in the end `OUTPUT_INVALID`",
        (
            "picture cut short once",
            "page instead of a picture",
            "empty file instead of a picture",
            "test_odd_videos_are_repaired_and_broken_ones_fail_their_jobs",
        ),
    ),
    Complaint(
        "clients break on unknown values: a new status, `aborted` in a list",
        "statuses and lists are read tolerantly; one odd prediction hides no other",
        (
            "an unknown status",
            "test_lost_calls_are_found_in_a_list_with_statuses_that_clients_choke_on",
        ),
    ),
    Complaint(
        "schemas and prices change, and models are retired, without notice",
        "drift is reported by field, at start and by `diorama doctor`; each attempt books its cost; if a model is "
        "gone, operators are notified, and the next one in `MODELS` makes the job, or it waits",
        (
            "test_schema_drift_is_reported_by_field_and_fails_jobs_with_a_friendly_message",
            "model_not_found",
            "no such model",
            "test_a_job_whose_model_is_gone_is_made_by_the_next_model",
            "test_every_cent_of_the_scenarios_is_booked",
        ),
    ),
)
