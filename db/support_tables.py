"""The tables of support as SQLAlchemy knows them, in the same metadata as the others."""

from __future__ import annotations

from sqlalchemy import BigInteger as Big
from sqlalchemy import Boolean as Bool
from sqlalchemy import Integer as Int
from sqlalchemy import SmallInteger as Small
from sqlalchemy import Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from db.tables import Time, table

job_statistics = table(
    "job_statistics",
    account_id=Uuid,
    unit=Text,
    starts_at=Time,
    kind=Text,
    outcome=Text,
    error_code=Text,
    bucket=Small,
    jobs=Big,
    spend_micros=Big,
)
usage_limits = table("usage_limits", account_id=Uuid, limit_name=Text, owner=Text, most=Big)
suspensions = table("suspensions", account_id=Uuid, user_ref=Text, suspended_at=Time, suspended_by=Text, reason=Text)
audit_entries = table(
    "audit_entries",
    id=Uuid,
    at=Time,
    actor=Text,
    role=Text,
    action=Text,
    account_id=Uuid,
    user_ref=Text,
    subject=Text,
    reason=Text,
)
redrives = table(
    "redrives",
    id=Uuid,
    account_id=Uuid,
    wanted=JSONB,
    per_minute=Int,
    at_most=Int,
    reason=Text,
    actor=Text,
    state=Text,
    matched=Int,
    is_urgent=Bool,
    after_job=Uuid,
    next_at=Time,
    begun=Int,
    revived=Int,
    skipped=Int,
    created_at=Time,
    ended_at=Time,
)
redrive_skips = table("redrive_skips", redrive_id=Uuid, job_id=Uuid, code=Text, message=Text)
