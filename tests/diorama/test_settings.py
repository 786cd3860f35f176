"""A missing or wrong setting is named in one line at start."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from diorama.embedded import EmbeddedS3, ServerCommand
from diorama.settings import SettingsError, configured_parts, read_settings
from diorama.wiring import build_s3_settings, build_webhook_reach
from jobs.webhooks.reach import WebhookReach
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from storage import Encryption
from tests.support.forked import run_program

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(database_url: str, s3_server: EmbeddedS3) -> dict[str, str]:
    """Settings that are all right."""
    mine = ("DATABASE_URL", "S3_", "REPLICATE_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(mine)},
        "DATABASE_URL": database_url,
        "S3_ENDPOINT_URL": s3_server.endpoint_url,
        "S3_BUCKET": s3_server.bucket,
        "S3_ACCESS_KEY_ID": s3_server.access_key_id,
        "S3_SECRET_ACCESS_KEY": s3_server.secret_access_key,
        "REPLICATE_API_TOKEN": "right",
    }


def refusal_of(command: str, environment: dict[str, str], tmp_path: Path) -> list[str]:
    """Run a command that must refuse to start and return the lines it printed."""
    argv = [sys.executable, "-m", "diorama", command]
    given = ServerCommand(
        command, argv, tmp_path / "output", env={**environment, "PYTHONPATH": str(ROOT)}, cwd=tmp_path
    )
    status, output = run_program(given)
    assert status == 2, output
    return output.splitlines()


WRONG = {
    "DATABASE_URL": ("", "DATABASE_URL is not set"),
    "S3_BUCKET": ("", "S3_BUCKET is not set"),
    "S3_SECRET_ACCESS_KEY": ("", "S3_SECRET_ACCESS_KEY is not set"),
    "REPLICATE_API_TOKEN": ("", "REPLICATE_API_TOKEN is not set"),
    "WORKER_THREADS": ("many", "WORKER_THREADS is wrong"),
    "S3_ENCRYPTION": ("aes256", "S3_ENCRYPTION is wrong: Input should be '', 'AES256' or 'aws:kms'"),
    "S3_PATH_STYLE": ("maybe", "S3_PATH_STYLE is wrong"),
    "S3_KMS_KEY_ID": ("our-key", "S3_KMS_KEY_ID is wrong: nothing uses it without S3_ENCRYPTION=aws:kms"),
    "VISIBLE_LABEL": ("Généré", "VISIBLE_LABEL is wrong: the font has no 'é', only printable ASCII"),
    "WEBHOOK_NETWORKS": ("127.0.0.0/8,here", "WEBHOOK_NETWORKS is wrong: 'here' does not appear to be an IPv4 or IPv6"),
    "MODELS": ("openai/dall-e-1", "MODELS is wrong: unknown model openai/dall-e-1"),
}


@pytest.mark.parametrize(
    ("label", "reason"),
    [("~" * 41, "it has 41 characters"), ("AI — 生成", "the font has no '—成生'"), ("a\tb", r"the font has no '\\t'")],
)
def test_a_label_that_cannot_be_drawn_or_read_is_refused_with_the_reason(label: str, reason: str) -> None:
    assert read_settings(_env_file=None, visible_label="~" * 40).visible_label == "~" * 40
    with pytest.raises(SettingsError, match=f"VISIBLE_LABEL is wrong: {reason}"):
        read_settings(_env_file=None, visible_label=label)


@pytest.mark.parametrize(("name", "value", "message"), [(name, *rest) for name, rest in WRONG.items()])
def test_a_missing_or_malformed_setting_is_named(
    environment: dict[str, str], tmp_path: Path, name: str, value: str, message: str
) -> None:
    (line,) = refusal_of("worker", {**environment, name: value}, tmp_path)
    assert message in line


def test_every_missing_setting_gets_a_line_of_its_own(environment: dict[str, str], tmp_path: Path) -> None:
    lines = refusal_of("serve", {**environment, "DATABASE_URL": "", "S3_BUCKET": ""}, tmp_path)
    assert [line.split(" is ")[0].removeprefix("diorama: ") for line in lines] == ["DATABASE_URL", "S3_BUCKET"]


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_a_database_that_is_down_is_named(environment: dict[str, str], tmp_path: Path, command: str) -> None:
    down = {**environment, "DATABASE_URL": "postgresql://diorama:secret-word@127.0.0.1:1/diorama"}
    (line,) = refusal_of(command, down, tmp_path)
    assert "DATABASE_URL is wrong, or 127.0.0.1:1 is down" in line
    assert "secret-word" not in line


def test_a_malformed_database_url_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    (line,) = refusal_of("serve", {**environment, "DATABASE_URL": "my database"}, tmp_path)
    assert "DATABASE_URL is wrong: it must have the form postgresql://" in line


def test_wrong_keys_of_the_store_are_named(environment: dict[str, str], tmp_path: Path) -> None:
    (line,) = refusal_of("serve", {**environment, "S3_SECRET_ACCESS_KEY": "wrong-word"}, tmp_path)
    assert "S3" in line
    assert "wrong-word" not in line


def test_a_token_that_the_provider_rejects_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    with Background(SimulatorSettings(tokens=("other",))) as provider:
        (line,) = refusal_of("worker", {**environment, "REPLICATE_BASE_URL": provider.api_url}, tmp_path)
    assert "REPLICATE_API_TOKEN is wrong" in line


def test_a_database_that_was_never_migrated_is_named(
    environment: dict[str, str], new_database: object, tmp_path: Path
) -> None:
    assert callable(new_database)
    (line,) = refusal_of("serve", {**environment, "DATABASE_URL": new_database(None)}, tmp_path)
    assert "run `diorama migrate`" in line


def test_keys_lose_the_line_break_that_they_were_copied_with() -> None:
    settings = read_settings(_env_file=None, replicate_api_token=" r8_abc\n", s3_bucket="b ")
    assert (settings.replicate_api_token.get_secret_value(), settings.s3_bucket) == ("r8_abc", "b")


@pytest.mark.parametrize("name", ["replicate_api_token", "openai_api_key", "s3_secret_access_key"])
def test_a_key_that_no_request_could_carry_is_named_and_not_shown(name: str) -> None:
    for value in ("r8_abc…", "r8_a\nbc", "r8_\0"):
        with pytest.raises(SettingsError) as refused:
            read_settings(_env_file=None, **{name: value})
        assert str(refused.value).startswith(f"{name.upper()} is wrong: it contains characters that no key has")
        assert "r8_" not in str(refused.value)


def test_the_settings_of_the_store_reach_it() -> None:
    kms = read_settings(_env_file=None, s3_encryption="aws:kms", s3_kms_key_id="our-key", s3_path_style="false")
    built = build_s3_settings(kms)
    assert (built.encryption, built.path_style) == (Encryption("aws:kms", "our-key"), False)
    built = build_s3_settings(read_settings(_env_file=None))
    assert (built.encryption, built.path_style) == (Encryption(), None)


def test_a_wrong_encryption_is_one_complaint() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(_env_file=None, s3_encryption="kms", s3_kms_key_id="our-key")
    assert str(refused.value).startswith("S3_ENCRYPTION is wrong")
    assert len(str(refused.value).splitlines()) == 1


def test_no_private_network_receives_webhooks_unless_the_operator_names_it() -> None:
    assert build_webhook_reach(read_settings(_env_file=None)) == WebhookReach()
    assert build_webhook_reach(read_settings(_env_file=None, development=True)) == WebhookReach()
    own = build_webhook_reach(read_settings(_env_file=None, webhook_networks="127.0.0.0/8, 10.1.0.0/16"))
    assert [own.reach.allows(each) for each in ("127.0.0.1", "10.1.2.3", "10.2.0.1")] == [True, True, False]


def test_a_part_counts_as_configured_wherever_its_setting_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "S3_BUCKET", "REPLICATE_API_TOKEN", "REPLICATE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert configured_parts() == set()
    (tmp_path / ".env").write_text("REPLICATE_BASE_URL=http://127.0.0.1:8100\nDATABASE_URL=\n", encoding="utf-8")
    monkeypatch.setenv("S3_BUCKET", "mine")
    assert configured_parts() == {"provider", "store"}
