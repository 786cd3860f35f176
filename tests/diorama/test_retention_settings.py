"""Each kind of file has its own retention, and the general one where none is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from diorama.settings import SettingsError, read_settings
from diorama.wiring import build_retention
from statemachine.vocabulary import Kind

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = {
    Kind.AVATAR: "retention_avatar_days",
    Kind.SCENE: "retention_scene_days",
    Kind.ANIMATION: "retention_video_days",
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(("days", "kept"), [(None, 90), (0, None), (3, 3)])
def test_a_kind_of_file_is_kept_for_its_days(kind: Kind, days: int | None, kept: int | None) -> None:
    policy = build_retention(read_settings(**{SETTINGS[kind]: days}))
    expected = None if kept is None else MADE_AT + timedelta(days=kept)
    assert policy.output_expires_at(kind, MADE_AT) == expected
    for other in set(Kind) - {kind}:
        assert policy.output_expires_at(other, MADE_AT) == MADE_AT + timedelta(days=90)


def test_selfies_expire_by_default() -> None:
    assert build_retention(read_settings()).selfies == timedelta(days=30)


@pytest.mark.parametrize("name", SETTINGS.values())
@pytest.mark.parametrize("days", [-1, 36_501])
def test_days_out_of_bounds_are_refused(name: str, days: int) -> None:
    with pytest.raises(SettingsError, match=name.upper()):
        read_settings(**{name: days})
