"""Lists show every row once, in both directions, without offsets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.schema.documents import make_avatar, make_story
from tests.support.partners import LAST_SEQ, TO_FAILURE, TO_SUCCESS, Partner, move

PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String, $filter: JobFilter, $orderBy: JobOrder! = NEWEST) {
  jobs(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


@pytest.fixture
def made(acme: Partner) -> list[str]:
    """Make five jobs and return them, oldest first."""
    selfie = acme.asset()
    return [make_avatar(acme, selfie, metadata={"number": number}) for number in range(5)]


def _ids(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


def _pages(acme: Partner, size: int, *, backward: bool, **more: Any) -> list[list[str]]:
    """Return every page up to the last."""
    pages, cursor = [], None
    while True:
        place = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        page = acme.ask(PAGE, **place, **more)["jobs"]
        pages.append(_ids(page))
        if not page["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]:
            return pages
        cursor = page["pageInfo"]["startCursor" if backward else "endCursor"]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_forward_pages_show_every_row_once(acme: Partner, made: list[str], size: int) -> None:
    walked = [each for page in _pages(acme, size, backward=False) for each in page]
    assert walked == made[::-1]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_backward_pages_show_every_row_once(acme: Partner, made: list[str], size: int) -> None:
    walked = [each for page in reversed(_pages(acme, size, backward=True)) for each in page]
    assert walked == made[::-1]


def test_the_oldest_can_come_first(acme: Partner, made: list[str]) -> None:
    assert _pages(acme, 2, backward=False, orderBy="OLDEST") == [made[:2], made[2:4], made[4:]]


def test_recently_finished_leaves_out_unfinished_jobs(acme: Partner, made: list[str]) -> None:
    for job_id in (made[3], made[0], made[2]):
        move(acme.server.engine, job_id, *TO_SUCCESS)
    pages = _pages(acme, 1, backward=False, orderBy="RECENTLY_FINISHED")
    assert pages == [[made[2]], [made[0]], [made[3]]]
    pages = _pages(acme, 2, backward=True, orderBy="RECENTLY_FINISHED")
    assert pages == [[made[0], made[3]], [made[2]]]


def test_a_page_between_two_cursors_is_bounded_by_both(acme: Partner, made: list[str]) -> None:
    cursors = [edge["cursor"] for edge in acme.ask(PAGE, first=5)["jobs"]["edges"]]
    page = acme.ask(PAGE, first=5, after=cursors[0], before=cursors[4])["jobs"]
    assert _ids(page) == made[::-1][1:4]


def test_rows_added_meanwhile_do_not_shift_a_page(acme: Partner, made: list[str]) -> None:
    first = acme.ask(PAGE, first=2)["jobs"]
    make_avatar(acme, acme.asset())
    second = acme.ask(PAGE, first=2, after=first["pageInfo"]["endCursor"])["jobs"]
    assert _ids(second) == made[::-1][2:4]


@pytest.mark.parametrize(
    "size", [{}, {"first": 0}, {"first": 101}, {"first": -1}, {"first": 1, "last": 1}, {"last": 0}]
)
def test_a_page_has_one_size_from_1_to_100(acme: Partner, size: dict[str, int]) -> None:
    error = acme.fail(PAGE, **size)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "Give either `first` or `last`, from 1 to 100."


def test_a_cursor_is_valid_only_for_its_own_order(acme: Partner, made: list[str]) -> None:
    cursor = acme.ask(PAGE, first=1)["jobs"]["edges"][0]["cursor"]
    progress = acme.ask("query ($id: ID!) { job(id: $id) { cursor } }", id=made[0])["job"]["cursor"]
    for wrong, order in ((cursor, "RECENTLY_FINISHED"), (progress, "NEWEST"), ("nonsense", "NEWEST"), ("é", "NEWEST")):
        assert acme.fail(PAGE, first=1, after=wrong, orderBy=order)["extensions"]["code"] == "BAD_USER_INPUT"


def test_filters_narrow_the_list(acme: Partner, made: list[str]) -> None:
    story = make_story(acme, acme.asset(), animation=None, theme="moon-base")
    move(acme.server.engine, made[1], *TO_FAILURE)
    parts = {story["avatar"]["id"], story["scene"]["id"]}
    finished_at = acme.ask("query ($id: ID!) { job(id: $id) { finishedAt } }", id=made[1])["job"]["finishedAt"]
    for wanted, found in (
        ({"ids": [made[0], made[4]]}, {made[0], made[4]}),
        ({"kinds": ["SCENE"]}, {story["scene"]["id"]}),
        ({"states": ["FAILED", "WAITING"]}, {made[1], story["scene"]["id"]}),
        ({"errorCodes": ["CONTENT_REJECTED"]}, {made[1]}),
        ({"themes": ["moon-base"]}, {story["scene"]["id"]}),
        ({"storyId": story["id"]}, parts),
        ({"storyId": story["id"], "kinds": ["AVATAR"]}, {story["avatar"]["id"]}),
        ({"userRef": "ada"}, set()),
        ({"metadata": {"contains": {"number": 3}}}, {made[3]}),
        ({"createdAfter": "2020-01-01T00:00:00Z"}, {*made, *parts}),
        ({"createdBefore": "2020-01-01T00:00:00+02:00"}, set()),
        ({"finishedAfter": finished_at}, {made[1]}),
        ({"finishedBefore": "2020-01-01T00:00:00Z"}, set()),
        ({"providerPredictionId": "none"}, set()),
    ):
        assert set(_ids(acme.ask(PAGE, first=100, filter=wanted)["jobs"])) == found, wanted


def test_a_users_jobs_are_found_by_reference(acme: Partner) -> None:
    acme.user("bob")
    with acme.server.engine.connect() as conn:
        session_id = conn.exec_driver_sql("SELECT id FROM sessions WHERE user_ref = 'bob' ORDER BY id DESC").scalar()
    job_id = make_avatar(acme.user("bob"), acme.asset(session_id=session_id))
    assert _ids(acme.ask(PAGE, first=5, filter={"userRef": "bob"})["jobs"]) == [job_id]


@pytest.mark.parametrize(
    "wanted",
    [
        {"ids": []},
        {"kinds": []},
        {"ids": ["nonsense"]},
        {"storyId": "job_00000000000000000000000000"},
        {"themes": ["x"] * 101},
        {"metadata": {"contains": 3}},
        {"createdAfter": "yesterday"},
        {"createdAfter": "2020-01-01T00:00:00"},
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(acme: Partner, wanted: dict[str, Any]) -> None:
    error = acme.fail(PAGE, first=1, filter=wanted)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["retryable"] is False


def test_stories_are_listed_newest_first(acme: Partner) -> None:
    selfie = acme.asset()
    made = [make_story(acme, selfie)["id"] for _ in range(3)]
    document = """
    query ($first: Int, $after: String, $last: Int) {
      stories(first: $first, after: $after, last: $last) { edges { cursor node { id } } pageInfo { hasNextPage } }
    }
    """
    page = acme.ask(document, first=2)["stories"]
    assert _ids(page) == made[:0:-1]
    assert page["pageInfo"]["hasNextPage"] is True
    assert _ids(acme.ask(document, first=2, after=page["edges"][-1]["cursor"])["stories"]) == [made[0]]
    assert _ids(acme.ask(document, last=1)["stories"]) == [made[0]]


def test_the_history_is_paged_in_both_directions(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_SUCCESS)
    document = """
    query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      job(id: $id) {
        cursor
        events(first: $first, after: $after, last: $last, before: $before) {
          edges { cursor node { seq cursor } } pageInfo { hasNextPage hasPreviousPage }
        }
      }
    }
    """

    def page(**place: Any) -> tuple[list[int], str]:
        events = acme.ask(document, id=job_id, **place)["job"]["events"]
        return [edge["node"]["seq"] for edge in events["edges"]], events["edges"][-1]["cursor"]

    first, cursor = page(first=3)
    assert first == [1, 2, 3]
    assert page(first=3, after=cursor)[0] == [4, 5, 6]
    last, _ = page(last=2)
    assert last == [LAST_SEQ - 1, LAST_SEQ]
    assert page(last=2, before=cursor)[0] == [1, 2]
    job = acme.ask(document, id=job_id, last=1)["job"]
    assert job["cursor"] == job["events"]["edges"][0]["node"]["cursor"]


def test_the_histories_of_many_jobs_come_together(acme: Partner, made: list[str]) -> None:
    move(acme.server.engine, made[2], *TO_SUCCESS[:2])
    document = """
    { jobs(first: 5, orderBy: OLDEST) {
        edges { node { two: events(first: 2) { edges { node { seq } } pageInfo { hasNextPage } }
                       nine: events(first: 9) { edges { node { seq } } } } } } }
    """
    nodes = [edge["node"] for edge in acme.ask(document)["jobs"]["edges"]]
    assert [[edge["node"]["seq"] for edge in node["two"]["edges"]] for node in nodes] == [[1], [1], [1, 2], [1], [1]]
    assert [node["two"]["pageInfo"]["hasNextPage"] for node in nodes] == [False, False, True, False, False]
    assert [len(node["nine"]["edges"]) for node in nodes] == [1, 1, 3, 1, 1]
