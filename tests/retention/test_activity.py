"""The activity is purged with the history: from the oldest entry on, and never past one that is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from db.engine.activity import sequence
from db.records.activity import ActivityPurged, Head, head, read
from db.upkeep.retention import purge_activity
from tests.retention.account_files import AccountFiles

DAY = timedelta(days=1)


def test_old_entries_go_and_younger_ones_keep_their_positions(files: AccountFiles) -> None:
    account_id = files.world.owner.account_id
    files.job()
    with files.engine.begin() as conn:
        sequence(conn)
        old = head(conn, account_id).position
    files.pass_time(300 * DAY)
    files.job()
    with files.engine.begin() as conn:
        sequence(conn)
        young = read(conn, account_id, old, 1_000)
    files.purge(history=400 * DAY)
    with files.engine.begin() as conn:
        assert head(conn, account_id).purged == 0
    files.pass_time(366 * DAY)
    files.purge(history=365 * DAY)
    with files.engine.begin() as conn:
        assert head(conn, account_id) == Head(old + len(young), old)
        assert read(conn, account_id, None, 1_000) == read(conn, account_id, old, 1_000) == young
        with pytest.raises(ActivityPurged):
            read(conn, account_id, old - 1, 1_000)


def test_a_purge_goes_on_where_the_last_one_ended(files: AccountFiles) -> None:
    account_id = files.world.owner.account_id
    files.job()
    with files.engine.begin() as conn:
        sequence(conn)
        last = head(conn, account_id).position
    files.pass_time(2 * DAY)
    with files.engine.begin() as conn:
        assert [purge_activity(conn, kept_for=DAY, most=last - 1) for _ in range(3)] == [last - 1, 1, 0]
        assert head(conn, account_id) == Head(last, last)
