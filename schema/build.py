"""Assembly of the schema."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.admission.admit import Admission, AdmissionControl
from schema.context import Context
from schema.errors import log_unforeseen
from schema.live.shared_execution import SharingExecutor
from schema.live.subscription import Subscription
from schema.mutations.api_keys import ApiKeyMutations
from schema.mutations.batches import BatchMutations
from schema.mutations.credit_limits import CreditLimitMutations
from schema.mutations.credits import CreditMutations
from schema.mutations.deletions import DeletionMutations
from schema.mutations.exports import ExportMutations
from schema.mutations.imports import ImportMutations
from schema.mutations.jobs import JobMutations
from schema.mutations.redrives import RedriveMutations
from schema.mutations.sessions import SessionMutations
from schema.mutations.stories import StoryMutations
from schema.mutations.stream_tickets import StreamTicketMutations
from schema.mutations.support import SupportMutations
from schema.mutations.suspensions import SuspensionMutations
from schema.mutations.uploads import UploadMutations
from schema.mutations.usage_limits import UsageLimitMutations
from schema.mutations.webhooks import WebhookMutations
from schema.queries.root import Query
from schema.runtime import ApiSettings
from schema.scalars import SCALARS
from schema.types.account import Account
from schema.types.asset import Asset
from schema.types.deletion import Deletion
from schema.types.errors import InsufficientCreditsError, LimitExceededError, PlainUserError, SpendCapError
from schema.types.job import Job
from schema.types.redrive import Redrive
from schema.types.session import Session
from schema.types.story import Story
from schema.types.webhook import WebhookEndpoint


@strawberry.type(
    description="Everything that can be changed. Something wrong in the input is reported in `userErrors`."
)
class Mutation(
    SessionMutations,
    ApiKeyMutations,
    CreditMutations,
    CreditLimitMutations,
    UploadMutations,
    ImportMutations,
    StoryMutations,
    JobMutations,
    BatchMutations,
    DeletionMutations,
    WebhookMutations,
    StreamTicketMutations,
    ExportMutations,
    SupportMutations,
    RedriveMutations,
    SuspensionMutations,
    UsageLimitMutations,
):
    """All mutations."""


class DioramaSchema(strawberry.Schema):
    """The schema, which logs only unexpected errors: a caller's typo is reported to the caller alone."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log what will be masked."""
        context: Any = execution_context.context if execution_context else None
        request_id = context.request_id if isinstance(context, Context) else "unknown"
        for error in errors:
            log_unforeseen(error, request_id)


def build_schema(settings: ApiSettings) -> DioramaSchema:
    """Return the schema with its admission."""
    control = AdmissionControl(settings)
    return DioramaSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[
            Account,
            Job,
            Story,
            Asset,
            Redrive,
            Session,
            Deletion,
            WebhookEndpoint,
            PlainUserError,
            InsufficientCreditsError,
            SpendCapError,
            LimitExceededError,
        ],
        extensions=[lambda: Admission(control)],
        execution_context_class=SharingExecutor,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
