"""The subscription: a snapshot, every later event once and in order, the last one, the end."""

from __future__ import annotations

from tests.schema.documents import FOLLOW, make_avatar
from tests.schema.world import TO_SUCCESS, Partner, move


def test_a_job_is_told_from_its_snapshot_to_its_end(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    with acme.socket() as socket:
        socket.begin(FOLLOW, jobId=job_id)
        snapshot = socket.next()["generationProgress"]
        assert (snapshot["isSnapshot"], snapshot["event"], snapshot["state"]) == (True, None, "QUEUED")
        move(acme.server.engine, job_id, *TO_SUCCESS)
        told = [socket.next()["generationProgress"] for _ in TO_SUCCESS]
        assert [each["event"]["seq"] for each in told] == list(range(2, 9))
        assert [each["isFinal"] for each in told] == [False] * 6 + [True]
        assert socket.receive()["type"] == "complete"
