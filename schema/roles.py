"""The roles of support: the least one that each mutation needs.

Support reads everything with every role, except what `schema.disclosure` keeps from viewers. Partners and sessions have
other rules: the scopes of a key, and who owns what. A mutation that is not in the table cannot be built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobs.errors import Forbidden
from jobs.identity import Principal
from statemachine.vocabulary import Role


def _each(role: Role, mutations: Iterable[str]) -> dict[str, Role]:
    return dict.fromkeys(mutations, role)


LEAST_ROLE: Mapping[str, Role] = {
    # What puts one job or one end user right.
    **_each(
        Role.AGENT,
        (
            "cancelBatch",
            "cancelJob",
            "cancelStory",
            "retryJob",
            "retryStory",
            "redriveJobs",
            "stopRedrive",
            "refundJob",
            "reviewCompensation",
            "suspendUser",
            "resumeUser",
            # Up to `ApiSettings.agent_credits_max` credits at once.
            "adjustCredits",
            "grantCredits",
        ),
    ),
    # What concerns a whole account or everybody, or cannot be undone.
    **_each(
        Role.ADMIN,
        (
            "createApiKey",
            "rotateApiKey",
            "revokeApiKey",
            "setApiKeyRole",
            "suspendAccount",
            "resumeAccount",
            "setSpendCap",
            "setUsageLimit",
            "setLowBalanceMark",
            "revokeGrant",
            "pauseStep",
            "resumeStep",
            "takeDownAsset",
            "deleteAsset",
            "deleteStory",
            "deleteUser",
            "endSession",
            # An export leaves the service: nothing here says who reads it later.
            "exportJobs",
            "exportUser",
        ),
    ),
    # What partners do for themselves. A key of support does it for its own account, as a partner's would.
    **_each(
        Role.ADMIN,
        (
            "createSession",
            "createStreamTicket",
            "createUpload",
            "completeUpload",
            "importAsset",
            "createAvatar",
            "createScene",
            "createAnimation",
            "createStory",
            "createBatch",
            "createWebhookEndpoint",
            "updateWebhookEndpoint",
            "rotateWebhookSecret",
            "disableWebhookEndpoint",
            "enableWebhookEndpoint",
            "deleteWebhookEndpoint",
            "redeliverWebhook",
            "sendTestWebhook",
        ),
    ),
}


def check_role(caller: Principal, mutation: str) -> None:
    """Raise Forbidden for support whose role is below the one that a mutation needs."""
    needed = LEAST_ROLE[mutation]
    if caller.is_support and not caller.has_role(needed):
        raise Forbidden(f"{mutation} needs the role {needed.name}; this key has {Role(caller.role).name}.")


def check_amount(caller: Principal, credits: int, agent_max: int) -> None:
    """Raise Forbidden for more credits, in either direction, than an agent of support may give at once."""
    if caller.is_support and not caller.has_role(Role.ADMIN) and abs(credits) > agent_max:
        raise Forbidden(
            f"More than {agent_max} credits at once need the role {Role.ADMIN.name}; "
            f"this key has {Role(caller.role).name}."
        )
