"""Every status and text that the provider is known to return leads to the right class and retry policy."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files

import httpx
import pytest
from structlog.testing import capture_logs

from jobs.providers import failures
from jobs.providers.failures import Seen, UnknownWords, class_of, classify, table
from simulator.faults.menu import ERRORS
from statemachine.outcomes import RetryPolicy
from statemachine.vocabulary import ErrorCode

LOW_CREDIT = (
    "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst "
    "of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~7s."
)
NO_CREDIT = (
    "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase "
    "credit. Once you purchase credit, please wait a few minutes before trying again."
)
UNAUTHENTICATED = '{"title":"Unauthenticated","detail":"You did not pass a valid authentication token","status":401}'
INVALID = '{"detail":"- input: prompt is required\\n","status":422,"title":"Input validation failed"}'
MODERATED = '{"detail":"Your request was rejected by the safety system.","code":"moderation_blocked"}'
HTML = "<html><head><title>502 Bad Gateway</title></head></html>"

RESPONSES = [
    (401, UNAUTHENTICATED, "account"),
    (402, json.dumps({"title": "Insufficient credit", "detail": NO_CREDIT, "status": 402}), "account"),
    (403, '{"detail":"You do not have permission to perform this action."}', "account"),
    (404, '{"detail":"The requested resource could not be found.","status":404}', "model_gone"),
    (429, json.dumps({"detail": LOW_CREDIT, "status": 429, "retry_after": 7}), "account"),
    (429, '{"detail":"Request was throttled. Expected available in 1 second."}', "busy"),
    (429, "", "busy"),
    (408, "", "busy"),
    (400, '{"detail":"bad request"}', "refused"),
    (400, MODERATED, "content"),
    (400, '{"error":{"code":"model_not_found"}}', "model_gone"),
    (400, '{"detail":"Model not found"}', "model_gone"),
    (400, '{"error":{"code":"billing_hard_limit_reached"}}', "account"),
    (403, "Your organization must be verified to use the model `gpt-image-1`.", "account"),
    (413, '{"detail":"Files must be less than 100MB in size"}', "refused"),
    (422, INVALID, "refused"),
    (422, MODERATED, "content"),
    (500, "", "busy"),
    (502, HTML, "busy"),
    (503, HTML, "busy"),
    (504, "", "busy"),
    (520, HTML, "busy"),
    (418, "I am a teapot", "unknown"),
]

SENSITIVE = "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"
TEXTS = [
    (SENSITIVE, "content"),
    (f"ModelError: {SENSITIVE} (Ab3xY)", "content"),
    ("Error code: 400 - {'error': {'code': 'moderation_blocked'}}", "content"),
    ("Your request was rejected by the safety system. If you believe this is an error, contact us", "content"),
    ("Your credit is used up. (E001)", "account"),
    ("Your plan does not allow this. (E001)", "account"),
    ("The API key was not accepted. (E002)", "account"),
    ("Incorrect API key provided: sk-abcdefghijkl.", "account"),
    ("You exceeded your current quota, please check your plan. insufficient_quota", "account"),
    ("Insufficient funds", "account"),
    ("Error code: 400 - {'error': {'code': 'billing_hard_limit_reached'}}", "account"),
    ("Billing hard limit has been reached", "account"),
    ("Your organization must be verified to use the model `gpt-image-1`.", "account"),
    ("input new_sensitive", "content"),
    ("output new_sensitive (1027)", "content"),
    ("The service is under high demand. Please try again later. (E003)", "busy"),
    ("Service is temporarily unavailable. Please try again later. (E004)", "busy"),
    ("The model `gpt-image-1` has been deprecated", "model_gone"),
    ("Error code: 404 - model_not_found", "model_gone"),
    ("Model not found", "model_gone"),
    ("An unknown error happened (E1000)", "platform"),
    ("CUDA out of memory (E1001)", "too_large"),
    ("E1001", "too_large"),
    ("The internal webhook URL is empty (E4875)", "ours"),
    ("Timeout starting the model (E6716)", "platform"),
    ("Stopped in a non-terminal state (E8367)", "platform"),
    ("Health check failed (E8765)", "platform"),
    ("Error starting the prediction (E9243)", "platform"),
    ("Failed to upload file (E9825)", "platform"),
    ("Director: unexpected error handling prediction (E9828)", "platform"),
    ("Prediction interrupted; please retry (code: PA)", "platform"),
    ("cannot identify image file", "unreadable"),
    ("failed to download the first frame", "unreadable"),
    ("The upstream request timed out", "timeout"),
    ("Something never seen before (E7777)", "unknown"),
    ("list index out of range", "unknown"),
    ("", "unknown"),
]
RETRY_POLICIES = {
    "content": (ErrorCode.CONTENT_REJECTED, RetryPolicy.NEVER),
    "account": (ErrorCode.PROVIDER_ACCOUNT, RetryPolicy.OPERATOR),
    "model_gone": (ErrorCode.PROVIDER_ACCOUNT, RetryPolicy.ANOTHER_MODEL),
    "busy": (ErrorCode.PROVIDER_UNAVAILABLE, RetryPolicy.WAIT),
    "platform": (ErrorCode.PROVIDER_UNAVAILABLE, RetryPolicy.RETRY),
    "too_large": (ErrorCode.PROVIDER_REJECTED, RetryPolicy.RETRY),
    "timeout": (ErrorCode.PROVIDER_TIMEOUT, RetryPolicy.RETRY),
    "unreadable": (ErrorCode.INPUT_UNREADABLE, RetryPolicy.RETRY),
    "refused": (ErrorCode.PROVIDER_REJECTED, RetryPolicy.NEVER),
    "ours": (ErrorCode.INTERNAL, RetryPolicy.NEVER),
    "expired": (ErrorCode.OUTPUT_EXPIRED, RetryPolicy.RETRY),
    "odd_output": (ErrorCode.OUTPUT_INVALID, RetryPolicy.RETRY),
    "inline_output": (ErrorCode.OUTPUT_INVALID, RetryPolicy.NEVER),
    "unknown": (ErrorCode.PROVIDER_REJECTED, RetryPolicy.RETRY),
}


@pytest.mark.parametrize(("status", "body", "wanted"), RESPONSES)
def test_an_error_response_of_the_api_has_a_class(status: int, body: str, wanted: str) -> None:
    assert class_of(Seen.HTTP, body, status) == wanted
    failure = failures.of_status(status, body, 7.0)
    assert (failure.code, failure.retry_policy) == RETRY_POLICIES[wanted]
    assert failure.retry_after_s == 7.0
    assert (failure.detail or "").startswith(f"HTTP {status}: ")


@pytest.mark.parametrize(("text", "wanted"), TEXTS)
def test_a_failed_prediction_has_a_class(text: str, wanted: str) -> None:
    assert class_of(Seen.PREDICTION, text) == wanted
    failure = failures.of_prediction_error(text)
    assert (failure.code, failure.retry_policy) == RETRY_POLICIES[wanted]


def test_every_error_text_of_the_simulator_has_the_class_of_its_code() -> None:
    """Its texts were written separately, from the same facts: the rules must recognize them too."""
    classes = {code: class_of(Seen.PREDICTION, text) for code, text in ERRORS.items()}
    assert classes == {
        **dict.fromkeys(("PA", "E1000", "E6716", "E8367", "E8765", "E9243", "E9825", "E9828"), "platform"),
        **dict.fromkeys(("E001", "E002"), "account"),
        **dict.fromkeys(("E003", "E004"), "busy"),
        **dict.fromkeys(("E005", "moderation_blocked"), "content"),
        "E1001": "too_large",
        "E4875": "ours",
        "model_not_found": "model_gone",
    }


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), ValueError("no JSON")])
def test_an_unreachable_provider_is_waited_for(error: Exception) -> None:
    failure = failures.unreachable(error)
    assert (failure.code, failure.retry_policy) == RETRY_POLICIES["busy"]
    assert failure.detail == f"{type(error).__name__}: {error}"


def test_ends_without_an_output_have_their_own_classes() -> None:
    for failure, wanted in (
        (failures.timed_out(120.4), "timeout"),
        (failures.empty_output(), "content"),
        (failures.odd_output("the output is not a URL: dict"), "odd_output"),
        (failures.odd_output("the output is inline, and no picture or video in base64"), "inline_output"),
        (failures.output_expired("HTTP 404"), "expired"),
    ):
        assert (failure.code, failure.retry_policy) == RETRY_POLICIES[wanted]


def test_every_class_is_tested_and_states_what_the_engine_does() -> None:
    whole = json.loads((files("jobs.providers") / "failures.json").read_text("utf-8"))
    assert set(whole["classes"]) == set(RETRY_POLICIES) == set(table().classes)
    assert all(record["engine"] for record in whole["classes"].values())
    assert {rule["class"] for rule in whole["rules"]} <= set(RETRY_POLICIES)
    seen = Counter(wanted for _, wanted in TEXTS) + Counter(wanted for *_, wanted in RESPONSES)
    assert set(seen) | {"expired", "odd_output", "inline_output"} == set(RETRY_POLICIES)


def test_messages_for_users_mention_neither_the_provider_nor_our_account() -> None:
    for failure in table().classes.values():
        for word in ("credit", "replicate", "openai", "key", "token", "billing", "account", "HTTP"):
            assert word.lower() not in f"{failure.message} {failure.final_message}".lower(), failure.message
        assert failure.message.endswith(".")


def test_a_final_message_does_not_promise_another_try() -> None:
    """Only a job that will be retried may promise that; one that has ended may not."""
    for name, failure in table().classes.items():
        final = failure.final_message or failure.message
        assert "keep trying" not in final, name
        assert final.endswith(".")


def test_a_stored_detail_still_shows_that_a_model_was_gone() -> None:
    for status, body, wanted in RESPONSES:
        detail = failures.of_status(status, body, None).detail or ""
        assert failures.reports_gone_model(detail) is (wanted == "model_gone"), detail
    for words, wanted in TEXTS:
        assert failures.reports_gone_model(failures.of_prediction_error(words).detail or "") is (wanted == "model_gone")


def test_a_rejected_picture_gets_a_polite_message_and_no_retry() -> None:
    failure = failures.of_prediction_error(SENSITIVE)
    assert failure.retry_policy is RetryPolicy.NEVER
    assert "can happen to harmless ones" in failure.message
    assert "try another photo or other words" in failure.message


def test_keys_in_the_providers_words_are_masked_before_they_are_cut() -> None:
    detail = classify(Seen.PREDICTION, "x" * 990 + " sk-abcdefghijklmnopqrstuvwxyz").detail or ""
    assert len(detail) <= 1000
    assert "sk-abc" not in detail


def test_unknown_words_are_counted_by_their_shape() -> None:
    counter = UnknownWords()
    first, _ = counter.add(Seen.PREDICTION, "worker 17 lost 0a1b2c3d4e", None)
    second, count = counter.add(Seen.PREDICTION, "Worker 4 lost ffffffff00", None)
    other, _ = counter.add(Seen.PREDICTION, "worker lost", None)
    assert (first, count) == (second, 2)
    assert counter.counts() == {first: 2, other: 1}


def test_unknown_words_are_logged_only_by_their_digest() -> None:
    with capture_logs() as lines:
        failures.of_prediction_error("never seen: my secret wish")
        failures.of_prediction_error(SENSITIVE)
    (line,) = lines
    assert line["event"] == "unknown provider error"
    assert set(line) == {"event", "log_level", "seen", "status", "digest", "count"}
    assert failures.unknown_words.counts()[line["digest"]] == line["count"]


def test_an_html_page_is_stored_as_the_line_that_a_reader_would_see() -> None:
    page = "<!DOCTYPE html>\n<html><head><title>api | 502</title><style>p { color: red }</style></head>\n"
    page += "<body><h1>Bad gateway</h1>\n<p>Error&nbsp;code 502, ray 8f3</p></body></html>"
    assert classify(Seen.HTTP, page, 502).detail == "HTTP 502: api | 502 Bad gateway Error code 502, ray 8f3"
    assert classify(Seen.PREDICTION, "a < b\nand <c>").detail == "a < b and <c>", "markup in a sentence stays"
