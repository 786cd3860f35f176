"""The tables as SQLAlchemy knows them, for reads whose filters vary. The migrations alone define them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger as Big
from sqlalchemy import Boolean as Bool
from sqlalchemy import Column, DateTime, Double, MetaData, Table, Text, Uuid
from sqlalchemy import Integer as Int
from sqlalchemy import SmallInteger as Small
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.types import TypeEngine

metadata = MetaData()
_Time = DateTime(timezone=True)


def _table(table: str, /, **columns: type[TypeEngine[Any]] | TypeEngine[Any]) -> Table:
    return Table(table, metadata, *(Column(name, kind) for name, kind in columns.items()))


accounts = _table("accounts", id=Uuid, name=Text, created_at=_Time, jobs_at_once=Int)
api_keys = _table(
    "api_keys",
    id=Uuid,
    account_id=Uuid,
    role=Text,
    name=Text,
    key_sha256=BYTEA,
    scopes=ARRAY(Text),
    created_at=_Time,
    used_at=_Time,
    expires_at=_Time,
    revoked_at=_Time,
)
sessions = _table(
    "sessions",
    id=Uuid,
    account_id=Uuid,
    user_ref=Text,
    tier=Text,
    token_sha256=BYTEA,
    created_at=_Time,
    expires_at=_Time,
)
assets = _table(
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
    created_at=_Time,
    expires_at=_Time,
)
renditions = _table(
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
stories = _table("stories", id=Uuid, account_id=Uuid, session_id=Uuid, selfie_id=Uuid, created_at=_Time)
jobs = _table(
    "jobs",
    id=Uuid,
    account_id=Uuid,
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
    lease_expires_at=_Time,
    claimed_by=Text,
    due_at=_Time,
    deadline_at=_Time,
    cancel_requested_at=_Time,
    error_code=Text,
    error_message=Text,
    error_detail=Text,
    cost_micros=Big,
    output_id=Uuid,
    created_at=_Time,
    started_at=_Time,
    finished_at=_Time,
)
job_requests = _table(
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
    erased_at=_Time,
    request_id=Text,
    batch_id=Uuid,
    account_id=Uuid,
)
job_events = _table(
    "job_events",
    job_id=Uuid,
    seq=Int,
    at=_Time,
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
    due_at=_Time,
    error_code=Text,
    error_message=Text,
    error_detail=Text,
)
activity = _table(
    "activity",
    account_id=Uuid,
    position=Big,
    type=Text,
    at=_Time,
    job_id=Uuid,
    seq=Int,
    story_id=Uuid,
    session_id=Uuid,
    kind=Text,
    state=Text,
    event=Text,
    endpoint_id=Uuid,
)
activity_heads = _table("activity_heads", account_id=Uuid, position=Big, purged=Big)
attempts = _table(
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
    started_at=_Time,
    accepted_at=_Time,
    completed_at=_Time,
)
wallets = _table("wallets", account_id=Uuid, user_ref=Text, issued=Big, available=Big, held=Big, spent=Big)
ledger_entries = _table(
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
    at=_Time,
    resource_id=Uuid,
)
compensation_actions = _table(
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
    created_at=_Time,
    changed_at=_Time,
)
paused_steps = _table("paused_steps", step=Text, states=ARRAY(Text), paused_at=_Time, paused_by=Text, reason=Text)
provider_budgets = _table(
    "provider_budgets",
    call=Text,
    permits=Double,
    filled_at=_Time,
    blocked_until=_Time,
    next_slot_at=_Time,
    per_minute=Double,
    admitted=ARRAY(Uuid),
)
provider_breaker = _table(
    "provider_breaker",
    state=Text,
    failures=Int,
    openings=Int,
    cause=Text,
    detail=Text,
    opened_at=_Time,
    until=_Time,
)
deletions = _table(
    "deletions",
    id=Uuid,
    account_id=Uuid,
    session_id=Uuid,
    subject=Text,
    subject_id=Uuid,
    pseudonym=Text,
    actor=Text,
    requested_at=_Time,
    objects=Int,
    completed_at=_Time,
)
job_statistics = _table(
    "job_statistics",
    account_id=Uuid,
    unit=Text,
    starts_at=_Time,
    kind=Text,
    outcome=Text,
    error_code=Text,
    bucket=Small,
    jobs=Big,
    spend_micros=Big,
)
suspensions = _table("suspensions", account_id=Uuid, user_ref=Text, suspended_at=_Time, suspended_by=Text, reason=Text)
audit_entries = _table(
    "audit_entries",
    id=Uuid,
    at=_Time,
    actor=Text,
    action=Text,
    account_id=Uuid,
    user_ref=Text,
    subject=Text,
    reason=Text,
)
idempotency_keys = _table(
    "idempotency_keys",
    account_id=Uuid,
    user_ref=Text,
    operation=Text,
    key=Text,
    input_sha256=BYTEA,
    resource_id=Uuid,
    created_at=_Time,
)
webhook_endpoints = _table(
    "webhook_endpoints",
    id=Uuid,
    account_id=Uuid,
    url=Text,
    description=Text,
    event_types=ARRAY(Text),
    position=Big,
    failures=Int,
    failing_since=_Time,
    due_at=_Time,
    lease=Big,
    lease_expires_at=_Time,
    claimed_by=Text,
    disabled_reason=Text,
    disabled_at=_Time,
    succeeded_at=_Time,
    failed_at=_Time,
    created_at=_Time,
)
webhook_secrets = _table("webhook_secrets", endpoint_id=Uuid, secret=Text, created_at=_Time, expires_at=_Time)
webhook_deliveries = _table(
    "webhook_deliveries",
    id=Uuid,
    endpoint_id=Uuid,
    account_id=Uuid,
    webhook_id=Text,
    type=Text,
    position=Big,
    attempt=Int,
    at=_Time,
    duration_ms=Int,
    response_status=Small,
    failure=Text,
)
