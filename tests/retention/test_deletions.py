"""A deletion removes everything that was made for its subject, however often it dies on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from db.ids import new_id
from db.records.ledger import Balance, WalletKey, balance_of, post_entry
from db.records.requests import Owner, insert_story
from db.statements import source_of
from jobs.deleting.carrying_out import carry_out_deletions
from jobs.deleting.requesting import Requested, delete_asset, delete_story, delete_user
from jobs.errors import Forbidden, InputExpired
from jobs.identity import Principal, authenticate, open_session
from jobs.providers.pair import ProviderPair
from jobs.support.redriving import retry_job
from statemachine.vocabulary import Kind, State
from storage import StorageUnavailable
from storage.keys import asset_key
from tests.retention.account_files import AccountFiles
from tests.support.factories import World, advance_to
from tests.support.fakes import FakeProvider

WORDS = "my secret garden"


@pytest.fixture
def partner(files: AccountFiles) -> Principal:
    return Principal(files.world.owner.account_id, "partner", "acme")


def request(files: AccountFiles, act: Callable[..., Requested], *given: Any) -> UUID:
    """Request a deletion and return its id."""
    with files.engine.begin() as conn:
        return act(conn, *given).deletion.id


def carry_out(files: AccountFiles, provider: FakeProvider | None = None) -> int:
    return carry_out_deletions(files.engine, files.store, ProviderPair(provider or FakeProvider()))


def is_complete(files: AccountFiles, deletion_id: UUID) -> bool:
    return files.scalar("SELECT completed_at FROM deletions WHERE id = :id", id=deletion_id) is not None


def story(files: AccountFiles, *, last: State = State.SUCCEEDED) -> tuple[UUID, list[UUID]]:
    """Add a story of an avatar and a scene, with a selfie that has an object; return its id and its jobs."""
    selfie_id, story_id = files.selfie(kept_for=None), new_id()
    with files.engine.begin() as conn:
        insert_story(conn, files.world.owner, story_id, selfie_id)
    files.world = replace(files.world, selfie_id=selfie_id)
    avatar = files.job(story_id=story_id)
    scene = files.job(
        last, kind=Kind.SCENE, story_id=story_id, parent_id=avatar, details=WORDS, metadata={"chapter": WORDS}
    )
    return story_id, [avatar, scene]


def undo(files: AccountFiles, job_id: UUID) -> None:
    """End a canceled job, as a worker does."""
    with files.engine.begin() as conn:
        advance_to(conn, job_id, State.CANCELED)


def words_left(files: AccountFiles) -> list[str]:
    """Return the tables that contain the words of the user."""
    tables = ("jobs", "job_requests", "job_events", "attempts", "compensation_actions", "ledger_entries", "assets")
    found = {table: files.scalar(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%garden%'") for table in tables}
    return [table for table, count in found.items() if count]


def test_a_story_goes_with_its_sources_and_words_and_the_rest_stays(files: AccountFiles, partner: Principal) -> None:
    story_id, jobs = story(files)
    other = files.job()
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET error_detail = 'the provider said garden' WHERE id = :id"), {"id": jobs[1]})
        conn.execute(text("UPDATE attempts SET error_detail = 'garden' WHERE job_id = :id"), {"id": jobs[1]})
    before = files.objects()
    assert len([key for key in before if any(str(job_id) in key for job_id in jobs)]) == 6
    deletion_id = request(files, delete_story, partner, story_id)
    assert not is_complete(files, deletion_id)
    assert files.scalar("SELECT count(*) FROM assets WHERE state = 'ready' AND kind IN ('avatar', 'scene')") == 1
    assert carry_out(files) == 1
    assert files.objects() == [key for key in before if not any(str(job_id) in key for job_id in jobs)]
    assert any(str(other) in key for key in files.objects())
    assert files.asset_state(files.world.selfie_id) == "ready"
    assert is_complete(files, deletion_id)
    assert files.scalar("SELECT objects FROM deletions") == 6
    assert words_left(files) == []
    assert carry_out(files) == 0


def test_a_deletion_that_is_requested_again_is_the_same(files: AccountFiles, partner: Principal) -> None:
    story_id, _ = story(files)
    first = request(files, delete_story, partner, story_id)
    carry_out(files)
    assert request(files, delete_story, partner, story_id) == first


@pytest.mark.parametrize("dies_at", ["note_deleted", "complete", "doomed_of"])
def test_a_deletion_that_died_goes_on(
    files: AccountFiles, partner: Principal, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    story_id, jobs = story(files)

    def die(*_: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    deletion_id = request(files, delete_story, partner, story_id)
    monkeypatch.setattr(f"jobs.deleting.carrying_out.{dies_at}", die)
    with pytest.raises(KeyboardInterrupt):
        carry_out(files)
    assert not is_complete(files, deletion_id)
    assert carry_out(files) == 1
    assert not [key for key in files.objects() if any(str(job_id) in key for job_id in jobs)]


def test_a_deletion_that_fails_does_not_delay_the_others(
    files: AccountFiles, partner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _), (second, _) = story(files), story(files)
    failing, other = request(files, delete_story, partner, first), request(files, delete_story, partner, second)

    def delete(keys: Iterable[str]) -> int:
        monkeypatch.undo()
        raise StorageUnavailable("deleting")

    monkeypatch.setattr(files.store, "delete", delete)
    assert carry_out(files) == 1
    assert (is_complete(files, failing), is_complete(files, other)) == (False, True)
    assert carry_out(files) == 1


def _uploaded(files: AccountFiles, provider: FakeProvider, job_id: UUID) -> None:
    """Note that the picture of a job's submission was uploaded to the provider."""
    address = provider.upload("picture.jpg", b"x", new_id())
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET picture_url = :url WHERE job_id = :id"), {"url": address, "id": job_id})


def test_the_copies_at_the_provider_are_removed_first(files: AccountFiles, partner: Principal) -> None:
    provider = FakeProvider()
    files.world = replace(files.world, selfie_id=files.selfie(kept_for=None))
    _uploaded(files, provider, files.job())
    kept = provider.upload("another.jpg", b"x", new_id())
    deletion_id = request(files, delete_asset, partner, files.world.selfie_id)
    provider.takes_files = False
    assert carry_out(files, provider) == 0
    provider.takes_files = True
    assert carry_out(files, provider) == 1
    assert list(provider.files) == [kept]
    assert is_complete(files, deletion_id)


def test_a_deletion_waits_for_a_submission_that_is_still_searched(files: AccountFiles, partner: Principal) -> None:
    """Its picture identifies it in the provider's list; the provider removes the picture after a day itself."""
    provider = FakeProvider()
    story_id, (_, scene) = story(files)
    _uploaded(files, provider, scene)
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET completed_at = NULL, status = 'lost' WHERE job_id = :id"), {"id": scene})
    deletion_id = request(files, delete_story, partner, story_id)
    assert carry_out(files, provider) == 0
    assert files.scalar("SELECT picture_url FROM attempts WHERE job_id = :id", id=scene) is not None
    files.pass_time(timedelta(hours=25))
    assert carry_out(files, provider) == 1
    assert is_complete(files, deletion_id)


def test_a_running_job_is_canceled_and_awaited(files: AccountFiles, partner: Principal) -> None:
    story_id, (_, scene) = story(files, last=State.GENERATING)
    deletion_id = request(files, delete_story, partner, story_id)
    assert files.scalar("SELECT state FROM jobs WHERE id = :id", id=scene) == "compensating"
    assert carry_out(files) == 0
    assert not is_complete(files, deletion_id)


def test_a_job_of_somebody_else_that_uses_a_file_is_canceled_and_keeps_its_words(
    files: AccountFiles, partner: Principal
) -> None:
    selfie_id = files.selfie(kept_for=None)
    files.world = replace(files.world, selfie_id=selfie_id)
    user_job = files.job(State.QUEUED, details="theirs")
    deletion_id = request(files, delete_asset, partner, selfie_id)
    assert files.scalar("SELECT cancel_requested_at FROM jobs WHERE id = :id", id=user_job) is not None
    assert files.scalar("SELECT details FROM job_requests WHERE job_id = :id", id=user_job) == "theirs"
    assert carry_out(files) == 0
    undo(files, user_job)
    assert carry_out(files) == 1
    assert files.objects() == []
    assert is_complete(files, deletion_id)


def test_a_file_goes_with_all_that_was_posted_for_it(files: AccountFiles, partner: Principal) -> None:
    asset_id = files.upload()
    files.put(asset_key(files.world.owner.account_id, asset_id, "ab", "jpg"))
    request(files, delete_asset, partner, asset_id)
    assert carry_out(files) == 1
    assert files.objects() == []


def test_an_object_that_two_files_share_stays_until_both_are_deleted(files: AccountFiles, partner: Principal) -> None:
    one, other = files.selfie(kept_for=None), files.selfie(kept_for=None)
    with files.engine.begin() as conn:
        key = conn.scalar(text("SELECT object_key FROM assets WHERE id = :id"), {"id": one})
        conn.execute(text("UPDATE assets SET object_key = :key WHERE id = :id"), {"key": key, "id": other})
    request(files, delete_asset, partner, one)
    assert carry_out(files) == 1
    assert key in files.objects()
    request(files, delete_asset, partner, other)
    assert carry_out(files) == 1
    assert files.objects() == []


def test_a_deleted_job_is_not_retried(files: AccountFiles, partner: Principal) -> None:
    story_id, (_, scene) = story(files, last=State.FAILED)
    request(files, delete_story, partner, story_id)
    with pytest.raises(InputExpired), files.engine.begin() as conn:
        retry_job(conn, partner, scene)


def _session(files: AccountFiles, partner: Principal, user_ref: str) -> tuple[World, str]:
    with files.engine.begin() as conn:
        session, token = open_session(conn, partner, user_ref=user_ref, tier="paid", lasts=timedelta(hours=1))
        account_id = partner.account_id
        reason = f"to {user_ref}"
        post_entry(conn, WalletKey(account_id), "transfer", -100, actor="api", reason=reason)
        post_entry(
            conn, WalletKey(account_id, user_ref), "transfer", 100, actor="api", reason=f"a party for {user_ref}"
        )
    return World(Owner(account_id, session.id), files.world.selfie_id), token


def test_nothing_but_a_pseudonym_is_left_of_a_user(files: AccountFiles, partner: Principal) -> None:
    everybody = files.world
    other, _ = _session(files, partner, "bob")
    files.world = other
    kept = files.job(credits=5)
    files.world, token = _session(files, partner, "ada@example.com")
    _, jobs = story(files)
    paid = files.job(credits=5)
    running = files.job(State.QUEUED, credits=5, details=WORDS)
    with files.engine.begin() as conn:
        conn.execute(
            text("UPDATE assets SET session_id = :id WHERE kind = 'selfie'"), {"id": files.world.owner.session_id}
        )
    files.world = everybody
    deletion_id = request(files, delete_user, partner, "ada@example.com")
    with files.engine.connect() as conn:
        assert authenticate(conn, token) is None
    assert files.scalar("SELECT state FROM jobs WHERE id = :id", id=running) == "compensating"
    undo(files, running)
    assert carry_out(files) == 1
    assert is_complete(files, deletion_id)
    assert {key.split("/")[1] for key in files.objects()} == {str(kept)}
    assert not any(str(each) in key for key in files.objects() for each in (*jobs, paid))
    for table in ("sessions", "wallets", "ledger_entries", "deletions", "job_requests", "jobs"):
        assert files.scalar(f"SELECT count(*) FROM {table} t WHERE t::text ~ 'ada@example|garden'") == 0, table
    pseudonym = f"deleted-{deletion_id.hex}"
    with files.engine.connect() as conn:
        assert balance_of(conn, WalletKey(partner.account_id, pseudonym)) == Balance(95)
        assert conn.execute(text(source_of("ledger_discrepancies"))).all() == []
        assert conn.scalar(text("SELECT count(*) FROM sessions WHERE user_ref = 'bob'")) == 1


def test_a_user_without_anything_is_deleted_at_once(files: AccountFiles, partner: Principal) -> None:
    deletion_id = request(files, delete_user, partner, "unknown")
    assert carry_out(files) == 1
    assert is_complete(files, deletion_id)


def test_what_a_user_adds_after_the_deletion_goes_too(files: AccountFiles, partner: Principal) -> None:
    """A request may have been under way when its session ended."""
    files.world, _ = _session(files, partner, "ada")
    deletion_id = request(files, delete_user, partner, "ada")
    assert carry_out(files) == 1
    late = files.job()
    assert carry_out(files) == 1
    assert is_complete(files, deletion_id)
    assert not [key for key in files.objects() if str(late) in key]


def test_a_session_deletes_no_user(files: AccountFiles, partner: Principal) -> None:
    _, token = _session(files, partner, "ada")
    with files.engine.connect() as conn:
        session = authenticate(conn, token)
    assert session is not None
    with pytest.raises(Forbidden):
        request(files, delete_user, session, "ada")
