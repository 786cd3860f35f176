"""Mutations that make the addresses of exports."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson
import strawberry

from db.records.job_filters import filter_as_json
from db.records.jobs import JobFilter as Wanted
from db.records.ledger import WalletKey
from db.records.suspensions import user_is_known
from jobs.errors import Forbidden, Invalid, NotFound
from jobs.stream_tickets import make_ticket
from schema.context import Info
from schema.disclosure import check_sees_provider
from schema.exports.addresses import JOBS_PATH, USER_PATH, subject_of, with_ticket, written
from schema.exports.job_table import COLUMNS
from schema.fields import mutation
from schema.ids import IdKind, encode_id
from schema.mutations.payloads import Payload
from schema.narrowing import narrowed
from schema.scalars import URL
from schema.types.filters import JobFilter
from statemachine.vocabulary import KeyScope

_EXPIRES = "How long a download can be started, in seconds: 60 to 3600. One that has started is not cut off."
_URL = (
    "The address with its ticket, for a GET without headers. Anyone who has it can download the export: do not log it."
)
_EXPIRES_AT = "When the address stops working."


@strawberry.input(description="The jobs to export.")
class ExportJobsInput:
    filter: JobFilter | None = strawberry.field(
        default=None, description="As that of `jobs`; null for all jobs that you see."
    )
    expires_in_seconds: int = strawberry.field(default=600, description=_EXPIRES)


@strawberry.type(description="The address of the jobs as CSV.")
class ExportJobsPayload(Payload):
    url: URL | None = strawberry.field(default=None, description=_URL)
    columns: list[str] = strawberry.field(
        default_factory=list, description="The names of the columns, in their order; new ones are added at the end."
    )
    expires_at: datetime | None = strawberry.field(default=None, description=_EXPIRES_AT)


@strawberry.input(description="The end user whose data is exported.")
class ExportUserInput:
    user_ref: str = strawberry.field(description="Your own name for the end user.")
    account: strawberry.ID | None = strawberry.field(
        default=None, description="The account of the user; for support, who must give it."
    )
    expires_in_seconds: int = strawberry.field(default=600, description=_EXPIRES)


@strawberry.type(description="The address of the archive.")
class ExportUserPayload(Payload):
    url: URL | None = strawberry.field(default=None, description=_URL)
    expires_at: datetime | None = strawberry.field(default=None, description=_EXPIRES_AT)


@strawberry.type
class ExportMutations:
    @mutation(
        "Make an address from which jobs are downloaded as CSV, the newest first, as they are at the download: any "
        "number of them.",
        ExportJobsPayload,
        scope=KeyScope.SESSIONS,
    )
    async def export_jobs(self, info: Info, input: ExportJobsInput) -> ExportJobsPayload:
        wanted = input.filter.wanted() if input.filter else Wanted()
        if wanted.is_about_the_provider:
            check_sees_provider(info.context.principal, "A filter by prediction, model or cost")
        account_id = narrowed(info.context.principal, input.filter).account_id
        given = {"filter": orjson.dumps(_briefly(wanted)).decode()}
        if info.context.principal.is_support and account_id is not None:
            given["account"] = encode_id(IdKind.ACCOUNT, account_id)
        url, expires_at = await _ticketed(info, written(JOBS_PATH, given), input.expires_in_seconds)
        return ExportJobsPayload(url=url, columns=list(COLUMNS), expires_at=expires_at)

    @mutation(
        "Make an address from which all that is kept of one end user is downloaded as a ZIP, files included, as it is "
        "at the download: for the user's right of access. Requires an API key.",
        ExportUserPayload,
        scope=KeyScope.SESSIONS,
    )
    async def export_user(self, info: Info, input: ExportUserInput) -> ExportUserPayload:
        if info.context.principal.session is not None:
            raise Forbidden("exportUser needs an API key; this is a session token.")
        whose = narrowed(info.context.principal, JobFilter(account=input.account, user_ref=input.user_ref))
        account_id = whose.account_id or info.context.principal.account_id
        if not await info.context.database.read(user_is_known, WalletKey(account_id, input.user_ref)):
            raise NotFound("The user does not exist.", "input", "userRef")
        given = {"account": encode_id(IdKind.ACCOUNT, account_id), "userRef": input.user_ref}
        url, expires_at = await _ticketed(info, written(USER_PATH, given), input.expires_in_seconds)
        return ExportUserPayload(url=url, expires_at=expires_at)


def _briefly(wanted: Wanted) -> dict[str, object]:
    return {name: value for name, value in filter_as_json(wanted).items() if value not in (None, [])}


async def _ticketed(info: Info, address: str, expires_in_seconds: int) -> tuple[URL, datetime]:
    """Return the URL of an address with a new ticket, and when that ends; raise Invalid for wrong times."""
    context = info.context
    if context.base_url is None:
        raise Invalid("Send this over HTTP: over a socket the server does not know its own address.", "input")
    lasts = timedelta(seconds=expires_in_seconds)
    ticket, expires_at = await context.database.write(make_ticket, context.principal, subject_of(address), lasts)
    return URL(with_ticket(context.base_url, address, ticket)), expires_at
