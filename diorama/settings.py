"""The program's settings, which its entry points alone read from the environment.

A field's name in capitals is the variable; a file `.env` in the working directory is read first. Each setting that is
missing or wrong is reported in one line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from jobs.providers.choice import DEFAULT_MODELS, ModelChoice, NoModel
from jobs.webhooks.reach import WebhookReach


def _split(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]

LABEL_CHARACTERS_MAX = 40


class SettingsError(Exception):
    """A setting is missing or wrong. The message has a line for each, with its name and what it should be."""


class Settings(BaseSettings):
    """Every setting, with its default where there is one."""

    # An empty variable counts as unset: compose files pass unknown variables on as empty ones.
    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # A key that was copied and pasted often ends with a line break.
        str_strip_whitespace=True,
    )

    database_url: str = Field(
        default="", description="Postgres 15 to 18, as `postgresql://user:password@host:5432/name`."
    )
    database_pool_size: int = Field(default=10, ge=2, le=200, description="Connections that each process may open.")

    s3_endpoint_url: AnyHttpUrl | None = Field(default=None, description="The object store; empty for Amazon S3.")
    s3_public_endpoint_url: AnyHttpUrl | None = Field(
        default=None, description="The object store's URL for browsers and the provider, if it differs."
    )
    s3_region: str = Field(default="us-east-1", description="The region of the bucket.")
    s3_bucket: str = Field(default="", description="The bucket; `diorama migrate` creates it if the key allows it.")
    s3_key_prefix: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9_.-]+/)*$",
        description="What every key begins with, ending in `/`: for a bucket that others use too.",
    )
    s3_path_style: bool | None = Field(
        default=None,
        description="`true` puts the bucket into the path of addresses, `false` into the host name; if empty, into the "
        "path except at Amazon.",
    )
    s3_encryption: Literal["", "AES256", "aws:kms"] = Field(
        default="", description="Encrypt each object with `AES256` or `aws:kms`; if empty, as the bucket is set."
    )
    s3_kms_key_id: str = Field(default="", description="The key for `aws:kms`; if empty, the account's own for S3.")
    s3_access_key_id: str = Field(default="", description="The key's id.")
    s3_secret_access_key: SecretStr = Field(default=SecretStr(""), description="The key itself.")

    replicate_api_token: SecretStr = Field(default=SecretStr(""), description="The token of the Replicate account.")
    replicate_base_url: AnyHttpUrl = Field(
        default=AnyHttpUrl("https://api.replicate.com"), description="Replicate's API, or a stand-in for it."
    )
    replicate_delivery_hosts: Words = Field(
        default=("replicate.delivery",), description="Hosts that outputs may be fetched from; `host` or `host:port`."
    )
    test_provider_url: AnyHttpUrl | None = Field(default=None, description="A stand-in for the jobs of test keys.")
    test_provider_delivery_hosts: Words = Field(default=(), description="Hosts of its outputs; if empty, its own host.")
    provider_inputs: str = Field(
        default="upload",
        pattern="^(upload|url)$",
        description="How the provider gets pictures: `upload` sends them to it, where they stay for a day; "
        "`url` passes signed URLs of a public store.",
    )
    provider_timeout_s: float = Field(
        default=30.0,
        gt=0,
        le=120,
        description="Seconds to wait for each chunk of the provider's response; a whole call takes at most twice that.",
    )
    provider_creates_per_min: int = Field(
        default=500, ge=1, le=100_000, description="Submissions per minute, by all workers together."
    )
    provider_reads_per_min: int = Field(
        default=2500,
        ge=1,
        le=100_000,
        description="Other calls to the provider's API per minute, by all workers together.",
    )
    provider_in_flight: int = Field(
        default=0, ge=0, le=100_000, description="Jobs that may be at the provider at once; 0 for no limit."
    )
    job_spend_cap_micros: int = Field(
        default=3_000_000, ge=0, description="The most that one job's submissions may cost in total, in micro-dollars."
    )
    job_deadline_s: float = Field(
        default=21_600.0,
        ge=60,
        le=604_800,
        description="Seconds after which an unfinished job is ended, time in the queue included.",
    )
    public_url: AnyHttpUrl | None = Field(
        default=None,
        description="The API's URL as the provider and browsers reach it; if empty, the provider sends no webhooks.",
    )
    replicate_webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="The `whsec_` key of webhooks; if empty, the API fetches it with the token."
    )
    webhook_networks: Words = Field(
        default=(),
        description="Networks, such as `127.0.0.0/8` for development, that partners' webhooks may be sent to besides "
        "the public internet; plain http and every port are then allowed too. Separated by commas.",
    )
    models: Words = Field(
        default=DEFAULT_MODELS,
        description="The models to use, by preference, separated by commas; `paid:model` reserves one for that tier.",
    )
    openai_api_key: SecretStr = Field(default=SecretStr(""), description="For models that are billed by OpenAI.")

    themes_file: Path | None = Field(
        default=None, description="A JSON file with more themes than the built-in ones: docs/themes.md."
    )

    visible_label: str = Field(
        default="",
        description="A label, such as `AI-generated`, to draw into all outputs: up to 40 characters of ASCII; "
        "empty for none: docs/provenance.md.",
    )
    c2pa_certificates_file: Path | None = Field(
        default=None,
        description="The certificate chain, as PEM, under which outputs are signed; empty for no signature: "
        "docs/provenance.md.",
    )
    c2pa_key_file: Path | None = Field(default=None, description="The private key of its first certificate, as PEM.")

    retention_upload_hours: int = Field(
        default=24, ge=1, le=8760, description="Hours after which an upload that was never completed is removed."
    )
    retention_selfie_days: int = Field(
        default=30, ge=0, le=36_500, description="Days that selfies are kept; here and below, 0 means forever."
    )
    retention_output_days: int = Field(
        default=90, ge=0, le=36_500, description="Days that finished pictures and videos are kept."
    )
    retention_avatar_days: int | None = Field(
        default=None, ge=0, le=36_500, description="Days that avatars are kept; if empty, RETENTION_OUTPUT_DAYS."
    )
    retention_scene_days: int | None = Field(
        default=None, ge=0, le=36_500, description="Days that scenes are kept; if empty, RETENTION_OUTPUT_DAYS."
    )
    retention_video_days: int | None = Field(
        default=None,
        ge=0,
        le=36_500,
        description="Days that videos and their posters are kept; if empty, RETENTION_OUTPUT_DAYS.",
    )
    retention_source_days: int = Field(
        default=7, ge=0, le=36_500, description="Days that the provider's originals are kept after their job ends."
    )
    retention_history_days: int = Field(
        default=365,
        ge=0,
        le=36_500,
        description="Days that the history of ended jobs is kept; it is removed by whole months.",
    )
    retention_row_days: int = Field(
        default=730,
        ge=0,
        le=36_500,
        description="Days that rows of ended jobs, removed files and idempotency keys are kept.",
    )

    host: str = Field(default="127.0.0.1", description="The address that the API listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port that the API listens on; 0 picks a free one.")
    allowed_origins: Words = Field(default=(), description="Web origins whose pages may call the API.")
    agent_credits_max: int = Field(
        default=100,
        ge=0,
        le=1_000_000_000,
        description="The most credits that a support key of the role agent grants or adjusts at once.",
    )
    requests_per_min: int = Field(
        default=6_000, ge=10, le=1_000_000, description="Requests a minute from an account's keys: docs/limits.md."
    )
    development: bool = Field(default=False, description="Serve GraphiQL and introspection.")
    worker_processes: int = Field(default=1, ge=1, le=64, description="Worker processes on this host.")
    worker_threads: int = Field(default=8, ge=1, le=64, description="Threads in each worker process.")
    heartbeat_dir: Path | None = Field(default=None, description="A folder for heartbeats, for `doctor --workers`.")
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="The lowest level that is logged."
    )
    log_format: str = Field(default="text", pattern="^(text|json)$", description="The format of log lines.")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values of all secrets that are set, which no log line may show."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(text for value in values if isinstance(value, SecretStr) and (text := value.get_secret_value()))

    @field_validator("replicate_api_token", "openai_api_key", "replicate_webhook_secret", "s3_secret_access_key")
    @classmethod
    def _sendable(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not (text.isascii() and text.isprintable()):
            raise ValueError(
                "it contains characters that no key has; perhaps you copied an abbreviated form, with dots"
            )
        return value

    @field_validator("s3_kms_key_id")
    @classmethod
    def _used(cls, value: str, info: ValidationInfo) -> str:
        # An encryption that is wrong itself is not there, and has a complaint of its own.
        if value and info.data.get("s3_encryption", "aws:kms") != "aws:kms":
            raise ValueError("nothing uses it without S3_ENCRYPTION=aws:kms")
        return value

    @field_validator("visible_label")
    @classmethod
    def _can_be_drawn(cls, value: str) -> str:
        # A longer text would be too small to read in an avatar.
        if len(value) > LABEL_CHARACTERS_MAX:
            raise ValueError(f"it has {len(value)} characters; at most {LABEL_CHARACTERS_MAX} can be read")
        if missing := "".join(sorted({each for each in value if not " " <= each <= "~"})):
            raise ValueError(f"the font has no {missing!r}, only printable ASCII")
        return value

    @field_validator("webhook_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        WebhookReach.of(value)
        return value

    @field_validator("models")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            ModelChoice(value)
        except NoModel as error:
            raise ValueError(str(error)) from None
        return value


# The settings that a process cannot start without.
_NEEDED = {
    "database": ("database_url",),
    "store": ("s3_bucket", "s3_access_key_id", "s3_secret_access_key"),
    "provider": ("replicate_api_token",),
}


def read_settings(*parts: str, **overrides: Any) -> Settings:
    """Read the settings and check that those of `parts` (database, store, provider) are there.

    Raises SettingsError with one line for each that is missing or wrong.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_complaint(each) for each in error.errors())) from None
    missing = [name for part in parts for name in _NEEDED[part] if not _is_set(getattr(settings, name))]
    if missing:
        raise SettingsError("\n".join(f"{name.upper()} is not set: {_what(name)}" for name in missing))
    return settings


def configured_parts() -> set[str]:
    """Return which of database, store and provider the environment or `.env` configures. Raises SettingsError."""
    settings = read_settings()
    found = {part for part, names in _NEEDED.items() if any(_is_set(getattr(settings, name)) for name in names)}
    return found | ({"provider"} if "replicate_base_url" in settings.model_fields_set else set())


def _is_set(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _what(name: str) -> str:
    return Settings.model_fields[name].description or ""


def _complaint(error: Any) -> str:
    name = str(error["loc"][0])
    reason = error["msg"].removeprefix("Value error, ")
    return f"{name.upper()} is wrong: {reason}. It should be: {_what(name)}"
