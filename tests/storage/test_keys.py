"""Keys are repeatable, unique, and found by their prefixes."""

from __future__ import annotations

from uuid import UUID

from storage.keys import (
    Belongs,
    asset_key,
    attempt_of,
    belongs,
    is_source,
    job_prefix,
    lease_of,
    output_key,
    rendition_key,
    source_key,
    upload_key,
)

A, B = UUID(int=1), UUID(int=2)


def test_each_lease_writes_keys_of_its_own() -> None:
    assert output_key(A, 3, 7, "video", "mp4") == output_key(UUID(str(A)), 3, 7, "video", "mp4")
    assert output_key(A, 3, 7, "video", "mp4") != output_key(A, 3, 8, "video", "mp4")
    assert lease_of(output_key(A, 3, 7, "video", "mp4")) == lease_of(source_key(A, 3, 7, "mp4")) == 7
    assert lease_of(upload_key(A, B)) is None


def test_no_two_things_share_a_key() -> None:
    keys = [
        upload_key(A, B),
        upload_key(B, A),
        asset_key(A, B, "00", "jpg"),
        asset_key(A, B, "00", "png"),
        asset_key(A, B, "01", "jpg"),
        *(source_key(job, attempt, lease, "mp4") for job in (A, B) for attempt in (1, 11) for lease in (1, 11)),
        *(output_key(job, 1, 1, role, "mp4") for job in (A, B) for role in ("video", "poster")),
    ]
    assert len(set(keys)) == len(keys)


def test_a_jobs_prefix_covers_all_its_objects_and_no_others() -> None:
    assert source_key(A, 1, 4, "mp4").startswith(job_prefix(A))
    assert output_key(A, 2, 4, "video", "mp4").startswith(job_prefix(A))
    assert not source_key(B, 1, 4, "mp4").startswith(job_prefix(A))
    assert not upload_key(A, A).startswith(job_prefix(A))


def test_a_key_names_its_owner() -> None:
    cleaned = (asset_key(A, B, "ab" * 32, "jpg"), f"assets/{A}/{B}.jpg")
    assert {belongs(key) for key in (*cleaned, upload_key(A, B))} == {Belongs(asset_id=B)}
    assert belongs(output_key(A, 1, 4, "video", "mp4")) == Belongs(job_id=A)
    assert belongs("foreign/key") is None


def test_a_rendition_is_found_where_its_picture_is() -> None:
    made, cleaned = output_key(A, 1, 4, "scene", "png"), asset_key(A, B, "ab" * 32, "jpg")
    assert belongs(rendition_key(made, 640, "webp")) == Belongs(job_id=A)
    assert belongs(rendition_key(cleaned, 640, "webp")) == belongs(rendition_key(f"assets/{A}/{B}.jpg", 640, "webp"))
    assert belongs(rendition_key(cleaned, 640, "webp")) == Belongs(asset_id=B)
    assert rendition_key(made, 640, "webp") == f"jobs/{A}/1/4/scene-640.webp"


def test_a_key_names_the_attempt_that_made_its_object() -> None:
    assert attempt_of(source_key(A, 12, 4, "mp4")) == attempt_of(output_key(A, 12, 4, "video", "mp4")) == 12
    assert attempt_of(upload_key(A, B)) is None


def test_a_source_differs_from_the_finished_files_beside_it() -> None:
    assert is_source(source_key(A, 1, 4, "mp4"))
    assert not is_source(output_key(A, 1, 4, "video", "mp4"))
