"""Failures of durable job engines, each with the reason why it cannot happen here, and the tests that prove it.

docs/engine-failures.md is generated from this list, and a test checks that each test in it exists. Engines and
their threads have short names: `solid_queue#589` is an issue or a change of that project.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class EngineFailure:
    """A failure, the engines it was seen in, the reason why not here, and the tests, as `folder/file.py::name`."""

    failure: str
    seen_in: str
    why_not_here: str
    tests: tuple[str, ...]


_F = EngineFailure

FAILURES = (
    _F(
        "a worker that was presumed dead comes back and overwrites what others did meanwhile",
        "solid_queue#589, river#1302, dbos-transact-py#773, #818",
        "every write names its lease, which only grows",
        (
            "db/engine/test_claims.py::test_a_stale_lease_cannot_record",
            "acceptance/test_zombies.py::test_a_frozen_worker_changes_nothing_when_it_returns",
            "acceptance/test_zombies.py::test_a_worker_frozen_while_undoing_a_job_changes_nothing_either",
            "statemachine/test_explorer.py::test_a_broken_rule_is_caught",
        ),
    ),
    _F(
        "the fence is the attempt number, which starts again",
        "AWA, before `run_lease`",
        "a lease is not an attempt: redrives raise it too",
        ("jobs/support/test_redriving.py::test_a_worker_with_an_old_lease_changes_nothing_after_a_redrive",),
    ),
    _F(
        "the rescuer overwrites a job that was completed at the same moment",
        "river#1373",
        "a rescue is a claim like any other: one statement checks and takes",
        (
            "db/engine/test_rescue.py::test_a_rescuer_never_claims_a_job_that_its_owner_is_recording",
            "db/engine/test_rescue.py::test_the_rescuer_of_a_job_wins_over_its_late_owner",
        ),
    ),
    _F(
        "a slow job is presumed dead, and runs twice",
        "hexpm#1825, oban#1141, pgqueuer#430, kombu#337, celery#5306",
        "long steps renew their lease, and stop when they have lost it",
        (
            "jobs/engine/test_leases.py::test_a_lease_is_renewed_while_the_step_runs",
            "jobs/engine/test_leases.py::test_a_lease_lost_to_another_worker_is_noticed",
            "jobs/worker/test_worker.py::test_two_workers_never_do_the_same_job_twice",
        ),
    ),
    _F(
        "a dead worker's job is never rescued: its row was pruned first, or its name is in use again",
        "procrastinate#1518, oban#862, graphile-worker#222, dbos-transact-py#453",
        "there is no table of workers: an expired lease is due, whichever worker had it",
        (
            "db/engine/test_rescue.py::test_the_job_of_a_dead_worker_is_rescued_by_one_of_the_same_name",
            "faults/test_crash_points.py::test_a_job_survives_any_fault_with_exactly_its_own_objects",
        ),
    ),
    _F(
        "one poisoned row stops the rescue, or the completion, of all jobs",
        "awa#388",
        "a refused group is written row by row, and locked rows are skipped",
        (
            "jobs/engine/test_recorder.py::test_only_the_poisoned_move_of_a_group_fails",
            "jobs/engine/test_recorder.py::test_a_row_that_stays_locked_delays_no_other_move",
        ),
    ),
    _F(
        "a job that kills its workers is delivered again forever",
        "dramatiq#213, #383, celery#1628",
        "claims without a result are counted, and end the job as `internal`",
        (
            "jobs/worker/test_worker.py::test_a_job_that_kills_its_workers_ends_as_internal_and_blocks_no_other",
            "statemachine/test_explorer.py::test_a_broken_rule_is_caught",
        ),
    ),
    _F(
        "slots of a limit leak, and the queue stands still",
        "hatchet#4494, dbos-transact-py#805, oban#1037",
        "jobs under way are counted from the rows; a worker returns its own slots",
        (
            "db/engine/test_rescue.py::test_a_slot_at_the_provider_is_never_leaked",
            "jobs/worker/test_broker.py::test_a_place_that_stays_empty_is_free_again",
            "jobs/worker/test_broker.py::test_a_consumer_that_dramatiq_restarts_keeps_its_places",
        ),
    ),
    _F(
        "a limit admits too many, because two processes check it at the same time",
        "solid_queue#761",
        "only one process at a time claims from an account with a limit, and counts",
        ("db/engine/test_fairness.py::test_two_concurrent_claims_do_not_exceed_the_limit",),
    ),
    _F(
        "a running job cannot be canceled, or continues after its cancel",
        "hatchet#2573, dbos-transact-py#170, #660, inngest#2531",
        "a cancel moves the job at once, and the running step notices",
        (
            "db/engine/test_claims.py::test_a_cancel_takes_effect_at_once_and_fences_the_worker",
            "jobs/engine/test_leases.py::test_a_cancel_is_noticed_as_a_lost_lease",
            "jobs/requesting/test_canceling.py::test_the_cancel_wins_as_soon_as_any_response_arrives",
        ),
    ),
    _F(
        "workers do not recover from a database restart or a cut connection, and no one is notified",
        "five of eight engines in hardbyte's bench, celery#8030, kombu",
        "every connection is re-established, the listening one too",
        (
            "jobs/worker/test_worker.py::test_workers_survive_restarts_of_postgres_without_an_operator",
            "jobs/worker/test_worker.py::test_workers_survive_pg_terminate_backend",
            "jobs/engine/test_hints.py::test_a_listener_whose_connection_is_cut_listens_again",
            "schema/live/test_hub_survives.py::test_a_cut_listener_comes_back_and_reads_what_it_missed",
            "soak/test_chaos.py::test_nothing_is_lost_stuck_paid_twice_or_left_behind_in_chaos",
        ),
    ),
    _F(
        "one killed process ends all others, and the exit status says success",
        "dramatiq#376",
        "a supervisor restarts it, and its siblings continue",
        ("acceptance/test_supervisor.py::test_a_killed_process_is_restarted_and_its_siblings_work_on",),
    ),
    _F(
        "a graceful stop uses up an attempt, or leaves prefetched jobs to a timeout",
        "river#1290, dramatiq#527, #850",
        "claims are returned, uncounted",
        (
            "jobs/worker/test_worker.py::test_stopping_returns_unstarted_jobs_without_counting_their_claims",
            "acceptance/test_kills.py::test_a_stopped_worker_returns_the_claims_it_had_not_begun",
        ),
    ),
    _F(
        "delayed and retried messages are duplicated, because two stores disagree",
        "dramatiq#431, #827",
        "there is one store; the broker can neither delay nor repeat a message",
        ("jobs/worker/test_broker.py::test_messages_cannot_be_sent_delayed_or_retried_beside_the_row",),
    ),
    _F(
        "a job is lost between its commit and the sending of its message",
        "Polar's queue of a request",
        "the row is the message; only a hint is sent",
        (
            "jobs/worker/test_worker.py::test_the_slow_poll_makes_up_for_a_lost_hint",
            "schema/live/test_hub_survives.py::test_the_slow_poll_makes_up_for_lost_hints",
        ),
    ),
    _F(
        "a notification inside the transaction locks the whole server",
        "que#395, recall.ai, dbos-transact-py#774",
        "hints are sent after the commit, from a separate connection",
        (
            "db/engine/test_rescue.py::test_nothing_that_moves_jobs_notifies_within_its_transaction",
            "jobs/engine/test_hints.py::test_a_hint_for_many_jobs_stands_for_all_jobs",
        ),
    ),
    _F(
        "a call that costs money is repeated silently, by a client library or after a crash",
        "replicate-python-beta; every engine's contract says at least once",
        "the intent is committed first, no client repeats it, and a lost response is reconciled",
        (
            "acceptance/test_paid_calls.py::test_a_paid_call_whose_response_was_lost_is_found_and_paid_for_once",
            "acceptance/test_kills.py::test_killed_while_the_response_to_the_paid_call_was_on_its_way",
            "acceptance/test_losses.py::test_nothing_is_paid_for_twice_while_responses_and_workers_are_lost",
            "faults/test_delays.py::test_a_worker_with_too_little_lease_left_for_a_response_does_not_pay",
        ),
    ),
    _F(
        "a callback that arrives before its job is lost, or arrives twice and counts twice",
        "AWA, before its early callbacks",
        "it is stored once, with its token, and moves no job by itself",
        (
            "schema/transport/test_provider_webhook.py::"
            "test_a_webhook_ahead_of_the_response_makes_the_job_due_with_the_response",
            "schema/transport/test_provider_webhook.py::test_a_repeated_webhook_takes_effect_once",
            "acceptance/test_webhooks.py::test_a_job_succeeds_and_is_paid_for_once_however_its_webhooks_arrive",
        ),
    ),
    _F(
        "a charge and its job disagree: charged and never queued, or refunded twice",
        "archimedes#1441, Fluid#164",
        "credits are held in the job's own transaction; unique keys make a second refund impossible",
        (
            "db/records/test_ledger.py::test_a_job_holds_its_price_until_it_ends_and_pays_only_for_success",
            "db/records/test_ledger.py::test_nothing_can_be_settled_twice",
            "db/records/test_ledger.py::test_raw_sql_cannot_return_credits_twice_or_more_than_were_held",
        ),
    ),
    _F(
        "a storm of 429s uses up every attempt, and failed jobs cannot be run again",
        "claude-mem#3703, pg-boss#551",
        "jobs wait for a busy provider; support redrives by filter, and pauses a step",
        (
            "acceptance/test_provider_failures.py::test_jobs_wait_out_account_errors_without_losing_a_retry",
            "jobs/support/test_redrives.py::test_jobs_begin_at_the_rate_and_the_oldest_first",
            "db/engine/test_pausing.py::test_a_paused_step_is_not_claimed_until_it_is_resumed",
        ),
    ),
    _F(
        "events of a step are sent again with each retry, or lost",
        "dbos-transact-py#770",
        "events have a gapless sequence, recorded with the move",
        (
            "schema/live/test_subscription.py::test_a_subscriber_that_keeps_leaving_misses_and_repeats_nothing",
            "db/engine/test_rules.py::test_the_history_of_every_state_is_gapless_and_replays_to_it",
        ),
    ),
    _F(
        "a claim takes more rows than its limit",
        "oban's own comment on its query",
        "the planner cannot move the limit",
        ("db/engine/test_rescue.py::test_a_claim_takes_no_more_rows_than_its_limit",),
    ),
    _F(
        "millions of finished rows slow down claims, and old ones cannot be removed",
        "procrastinate#1454, #1242, pg-boss#228, #824",
        "due rows have their own index; history is dropped by the month (`make bench` measures it)",
        (
            "db/engine/test_rescue.py::test_no_claim_reads_the_whole_table",
            "retention/test_history.py::test_only_old_months_whose_jobs_have_all_ended_are_dropped",
            "retention/test_history.py::test_reading_one_job_touches_one_partition",
        ),
    ),
    _F(
        "a slow kind of work, or a large customer, starves everyone else",
        "River's and Oban's paid limits; dramatiq's shared queues",
        "each step has a share of the threads, animations have lanes apart from pictures, and accounts take turns",
        (
            "db/engine/test_fairness.py::test_what_follows_the_provider_is_shared_equally_as_well",
            "jobs/worker/test_worker.py::test_a_picture_does_not_wait_behind_animations",
            "db/engine/test_fairness.py::test_a_single_job_does_not_wait_behind_another_accounts_thousands",
            "jobs/worker/test_worker.py::test_a_worker_claims_only_what_its_threads_can_soon_do",
        ),
    ),
    _F(
        "the machine's clock steps back, and the scheduler runs things twice or not at all",
        "oban-py before 0.6.2",
        "leases and due times use the database's clock; a step back only delays",
        ("db/engine/test_rescue.py::test_a_clock_that_steps_back_makes_nothing_happen_twice",),
    ),
    _F(
        "raw SQL, or a support script, puts a job into an impossible state",
        "every engine whose rules exist only in code",
        "the rules are rows, and each move refers to one by foreign key",
        (
            "db/engine/test_rules.py::test_raw_sql_can_make_exactly_the_declared_moves",
            "db/engine/test_rules.py::test_a_row_that_contradicts_itself_is_refused",
        ),
    ),
)


def table() -> str:
    """Return the table of the page."""
    head = ["| failure | seen in | why not here | tests |", "| --- | --- | --- | --- |"]
    rows = [
        f"| {each.failure} | {each.seen_in} | {each.why_not_here} | {'<br>'.join(_linked(each))} |" for each in FAILURES
    ]
    return "\n".join([*head, *rows, ""])


def _linked(failure: EngineFailure) -> Iterator[str]:
    """Yield a link to the file of each test, the first of each file."""
    paths = dict.fromkeys(test.partition("::")[0] for test in failure.tests)
    for path in paths:
        yield f"[{path}](../tests/{path})"
