"""The words of the API about the values of the enums of accounts, their files, their credits and support."""

from __future__ import annotations

from statemachine.vocabulary import (
    ActivityType,
    AssetKind,
    AssetState,
    AuditAction,
    CreditBucket,
    CreditEntryKind,
    DeletionSubject,
    Interval,
    KeyMode,
    KeyScope,
    RedriveState,
    Role,
    Tier,
    UsageLimitName,
    UsageLimitOwner,
)

ASSET_KINDS = {
    AssetKind.SELFIE: "A picture that was uploaded or imported, cleaned of its metadata.",
    AssetKind.AVATAR: "The result of an avatar job: a picture of 1024×1024 pixels.",
    AssetKind.SCENE: "The result of a scene job: a picture of 1920×1080 pixels.",
    AssetKind.VIDEO: "The result of an animation job: an MP4 of 1920×1080 pixels.",
    AssetKind.POSTER: "A still image of a video.",
}

ASSET_STATES = {
    AssetState.PENDING: "Reserved; its file has not been uploaded and checked yet.",
    AssetState.READY: "It can be fetched and used.",
    AssetState.MISSING: "Its file was not in our storage when it was needed: make or upload it again.",
    AssetState.REJECTED: "The upload was refused for good; `rejection` says why.",
    AssetState.DELETED: "Its file was removed, on request or by retention.",
}

CREDIT_BUCKETS = {
    CreditBucket.ISSUED: "The source of the wallet's credits, and the place to which credits leave it.",
    CreditBucket.AVAILABLE: "Credits that can be spent.",
    CreditBucket.HELD: "Credits set aside for jobs that have not ended.",
    CreditBucket.SPENT: "Credits charged for jobs that succeeded.",
}

CREDIT_ENTRY_KINDS = {
    CreditEntryKind.GRANT: "Credits given by support or an operator.",
    CreditEntryKind.TRANSFER: "Credits moved between an account and one of its end users: one entry in each wallet.",
    CreditEntryKind.ADJUST: "A correction by support, in either direction.",
    CreditEntryKind.HOLD: "The price of an accepted or retried job, set aside.",
    CreditEntryKind.CHARGE: "The price of a job that succeeded, spent.",
    CreditEntryKind.RELEASE: "The price of a job that ended without success, available again.",
    CreditEntryKind.REFUND: "The price of a job that was charged and then rolled back, available again.",
}

DELETION_SUBJECTS = {
    DeletionSubject.ASSET: "A file, with its copies and its poster.",
    DeletionSubject.STORY: "Everything that was made for a story; its selfie stays.",
    DeletionSubject.USER: "Everything of an end user, whose sessions end.",
}

ROLES = {
    Role.PARTNER: "A partner's API key: it reads everything in the account, and may open sessions and grant credits.",
    Role.VIEWER: "A support key that only reads: every account, but no words of users, no prompts and no pictures.",
    Role.AGENT: "A support key that reads every account, and puts right what concerns a job or an end user.",
    Role.ADMIN: "A support key that may do everything that is for support.",
    Role.SESSION: "An end user's session token: it reads and spends what belongs to that user.",
}

KEY_SCOPES = {
    KeyScope.REQUESTS: "Requesting, canceling, retrying and deleting uploads, jobs, stories and batches, and deleting "
    "an end user; for support also redriving, pausing and reviewing.",
    KeyScope.SESSIONS: "Opening and ending the sessions of end users, and making tickets of streams and exports.",
    KeyScope.CREDITS: "Granting and adjusting credits.",
    KeyScope.KEYS: "Creating, rotating and revoking API keys.",
    KeyScope.WEBHOOKS: "Creating, changing, testing and deleting webhook endpoints, and delivering again.",
}

KEY_MODES = {
    KeyMode.LIVE: "Jobs go to the models, and cost credits.",
    KeyMode.TEST: "Jobs go to a stand-in, cost nothing, and are seen by test keys and their sessions only.",
}

AUDIT_ACTIONS = {
    AuditAction.GRANT_CREDITS: "Credits were created with `grantCredits`.",
    AuditAction.ADJUST_CREDITS: "A wallet was corrected with `adjustCredits`.",
    AuditAction.REVOKE_GRANT: "A grant was taken back with `revokeGrant`.",
    AuditAction.REFUND_JOB: "A charge was returned with `refundJob`.",
    AuditAction.REDRIVE_JOBS: "Jobs were tried again with `redriveJobs`.",
    AuditAction.PAUSE_STEP: "A step was stopped for everybody with `pauseStep`.",
    AuditAction.RESUME_STEP: "A step was started again with `resumeStep`.",
    AuditAction.REVIEW_COMPENSATION: "A compensating action was decided on with `reviewCompensation`.",
    AuditAction.SUSPEND_ACCOUNT: "An account was suspended with `suspendAccount`.",
    AuditAction.RESUME_ACCOUNT: "An account was let in again with `resumeAccount`.",
    AuditAction.SUSPEND_USER: "An end user was suspended with `suspendUser`.",
    AuditAction.RESUME_USER: "An end user was let in again with `resumeUser`.",
    AuditAction.TAKE_DOWN_ASSET: "A reported picture was removed with `takeDownAsset`.",
    AuditAction.SET_SPEND_CAP: "The cap of a day was set with `setSpendCap`.",
    AuditAction.SET_LOW_BALANCE_MARK: "The mark of a low balance was set with `setLowBalanceMark`.",
    AuditAction.SET_USAGE_LIMIT: "A limit of use was set with `setUsageLimit`.",
    AuditAction.STOP_REDRIVE: "A redrive was stopped with `stopRedrive`.",
    AuditAction.CREATE_API_KEY: "A key of support was made with `createApiKey`.",
    AuditAction.ROTATE_API_KEY: "A key of support was replaced with `rotateApiKey`.",
    AuditAction.REVOKE_API_KEY: "A key of support was ended with `revokeApiKey`.",
    AuditAction.SET_API_KEY_ROLE: "The role of a key of support was changed with `setApiKeyRole`.",
}

USAGE_LIMIT_NAMES = {
    UsageLimitName.UNFINISHED_JOBS: "Jobs that have not ended, including those that wait for another. What support "
    "redrives comes on top.",
    UsageLimitName.OPEN_SESSIONS: "Sessions that have not ended.",
    UsageLimitName.UPLOADS_PER_HOUR: "Uploads and imports that were begun in this hour of the clock.",
    UsageLimitName.PENDING_UPLOADS: "Uploads that have not been completed.",
    UsageLimitName.UPLOAD_BYTES: "The bytes of uploaded and imported pictures that are kept. What is pending when "
    "it is reached can still be completed.",
}

USAGE_LIMIT_OWNERS = {
    UsageLimitOwner.ACCOUNT: "An account as a whole: what its keys and all its users have, together.",
    UsageLimitOwner.PAID_USER: "Each user of an account, in a paid session or as API keys request for them.",
    UsageLimitOwner.FREE_USER: "Each user of an account, in a free session.",
}

REDRIVE_STATES = {
    RedriveState.RUNNING: "It is under way.",
    RedriveState.FINISHED: "Every job that it selects has begun again or was skipped.",
    RedriveState.STOPPED: "Support stopped it with `stopRedrive`.",
}

INTERVALS = {
    Interval.HOUR: "An hour.",
    Interval.DAY: "A day, from midnight to midnight in UTC.",
}

TIERS = {
    Tier.FREE: "Videos of 6 seconds; also the tier of sessions by default.",
    Tier.PAID: "Videos of 6 or 10 seconds, and models reserved for this tier; also the tier of API keys.",
}

ACTIVITY_TYPES = {
    ActivityType.JOB_EVENT: "An event of a job: `event` has it.",
    ActivityType.STORY_BEGAN: "A story was accepted; the events of its jobs follow.",
    ActivityType.STORY_SUCCEEDED: "All jobs of a story have ended well.",
    ActivityType.STORY_FAILED: "All jobs of a story have ended, and the first that did not succeed has failed.",
    ActivityType.STORY_CANCELED: "All jobs of a story have ended, and the first that did not succeed was canceled.",
    ActivityType.ENDPOINT_DISABLED: "A webhook endpoint was disabled because it failed for days, or was gone.",
    ActivityType.BALANCE_LOW: "The account's own balance has fallen below the mark of `setLowBalanceMark`.",
}
