"""The database lets a deletion erase words of final rows, and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.retention.account_files import AccountFiles


@pytest.mark.parametrize("change", ["user_ref = 'x'", "reason = 'x'", "amount = 1"])
def test_only_a_deletion_changes_names_in_the_ledger(files: AccountFiles, change: str) -> None:
    with pytest.raises(IntegrityError, match="ledger"), files.engine.begin() as conn:
        conn.execute(text(f"UPDATE ledger_entries SET {change}"))


def test_only_words_of_the_history_can_be_erased(files: AccountFiles) -> None:
    files.job()
    with files.engine.begin() as conn:
        conn.execute(text("SELECT set_config('diorama.erasing', 'on', true)"))
        with pytest.raises(IntegrityError, match="append-only"), conn.begin_nested():
            conn.execute(text("UPDATE job_events SET percent = 1"))
