"""Words of accounts: who may do what, what they own, what they pay, and what support changed."""

from __future__ import annotations

from enum import StrEnum


class ActivityType(StrEnum):
    """The entries of an account's activity: about a job, a story, a webhook endpoint, or the account's balance."""

    JOB_EVENT = "job_event"
    STORY_BEGAN = "story_began"
    STORY_SUCCEEDED = "story_succeeded"
    STORY_FAILED = "story_failed"
    STORY_CANCELED = "story_canceled"
    ENDPOINT_DISABLED = "endpoint_disabled"
    BALANCE_LOW = "balance_low"


class AssetKind(StrEnum):
    """The content of a file."""

    SELFIE = "selfie"
    AVATAR = "avatar"
    SCENE = "scene"
    VIDEO = "video"
    POSTER = "poster"


class AssetState(StrEnum):
    """The state of a file. Only a ready one can be used."""

    PENDING = "pending"
    READY = "ready"
    # The object was not in the store when it was needed.
    MISSING = "missing"
    REJECTED = "rejected"
    DELETED = "deleted"


class DeletionSubject(StrEnum):
    """The thing that a deletion removes, with everything that was made for it."""

    ASSET = "asset"
    STORY = "story"
    USER = "user"


class CreditEntryKind(StrEnum):
    """The kind of a ledger entry."""

    GRANT = "grant"
    TRANSFER = "transfer"
    ADJUST = "adjust"
    HOLD = "hold"
    CHARGE = "charge"
    RELEASE = "release"
    REFUND = "refund"


class CreditBucket(StrEnum):
    """The buckets of the ledger, between which an entry moves credits."""

    ISSUED = "issued"
    AVAILABLE = "available"
    HELD = "held"
    SPENT = "spent"


class Tier(StrEnum):
    """The tier of a session, which decides what it may request."""

    FREE = "free"
    PAID = "paid"


class Role(StrEnum):
    """The caller: an API key of a partner or of support, or a session, which has a token and no stored role."""

    PARTNER = "partner"
    VIEWER = "viewer"
    AGENT = "agent"
    ADMIN = "admin"
    SESSION = "session"


# The roles of support. Each may do what those before it may.
SUPPORT_ROLES = (Role.VIEWER, Role.AGENT, Role.ADMIN)


class KeyScope(StrEnum):
    """The changes that an API key may make. Every key may read what belongs to its account."""

    REQUESTS = "requests"
    SESSIONS = "sessions"
    CREDITS = "credits"
    KEYS = "keys"
    WEBHOOKS = "webhooks"


class UsageLimitName(StrEnum):
    """The things of which an owner may have, or do, only so much."""

    UNFINISHED_JOBS = "unfinished_jobs"
    OPEN_SESSIONS = "open_sessions"
    UPLOADS_PER_HOUR = "uploads_per_hour"
    PENDING_UPLOADS = "pending_uploads"
    UPLOAD_BYTES = "upload_bytes"


class UsageLimitOwner(StrEnum):
    """The owner of a limit: an account as a whole, or each of its users, by tier."""

    ACCOUNT = "account"
    PAID_USER = "paid_user"
    FREE_USER = "free_user"


class KeyMode(StrEnum):
    """The modes of an API key. A test key's jobs go to a stand-in for the provider."""

    LIVE = "live"
    TEST = "test"


class AuditAction(StrEnum):
    """The changes by support that the audit keeps."""

    GRANT_CREDITS = "grant_credits"
    ADJUST_CREDITS = "adjust_credits"
    REFUND_JOB = "refund_job"
    REVOKE_GRANT = "revoke_grant"
    REDRIVE_JOBS = "redrive_jobs"
    PAUSE_STEP = "pause_step"
    RESUME_STEP = "resume_step"
    REVIEW_COMPENSATION = "review_compensation"
    SUSPEND_ACCOUNT = "suspend_account"
    RESUME_ACCOUNT = "resume_account"
    SUSPEND_USER = "suspend_user"
    RESUME_USER = "resume_user"
    TAKE_DOWN_ASSET = "take_down_asset"
    SET_SPEND_CAP = "set_spend_cap"
    SET_LOW_BALANCE_MARK = "set_low_balance_mark"
    SET_USAGE_LIMIT = "set_usage_limit"
    STOP_REDRIVE = "stop_redrive"
    CREATE_API_KEY = "create_api_key"
    ROTATE_API_KEY = "rotate_api_key"
    REVOKE_API_KEY = "revoke_api_key"
    SET_API_KEY_ROLE = "set_api_key_role"


class RedriveState(StrEnum):
    """The states of a redrive."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"


class StatementInterval(StrEnum):
    """The lengths of the intervals of a statement of credits."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Interval(StrEnum):
    """The lengths of the intervals of statistics."""

    HOUR = "hour"
    DAY = "day"
