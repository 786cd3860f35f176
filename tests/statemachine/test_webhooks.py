"""Waits after failed deliveries grow, and an endpoint is given up after three days or when it is gone."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from statemachine.vocabulary import WebhookDisabledReason
from statemachine.webhooks import WebhookPolicy

POLICY = WebhookPolicy()


def test_each_wait_is_longer_up_to_the_last() -> None:
    for failures in range(1, 30):
        base_s = POLICY.delays_s[min(failures, len(POLICY.delays_s)) - 1]
        waits = [POLICY.delay_after(failures, Random(seed)).total_seconds() for seed in range(50)]
        assert base_s <= min(waits) < max(waits) <= 1.2 * base_s


def test_a_requested_wait_counts_if_it_is_longer() -> None:
    assert POLICY.delay_after(1, Random(1), 100.0) == timedelta(seconds=100)
    assert POLICY.delay_after(1, Random(1), 1.0) >= timedelta(seconds=5)


def test_an_endpoint_is_tried_for_three_days() -> None:
    tried = timedelta(0)
    attempts = 1
    while POLICY.reason_to_disable(503, tried) is None:
        tried += POLICY.delay_after(attempts, Random(attempts))
        attempts += 1
    assert timedelta(days=3) <= tried <= timedelta(days=3, hours=5)
    assert 15 <= attempts <= 30
    assert POLICY.reason_to_disable(None, tried) is WebhookDisabledReason.FAILED


def test_a_gone_endpoint_is_not_tried_again() -> None:
    assert POLICY.reason_to_disable(410, timedelta(0)) is WebhookDisabledReason.GONE
    assert POLICY.reason_to_disable(404, timedelta(0)) is None
