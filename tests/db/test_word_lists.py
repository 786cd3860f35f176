"""Every word list of `statemachine/vocabulary` is the same in the database and in the API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import pytest
from graphql import GraphQLEnumType, build_schema
from sqlalchemy import Connection, Engine, text

from schema.sdl import PATH
from statemachine import vocabulary as v

# Without the copies that the months of the history have of its CHECKs.
_CHECKS = text(
    "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conislocal "
    "AND conrelid NOT IN (SELECT inhrelid FROM pg_inherits)"
)
# A CHECK that lists the words of one column or of an array, one for those before a colon in it, and one that lists rows
# of several columns.
_WORDS_OF_ONE = re.compile(r"CHECK \(\((\w+) (?:= ANY \(|<@ )ARRAY\[(.*)\]\)?\)\)")
_FIRST_WORDS = re.compile(r"CHECK \(\((\w+) ~ '\^\(([\w|]+)\)\(:\|\$\)'::text\)\)")
_EQUALITY = r"(\w+) = '(\w+)'::text"
_ROWS = re.compile(rf"CHECK (?:{_EQUALITY}|AND|OR|[() ])+")
_RULES = {
    "job_error_codes": ("code",),
    "job_states": ("state", "step"),
    "job_transitions": ("from_state", "event", "to_state"),
}


@dataclass(frozen=True)
class WordList:
    """A list, the columns that are limited to its words, and its name in the API.

    `unstored` words occur only in the API; `extra` ones occur in the columns, but are no members.
    """

    words: type[StrEnum]
    columns: tuple[str, ...] = ()
    in_api: str | None = None
    unstored: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()


LISTS = (
    WordList(v.State, ("job_states.state",), "JobState"),
    # The first move of a job is from `new`, which is no state.
    WordList(v.State, ("job_transitions.from_state",), extra=frozenset({"new"})),
    WordList(v.State, ("job_transitions.to_state",)),
    WordList(v.Event, ("job_transitions.event",), "JobEventName"),
    WordList(v.ActivityType, ("activity.type",), "ActivityType"),
    WordList(v.Actor, ("job_events.actor",)),
    WordList(v.Step, ("job_states.step",), "PipelineStep", extra=frozenset({"none"})),
    WordList(v.Kind, ("jobs.kind",), "GenerationKind"),
    WordList(v.OnFailure, ("job_requests.on_failure",), "OnFailure"),
    WordList(v.ErrorCode, ("job_error_codes.code",), "JobErrorCode"),
    WordList(v.AttemptStatus, ("attempts.status",), "AttemptStatus"),
    WordList(v.AssetKind, ("assets.kind",), "AssetKind"),
    WordList(v.AssetState, ("assets.state",), "AssetState"),
    WordList(v.DeletionSubject, ("deletions.subject",), "DeletionSubject"),
    WordList(v.CompensationKind, ("compensation_actions.action",), "CompensationKind"),
    WordList(v.CompensationState, ("compensation_actions.state",), "CompensationState"),
    WordList(v.CreditEntryKind, ("ledger_entries.kind",), "CreditEntryKind"),
    WordList(v.CreditBucket, ("ledger_entries.debit_bucket", "ledger_entries.credit_bucket"), "CreditBucket"),
    WordList(v.Tier, ("sessions.tier",), "Tier"),
    WordList(v.Role, ("api_keys.role",), "Role", unstored=frozenset({v.Role.SESSION})),
    WordList(v.Role, ("audit_entries.role",), unstored=frozenset({v.Role.PARTNER, v.Role.SESSION})),
    WordList(v.KeyScope, ("api_keys.scopes",), "ApiKeyScope"),
    WordList(v.UsageLimitName, ("account_usage.limit_name", "usage_limits.limit_name"), "UsageLimitName"),
    WordList(v.UsageLimitOwner, ("usage_limits.owner",), "UsageLimitOwner"),
    WordList(v.KeyMode, in_api="ApiKeyMode"),
    WordList(v.AuditAction, ("audit_entries.action",), "AuditAction"),
    WordList(v.StatementInterval, (), "StatementInterval"),
    WordList(v.RedriveState, ("redrives.state",), "RedriveState"),
    WordList(v.Interval, ("job_statistics.unit",), "Interval"),
    WordList(v.WaitKind, in_api="WaitKind"),
    WordList(v.BreakerState, ("provider_breaker.state",), "BreakerState"),
    WordList(v.BreakerCause, ("provider_breaker.cause",), "BreakerCause"),
    WordList(v.ProviderCall, ("provider_budgets.call",)),
    WordList(v.WebhookEffect, ("provider_webhooks.effect",)),
    WordList(v.WebhookEventType, ("webhook_endpoints.event_types",), "WebhookEventType"),
    WordList(v.WebhookEndpointState, in_api="WebhookEndpointState"),
    WordList(v.WebhookDisabledReason, ("webhook_endpoints.disabled_reason",), "WebhookDisabledReason"),
    WordList(v.WebhookFailure, ("webhook_deliveries.failure",), "WebhookFailure"),
)


def stored_words(conn: Connection) -> dict[str, set[str]]:
    """Return the words that a migrated database allows in each column, by its CHECKs and its rule rows."""
    found: dict[str, set[str]] = {}
    for table, definition in conn.execute(_CHECKS):
        if of_one := _WORDS_OF_ONE.fullmatch(definition):
            found[f"{table}.{of_one[1]}"] = set(re.findall(r"'(\w+)'", of_one[2]))
        elif first := _FIRST_WORDS.fullmatch(definition):
            found[f"{table}.{first[1]}"] = set(first[2].split("|"))
        elif _ROWS.fullmatch(definition):
            for column, word in re.findall(_EQUALITY, definition):
                found.setdefault(f"{table}.{column}", set()).add(word)
    for table, columns in _RULES.items():
        for column in columns:
            found[f"{table}.{column}"] = set(conn.scalars(text(f"SELECT {column} FROM {table}")))
    return found


def api_words(name: str) -> set[str]:
    found = build_schema(PATH.read_text(encoding="utf-8")).type_map[name]
    assert isinstance(found, GraphQLEnumType)
    return set(found.values)


@pytest.mark.parametrize("words", LISTS, ids=lambda each: "-".join((each.words.__name__, *each.columns)))
def test_a_word_list_is_the_same_in_the_database_and_in_the_api(engine: Engine, words: WordList) -> None:
    with engine.connect() as conn:
        stored = stored_words(conn)
    for column in words.columns:
        assert stored[column] == set(words.words) - words.unstored | words.extra, column
    if words.in_api:
        assert api_words(words.in_api) == {word.upper() for word in words.words} == set(words.words.__members__)


def test_no_word_list_is_left_out(engine: Engine) -> None:
    declared = {each for each in vars(v).values() if isinstance(each, type) and issubclass(each, StrEnum)} - {StrEnum}
    with engine.connect() as conn:
        stored = stored_words(conn)
    assert {each.words for each in LISTS} == declared
    assert {column for each in LISTS for column in each.columns} == set(stored)
