"""Examples of what each place takes: something that belongs to someone, or a text that names nothing of anyone's."""

from __future__ import annotations

from enum import StrEnum, auto

from tests.schema.isolation.places import Place


class What(StrEnum):
    """Something that belongs to someone, and can be named."""

    ACCOUNT = auto()
    ACCOUNT_NAME = auto()
    API_KEY = auto()
    SELFIE = auto()
    AVATAR = auto()
    SCENE = auto()
    BATCH = auto()
    DELETION = auto()
    DELIVERY = auto()
    ENDPOINT = auto()
    GRANT = auto()
    JOB = auto()
    REDRIVE = auto()
    SESSION = auto()
    STORY = auto()
    USER_REF = auto()
    IDEMPOTENCY_KEY = auto()
    PREDICTION = auto()
    REQUEST = auto()
    ACTIVITY_CURSOR = auto()
    ACTION_CURSOR = auto()
    ENTRY_CURSOR = auto()
    JOB_CURSOR = auto()
    ROW_CURSOR = auto()
    USER_CURSOR = auto()


IDS = (
    What.ACCOUNT,
    What.API_KEY,
    What.SELFIE,
    What.BATCH,
    What.DELETION,
    What.DELIVERY,
    What.ENDPOINT,
    What.GRANT,
    What.JOB,
    What.REDRIVE,
    What.SESSION,
    What.STORY,
)
# Support sees every account, but these are the account's alone.
HIDDEN_FROM_SUPPORT = (What.API_KEY, What.ENDPOINT, What.DELIVERY)

_BY_NAME = {
    "account": (What.ACCOUNT,),
    "accountId": (What.ACCOUNT,),
    "assetId": (What.SELFIE,),
    "avatarId": (What.AVATAR, What.JOB),
    "batchId": (What.BATCH,),
    "endpointId": (What.ENDPOINT,),
    "grantId": (What.GRANT,),
    "idempotencyKey": (What.IDEMPOTENCY_KEY,),
    "ids": (What.JOB,),
    "jobId": (What.JOB,),
    "onBehalfOf": (What.USER_REF,),
    "providerPredictionId": (What.PREDICTION,),
    "redriveId": (What.REDRIVE,),
    "requestId": (What.REQUEST,),
    "sceneId": (What.SCENE, What.JOB),
    "selfieId": (What.SELFIE,),
    "sessionId": (What.SESSION,),
    "storyId": (What.STORY,),
    "userRef": (What.USER_REF,),
}
_BY_COORDINATE = {
    "AccountFilter.name": (What.ACCOUNT_NAME,),
    "AdjustCreditsInput.account": (What.ACCOUNT_NAME,),
    "DeleteUserInput.account": (What.ACCOUNT_NAME,),
    "GrantCreditsInput.account": (What.ACCOUNT_NAME,),
    "DeleteWebhookEndpointInput.id": (What.ENDPOINT,),
    "DisableWebhookEndpointInput.id": (What.ENDPOINT,),
    "EnableWebhookEndpointInput.id": (What.ENDPOINT,),
    "RedeliverWebhookInput.id": (What.ENDPOINT,),
    "RotateWebhookSecretInput.id": (What.ENDPOINT,),
    "SendTestWebhookInput.id": (What.ENDPOINT,),
    "UpdateWebhookEndpointInput.id": (What.ENDPOINT,),
    "RevokeApiKeyInput.id": (What.API_KEY,),
    "RotateApiKeyInput.id": (What.API_KEY,),
    "SetApiKeyRoleInput.id": (What.API_KEY,),
    "Query.asset.id": (What.SELFIE, What.AVATAR),
    "Query.batch.id": (What.BATCH,),
    "Query.deletion.id": (What.DELETION,),
    "Query.job.id": (What.JOB,),
    "Query.node.id": IDS,
    "Query.redrive.id": (What.REDRIVE,),
    "Query.story.id": (What.STORY,),
    "Job.children.after": (What.JOB,),
    "RedeliverWebhookInput.after": (What.ACTIVITY_CURSOR,),
    "Subscription.generationProgress.after": (What.JOB_CURSOR,),
    "Subscription.jobActivity.after": (What.ACTIVITY_CURSOR,),
    "Query.activity.after": (What.ACTIVITY_CURSOR,),
    "Query.creditStatementByUser.after": (What.USER_CURSOR,),
    **{
        f"{field}.{argument}": (what,)
        for field, what in {
            "Job.events": What.JOB_CURSOR,
            "Query.compensations": What.ACTION_CURSOR,
            "Query.creditEntries": What.ENTRY_CURSOR,
            **dict.fromkeys(
                (
                    "Query.accounts",
                    "Query.assets",
                    "Query.auditEntries",
                    "Query.jobs",
                    "Query.redrives",
                    "Redrive.skippedJobs",
                    "Query.sessions",
                    "Query.stories",
                    "Query.webhookDeliveries",
                    "Query.webhookEndpoints",
                    "Session.jobs",
                ),
                What.ROW_CURSOR,
            ),
        }.items()
        for argument in ("after", "before")
    },
}
# Words, addresses, and the catalogue, which everyone reads alike.
_TEXTS = {
    "contentType",
    "description",
    "details",
    "filename",
    "models",
    "name",
    "nameContains",
    "note",
    "reason",
    "theme",
    "themes",
    "url",
}


def is_text(place: Place) -> bool:
    """Return whether a place takes words, an address or a name of the catalogue, which name nothing of anyone's."""
    return place.name in _TEXTS and place.coordinate not in _BY_COORDINATE


def takes(place: Place) -> tuple[What, ...]:
    """Return what a place takes; raise LookupError if that is not said here."""
    found = _BY_COORDINATE.get(place.coordinate) or _BY_NAME.get(place.name)
    if found is None:
        raise LookupError(f"{place} takes text: say here what that names, or that it names nothing of anyone's.")
    return found


def is_cursor_of_rows(what: What) -> bool:
    """Return whether this is a place in a list: it says where to read on, and what is read is the caller's own."""
    return what in (What.ROW_CURSOR, What.ENTRY_CURSOR, What.ACTION_CURSOR, What.USER_CURSOR)
