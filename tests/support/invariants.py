"""The invariants that every database must satisfy, whatever has happened to its jobs."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine, text

from db.records.ledger import ledger_discrepancies
from statemachine.transitions import TRANSITIONS
from statemachine.vocabulary import State

LEGAL = {(rule.from_state or "new", str(rule.event), str(rule.to_state)) for rule in TRANSITIONS}


# The states of a canceled job: it waits for the provider's response, or it ends.
_CANCELED_IN = ("submitting", "compensating", "failed", "canceled")
# The jobs of one account, or all of them.
_OF = "(SELECT id FROM jobs WHERE CAST(:account AS uuid) IS NULL OR account_id = :account)"


def assert_sound(engine: Engine, account_id: UUID | None = None) -> None:
    """Check every job's history and row, or those of one account, against the invariants of the state machine."""
    with engine.connect() as conn:
        given = {"account": account_id}
        jobs = {row.id: row for row in conn.execute(text(f"SELECT * FROM jobs WHERE id IN {_OF}"), given)}
        events = conn.execute(text(f"SELECT * FROM job_events WHERE job_id IN {_OF} ORDER BY job_id, seq"), given).all()
    seen: dict[object, tuple[int, str]] = {}
    for event in events:
        before_seq, before_state = seen.get(event.job_id, (0, "new"))
        assert event.seq == before_seq + 1, f"a gap in the history of {event.job_id} at {event.seq}"
        assert event.from_state == before_state, f"the history of {event.job_id} does not follow at {event.seq}"
        assert (event.from_state, event.event, event.to_state) in LEGAL
        seen[event.job_id] = (event.seq, event.to_state)
    for job_id, job in jobs.items():
        assert seen[job_id] == (job.seq, job.state), f"the history of {job_id} does not lead to its row"
        assert State(job.state).is_terminal == (job.finished_at is not None)
        assert (job.due_at is None) == State(job.state).is_terminal
        assert job.cancel_requested_at is None or job.state in _CANCELED_IN, (
            f"{job_id} continues although it is canceled"
        )


def assert_credits_add_up(engine: Engine, account_id: UUID | None = None) -> None:
    """Check that the entries and wallets of the ledger agree with each other and with the jobs."""
    with engine.connect() as conn:
        its_own = {account_id, *conn.scalars(text(_OF), {"account": account_id})}
        found = ledger_discrepancies(conn)
    assert [each for each in found if account_id is None or each.id in its_own] == []


def assert_attempts_add_up(engine: Engine, account_id: UUID | None = None) -> None:
    """Check that every accepted submission is in the ledger of attempts, once, with its prediction."""
    with engine.connect() as conn:
        rows = conn.execute(
            text(
                "SELECT j.id, j.attempt, j.accepted, count(a.*) AS begun, count(a.prediction_id) AS taken "
                f"FROM jobs j LEFT JOIN attempts a ON a.job_id = j.id WHERE j.id IN {_OF} GROUP BY j.id"
            ),
            {"account": account_id},
        ).all()
    for row in rows:
        assert (row.begun, row.taken) == (row.attempt, row.accepted), f"attempts of {row.id} do not add up"


def assert_undone(engine: Engine, account_id: UUID | None = None) -> None:
    """Check that no job ended or began again with a compensating action still pending."""
    query = f"""
        SELECT j.id, j.state, a.action FROM compensation_actions a JOIN jobs j ON j.id = a.job_id
        WHERE a.state = 'pending' AND (j.state <> 'compensating' OR a.cycle > j.cycle) AND j.id IN {_OF}
    """
    with engine.connect() as conn:
        assert conn.execute(text(query), {"account": account_id}).all() == [], (
            "jobs continued with a compensating action pending"
        )


def assert_roll_backs_took_nothing_owned(engine: Engine, account_id: UUID | None = None) -> None:
    """Check that each rolled-back job went with a failed one, as far as requested, and was used by no other."""
    query = f"""
        SELECT e.job_id FROM job_events e JOIN jobs p ON p.id = e.job_id
        WHERE e.event = 'rolled_back' AND e.job_id IN {_OF} AND (NOT EXISTS (
            SELECT FROM jobs child JOIN job_requests r ON r.job_id = child.id
            JOIN job_events ended ON ended.job_id = child.id AND ended.to_state = 'failed' AND ended.at = e.at
            WHERE child.parent_id = p.id AND child.story_id = p.story_id
              AND (r.on_failure = 'roll_back_story'
                   OR (r.on_failure = 'roll_back_parent' AND ended.error_code <> 'rolled_back'))
        ) OR EXISTS (
            SELECT FROM jobs other CROSS JOIN LATERAL (
                SELECT to_state FROM job_events WHERE job_id = other.id AND at <= e.at ORDER BY seq DESC LIMIT 1
            ) AS stood
            WHERE other.parent_id = p.id AND stood.to_state NOT IN ('compensating', 'failed', 'canceled')
        ))
    """
    with engine.connect() as conn:
        assert conn.scalars(text(query), {"account": account_id}).all() == [], (
            "a job was rolled back although its owner uses it"
        )
