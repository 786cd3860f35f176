"""The tables as SQLAlchemy knows them, for reads whose filters vary. The migrations alone define them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger as Big
from sqlalchemy import Boolean as Bool
from sqlalchemy import Column, Date, DateTime, Double, MetaData, Table, Text, Uuid
from sqlalchemy import Integer as Int
from sqlalchemy import SmallInteger as Small
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.types import TypeEngine

metadata = MetaData()
Time = DateTime(timezone=True)


def table(name: str, /, **columns: type[TypeEngine[Any]] | TypeEngine[Any]) -> Table:
    """Return a table with its columns and their types."""
    return Table(name, metadata, *(Column(column, kind) for column, kind in columns.items()))


accounts = table("accounts", id=Uuid, name=Text, created_at=Time, jobs_at_once=Int, is_test=Bool, live_id=Uuid)
api_keys = table(
    "api_keys",
    id=Uuid,
    account_id=Uuid,
    role=Text,
    name=Text,
    key_sha256=BYTEA,
    scopes=ARRAY(Text),
    created_at=Time,
    used_at=Time,
    expires_at=Time,
    revoked_at=Time,
)
sessions = table(
    "sessions",
    id=Uuid,
    account_id=Uuid,
    user_ref=Text,
    tier=Text,
    token_sha256=BYTEA,
    created_at=Time,
    expires_at=Time,
)
assets = table(
    "assets",
    id=Uuid,
    account_id=Uuid,
    session_id=Uuid,
    kind=Text,
    state=Text,
    object_key=Text,
    content_type=Text,
    width_px=Int,
    height_px=Int,
    duration_s=Double,
    frames_per_second=Double,
    size_bytes=Big,
    sha256=Text,
    poster_id=Uuid,
    rejection=Text,
    interruptions=Small,
    created_at=Time,
    expires_at=Time,
)
renditions = table(
    "renditions",
    asset_id=Uuid,
    width_px=Int,
    height_px=Int,
    object_key=Text,
    content_type=Text,
    size_bytes=Big,
    sha256=Text,
    is_working_copy=Bool,
)
stories = table("stories", id=Uuid, account_id=Uuid, session_id=Uuid, selfie_id=Uuid, created_at=Time)
jobs = table(
    "jobs",
    id=Uuid,
    account_id=Uuid,
    is_test=Bool,
    session_id=Uuid,
    story_id=Uuid,
    parent_id=Uuid,
    kind=Text,
    priority=Small,
    state=Text,
    event=Text,
    actor=Text,
    reason=Text,
    seq=Int,
    percent=Small,
    attempt=Int,
    cycle=Int,
    credits=Int,
    lease_expires_at=Time,
    claimed_by=Text,
    due_at=Time,
    deadline_at=Time,
    cancel_requested_at=Time,
    error_code=Text,
    error_message=Text,
    error_detail=Text,
    cost_micros=Big,
    output_id=Uuid,
    created_at=Time,
    started_at=Time,
    finished_at=Time,
)
job_requests = table(
    "job_requests",
    job_id=Uuid,
    input_id=Uuid,
    theme=Text,
    details=Text,
    style=Text,
    camera=Text,
    duration_s=Small,
    tier=Text,
    on_failure=Text,
    metadata=JSONB,
    erased_at=Time,
    request_id=Text,
    batch_id=Uuid,
    account_id=Uuid,
)
job_events = table(
    "job_events",
    job_id=Uuid,
    seq=Int,
    at=Time,
    from_state=Text,
    event=Text,
    to_state=Text,
    percent=Small,
    actor=Text,
    reason=Text,
    attempt=Int,
    lease=Big,
    duration_ms=Big,
    cost_micros=Big,
    due_at=Time,
    error_code=Text,
    error_message=Text,
    error_detail=Text,
)
activity = table(
    "activity",
    account_id=Uuid,
    position=Big,
    type=Text,
    at=Time,
    job_id=Uuid,
    seq=Int,
    story_id=Uuid,
    session_id=Uuid,
    kind=Text,
    state=Text,
    event=Text,
    endpoint_id=Uuid,
)
activity_heads = table("activity_heads", account_id=Uuid, position=Big, purged=Big)
attempts = table(
    "attempts",
    job_id=Uuid,
    attempt=Int,
    token=Uuid,
    model=Text,
    prompt_version=Text,
    experiment=Text,
    variant=Text,
    status=Text,
    reserved_micros=Big,
    cost_micros=Big,
    prediction_id=Text,
    output_urls=ARRAY(Text),
    source_key=Text,
    source_type=Text,
    source_bytes=Big,
    source_sha256=Text,
    error_detail=Text,
    picture_url=Text,
    started_at=Time,
    accepted_at=Time,
    completed_at=Time,
)
wallets = table("wallets", account_id=Uuid, user_ref=Text, issued=Big, available=Big, held=Big, spent=Big, jobs=Big)
credit_limits = table(
    "credit_limits", account_id=Uuid, spend_cap=Big, day=Date, used=Big, after_entry=Big, low_balance_mark=Big
)
upload_byte_changes = table("upload_byte_changes", account_id=Uuid, change=Big)
account_usage = table("account_usage", account_id=Uuid, limit_name=Text, used=Big, resets_at=Time)
ledger_entries = table(
    "ledger_entries",
    id=Big,
    account_id=Uuid,
    user_ref=Text,
    kind=Text,
    job_id=Uuid,
    cycle=Int,
    amount=Big,
    debit_bucket=Text,
    credit_bucket=Text,
    of_id=Big,
    actor=Text,
    reason=Text,
    at=Time,
    resource_id=Uuid,
)
compensation_actions = table(
    "compensation_actions",
    job_id=Uuid,
    cycle=Int,
    attempt=Int,
    action=Text,
    state=Text,
    keep_key=Text,
    result=Text,
    tries=Int,
    last_error=Text,
    reviewed_by=Text,
    review_note=Text,
    created_at=Time,
    changed_at=Time,
)
paused_steps = table("paused_steps", step=Text, states=ARRAY(Text), paused_at=Time, paused_by=Text, reason=Text)
provider_budgets = table(
    "provider_budgets",
    call=Text,
    permits=Double,
    filled_at=Time,
    blocked_until=Time,
    next_slot_at=Time,
    per_minute=Double,
    admitted=ARRAY(Uuid),
)
provider_breaker = table(
    "provider_breaker",
    state=Text,
    failures=Int,
    openings=Int,
    cause=Text,
    detail=Text,
    opened_at=Time,
    until=Time,
)
deletions = table(
    "deletions",
    id=Uuid,
    account_id=Uuid,
    session_id=Uuid,
    subject=Text,
    subject_id=Uuid,
    pseudonym=Text,
    actor=Text,
    requested_at=Time,
    objects=Int,
    completed_at=Time,
)
idempotency_keys = table(
    "idempotency_keys",
    account_id=Uuid,
    user_ref=Text,
    operation=Text,
    key=Text,
    input_sha256=BYTEA,
    resource_id=Uuid,
    created_at=Time,
)
