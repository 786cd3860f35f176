"""The notice of a low balance reaches endpoints, and leaves no gap beside the sequencer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from db.records.credit_limits import set_low_balance_mark
from db.records.ledger import WalletKey, balance_of, post_entry
from jobs.requesting.spending import take_from
from schema.ids import IdKind, encode_id
from statemachine.vocabulary import WebhookEventType
from tests.support.receiver import Receiver
from tests.support.webhooks import Hooks, message


def fall(hooks: Hooks, mark: int) -> None:
    """Give the account credits up to its mark, and take one."""
    wallet = WalletKey(hooks.account_id)
    with hooks.engine.begin() as conn:
        set_low_balance_mark(conn, hooks.account_id, mark)
        missing = mark - balance_of(conn, wallet).available
        if missing > 0:
            post_entry(conn, wallet, "grant", missing, actor="test")
        take_from(conn, wallet, 1, is_capped=False)
        post_entry(conn, wallet, "adjust", -1, actor="test", reason="a test")


def test_an_endpoint_receives_the_notice(hooks: Hooks, receiver: Receiver) -> None:
    with hooks.engine.connect() as conn:
        mark = balance_of(conn, WalletKey(hooks.account_id)).available + 10
    fall(hooks, mark)
    endpoint_id = hooks.endpoint(receiver.url, WebhookEventType.BALANCE_LOW)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    [received] = receiver.requests
    found = message(received)
    assert (found["type"], found["data"]) == ("balance.low", {"available": mark - 1, "mark": mark})
    account = encode_id(IdKind.ACCOUNT, hooks.account_id)
    assert received.headers["webhook-id"].rpartition("_")[0] == account


def test_notices_and_events_leave_no_gap_in_the_activity(hooks: Hooks) -> None:
    job_id = hooks.job()
    with hooks.engine.connect() as conn:
        mark = balance_of(conn, WalletKey(hooks.account_id)).available + 10

    with ThreadPoolExecutor(3) as pool:
        ticks = [pool.submit(hooks.tick, job_id) for _ in range(20)]
        falls = [pool.submit(fall, hooks, mark) for _ in range(20)]
        for each in [*ticks, *falls]:
            each.result()
    hooks.sequence()
    positions = hooks.scalars("SELECT position FROM activity ORDER BY position")
    assert positions == list(range(1, len(positions) + 1))
    assert positions[-1] == hooks.scalar("SELECT position FROM activity_heads")
    assert len(hooks.scalars("SELECT 1 FROM activity WHERE type = 'balance_low'")) == 20
