"""The same picture, uploaded twice by one user, is one object with two assets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from jobs.renditions import store_renditions
from jobs.requesting import uploads
from schema.ids import IdKind, decode_id
from storage import S3Store
from tests.schema.mutations.uploading import complete, noise, upload
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.serving import Caller, Server


def _keys(store: S3Store) -> list[str]:
    return [each.key for each in store.list()]


def _path(payload: dict[str, Any]) -> str:
    return httpx.URL(payload["asset"]["url"]).path


def test_the_same_picture_uploaded_twice_is_stored_once(uploader: Caller, store: S3Store) -> None:
    picture = noise()
    first = complete(uploader, upload(uploader, picture))
    objects = _keys(store)
    second = complete(uploader, upload(uploader, picture))
    assert second["asset"]["id"] != first["asset"]["id"]
    assert (_path(second), _keys(store)) == (_path(first), objects)
    assert httpx.get(second["asset"]["url"]).status_code == 200
    smaller = "query ($id: ID!) { node(id: $id) { ... on Asset { url(width: 320) } } }"
    addresses = [uploader.ask(smaller, id=each["asset"]["id"])["node"]["url"] for each in (first, second)]
    assert len({httpx.URL(each).path for each in addresses}) == 1
    assert httpx.get(addresses[1]).status_code == 200


@pytest.mark.media
def test_two_users_of_a_partner_share_nothing(storing: Server, store: S3Store) -> None:
    """The address of a shared object would show a user that somebody else uploaded the picture first."""
    account, picture = partner(storing, unique_name("partner")), noise()
    callers = [account.user("ada"), account.user("bob"), partner(storing, unique_name("other")), account]
    made = [complete(caller, upload(caller, picture)) for caller in callers]
    assert len({each["asset"]["sha256"] for each in made}) == 1
    assert len({_path(each) for each in made}) == len(callers)


@pytest.mark.media
def test_two_completions_of_the_same_picture_at_once_store_it_once(
    uploader: Caller, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = noise()
    ids, both = [upload(uploader, picture) for _ in range(2)], threading.Barrier(2)

    def together(*given: Any) -> Any:
        both.wait(60)
        return store_renditions(*given)

    monkeypatch.setattr(uploads, "store_renditions", together)
    with ThreadPoolExecutor() as threads:
        made = list(threads.map(lambda asset_id: complete(uploader, asset_id), ids))
    assert [each["userErrors"] for each in made] == [[], []]
    assert _path(made[0]) == _path(made[1])
    assert sum(key.endswith(".jpg") for key in _keys(store)) == 1
    assert len(_keys(store)) == 4


@pytest.mark.media
def test_a_picture_whose_twin_is_being_deleted_is_stored_anew(
    uploader: Caller, storing: Server, store: S3Store
) -> None:
    picture = noise()
    first = complete(uploader, upload(uploader, picture))
    second = upload(uploader, picture)
    with storing.engine.connect() as deleting:
        deleting.execute(text("UPDATE assets SET state = 'deleted' WHERE state = 'ready'"))
        completed = complete(uploader, second)
        deleting.commit()
    assert _path(completed) != _path(first)
    assert httpx.get(completed["asset"]["url"]).status_code == 200


@pytest.mark.media
def test_a_twin_that_was_lost_or_has_expired_is_not_shared(uploader: Caller, storing: Server, store: S3Store) -> None:
    picture = noise()
    first = complete(uploader, upload(uploader, picture))
    store.delete(_keys(store))
    second = complete(uploader, upload(uploader, picture))
    assert httpx.get(second["asset"]["url"]).status_code == 200
    with storing.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET expires_at = now() WHERE state = 'ready'"))
    third = complete(uploader, upload(uploader, picture))
    assert len({_path(each) for each in (first, second, third)}) == 3


def test_a_late_completion_does_not_delete_an_object_that_another_asset_shares(
    uploader: Caller, storing: Server, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first asset is completed by another request, shared and deleted before its slow request comes to an end."""
    picture = noise()
    slow = upload(uploader, picture)
    shared: list[dict[str, Any]] = []

    def overtaken(*given: Any) -> Any:
        monkeypatch.undo()
        assert complete(uploader, slow)["userErrors"] == []
        shared.append(complete(uploader, upload(uploader, picture)))
        with storing.engine.begin() as conn:
            conn.execute(
                text("UPDATE assets SET state = 'deleted' WHERE id = :id"), {"id": decode_id(slow, IdKind.ASSET)}
            )
        return store_renditions(*given)

    monkeypatch.setattr(uploads, "store_renditions", overtaken)
    complete(uploader, slow)
    assert httpx.get(shared[0]["asset"]["url"]).status_code == 200
