"""The complaints of Replicate's users, each with its effect on a job here, and the tests that play it.

docs/provider-failures.md is generated from this list, and a test checks its names: each is that of a scenario or of a
test of this folder.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Complaint:
    """One failure of the provider, what becomes of the job, and where it is played through the whole system."""

    what: str
    end: str
    played_by: tuple[str, ...]


COMPLAINTS = (
    Complaint(
        "a call, or a prediction, hangs forever",
        "every call has a timeout and every prediction a deadline at the provider; the job makes a new attempt",
        (
            "create hangs, nothing runs",
            "test_reads_that_hang_break_and_fail_delay_a_job_and_no_more",
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
            "page for an answer, prediction runs",
            "test_a_video_whose_create_is_lost_is_found_by_the_picture_that_was_uploaded_for_it",
            "test_a_submission_whose_answer_was_lost_is_adopted_without_asking_the_list",
            "test_while_the_list_is_out_of_order_a_job_pays_again_only_within_its_cap",
        ),
    ),
    Complaint(
        "nine of ten calls answer 502, for hours",
        "jobs wait; while the breaker is open, one at a time is admitted as a probe; nothing is paid for twice",
        ("502 twice", "test_jobs_wait_out_a_storm_of_502s_and_none_is_paid_for_twice"),
    ),
    Complaint(
        "webhooks stop, the address is missing from the prediction, or only the last event comes",
        "the job is polled and ends the same way, somewhat later",
        (
            "webhook is missing from the prediction",
            "test_no_webhook_arrived_in_any_scenario",
            "test_a_job_succeeds_and_is_paid_for_once_however_its_webhooks_come",
        ),
    ),
    Complaint(
        "webhooks are lost by a redirect, a firewall, or a handler that takes too long",
        "the job ends the same way; `diorama doctor` reports what is wrong with `PUBLIC_URL`",
        (
            "test_no_webhook_arrived_in_any_scenario",
            "test_webhooks_that_are_redirected_or_never_answered_cost_nothing_but_time",
        ),
    ),
    Complaint(
        "predictions are stuck in the queue",
        "`Cancel-After` ends them there, free of charge; the job makes a new attempt, and gives up after four",
        ("aborted once", "aborted for ever", "test_predictions_that_get_stuck_are_ended_by_their_deadline"),
    ),
    Complaint(
        "the output is gone before it is fetched",
        "outputs are fetched as soon as they exist; if one is gone, a new attempt, and in the end `OUTPUT_EXPIRED`",
        ("output lost once", "output expired for ever"),
    ),
    Complaint(
        "addresses of the provider, which expire, are handed to callers",
        "callers get only addresses of our own object store",
        (
            "test_no_caller_reads_the_words_or_the_addresses_of_the_provider",
            "test_the_addresses_of_the_provider_are_kept_where_only_the_next_step_reads_them",
        ),
    ),
    Complaint(
        "a lack of credit is mistaken for load, and shown to end users",
        "submissions stop and operators are notified, even if only a failed prediction shows it; jobs wait "
        "without using up a retry or an attempt; callers read that we keep trying",
        (
            "test_while_the_account_is_in_trouble_jobs_wait_without_losing_a_retry",
            "test_no_caller_reads_the_words_or_the_addresses_of_the_provider",
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
        ("E005", "moderation_blocked", "test_a_rejection_of_the_content_is_told_kindly"),
    ),
    Complaint(
        "E9828, PA, E003, E1001 and unknown texts come at random",
        "a new attempt, at most three, for E1001 one; then the job fails and its credits go back",
        (
            "E9828 once",
            "PA three times",
            "E9828 for ever",
            "PA for ever",
            "E003 once",
            "E003 for ever",
            "E1001 for ever",
            "unknown words once",
        ),
    ),
    Complaint(
        "the output is of another type: a text for a list, a list for a text, an object, an empty list",
        "one address is accepted however it is wrapped; an empty list means that the content check declined; without "
        "an address: a new attempt, and in the end `OUTPUT_INVALID`, at once if the output is inline",
        (
            "one address for a list",
            "an object for a list",
            "nulls for ever",
            "a picture inside the answer",
            "empty list",
            "test_odd_videos_are_put_right_and_broken_ones_are_given_up",
        ),
    ),
    Complaint(
        "the file is cut short, empty, or no picture at all",
        "it is never delivered: a new attempt, and in the end `OUTPUT_INVALID`",
        (
            "picture cut short once",
            "page for a picture",
            "nothing for a picture",
            "test_odd_videos_are_put_right_and_broken_ones_are_given_up",
        ),
    ),
    Complaint(
        "clients break on unknown values: a new status, `aborted` in a list",
        "statuses and lists are read tolerantly; one odd prediction hides no other",
        (
            "a status that nobody knows",
            "test_lost_calls_were_found_in_a_list_that_holds_words_which_clients_choke_on",
        ),
    ),
    Complaint(
        "schemas and prices change, and models are retired, without notice",
        "drift is reported by field, at start and by `diorama doctor`; each attempt books its cost; if a model is "
        "gone, operators are notified, and the next one in `MODELS` makes the job, or it waits",
        (
            "test_a_schema_that_drifted_is_told_by_field_and_ends_jobs_kindly",
            "model_not_found",
            "no such model",
            "test_a_job_whose_model_is_gone_is_made_by_the_next_one",
            "test_every_cent_of_the_scenarios_is_booked",
        ),
    ),
)
