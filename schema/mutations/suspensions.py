"""Mutations that suspend accounts and end users, and let them in again."""

from __future__ import annotations

from uuid import UUID

import strawberry

from db.engine.commands import cancel
from db.records.ledger import WalletKey
from db.records.suspensions import running_jobs
from jobs.support.suspending import named, resume, suspend
from schema.context import Context, Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.types.account import Account, find_account
from schema.types.suspension import Suspension
from statemachine.vocabulary import Step

_READ_AT_ONCE = 500


@strawberry.input(description="The account to suspend, and why.")
class SuspendAccountInput:
    account_id: strawberry.ID = strawberry.field(description="The account; its end users are suspended with it.")
    reason: str = strawberry.field(description="The reason, at most 500 characters; for support only.")
    cancel_running: bool = strawberry.field(
        default=False, description="True to cancel the jobs that have not ended too; otherwise they go on."
    )


@strawberry.type(description="The suspended account.")
class SuspendAccountPayload(Payload):
    account: Account | None = strawberry.field(default=None, description="The account.")
    suspension: Suspension | None = strawberry.field(
        default=None, description="The suspension; suspending again replaces its author and its reason."
    )
    canceled: int = strawberry.field(default=0, description="The number of jobs that were canceled.")


@strawberry.input(description="The account to let in again, and why.")
class ResumeAccountInput:
    account_id: strawberry.ID = strawberry.field(
        description="The account; users that are suspended themselves stay so."
    )
    reason: str = strawberry.field(description="The reason, at most 500 characters; for support only.")


@strawberry.type(description="The account that was let in again.")
class ResumeAccountPayload(Payload):
    account: Account | None = strawberry.field(default=None, description="The account.")
    was_suspended: bool = strawberry.field(
        default=False, description="False if it was not suspended, so that nothing changed."
    )


@strawberry.input(description="The end user to suspend, and why.")
class SuspendUserInput:
    account_id: strawberry.ID = strawberry.field(description="The account whose user it is.")
    user_ref: str = strawberry.field(description="The account's own name for the user.")
    reason: str = strawberry.field(description="The reason, at most 500 characters; for support only.")
    cancel_running: bool = strawberry.field(
        default=False, description="True to cancel the user's jobs that have not ended too; otherwise they go on."
    )


@strawberry.type(description="The suspended end user.")
class SuspendUserPayload(Payload):
    suspension: Suspension | None = strawberry.field(
        default=None, description="The suspension; suspending again replaces its author and its reason."
    )
    canceled: int = strawberry.field(default=0, description="The number of jobs that were canceled.")


@strawberry.input(description="The end user to let in again, and why.")
class ResumeUserInput:
    account_id: strawberry.ID = strawberry.field(description="The account whose user it is.")
    user_ref: str = strawberry.field(description="The account's own name for the user.")
    reason: str = strawberry.field(description="The reason, at most 500 characters; for support only.")


@strawberry.type(description="The end user who was let in again.")
class ResumeUserPayload(Payload):
    was_suspended: bool = strawberry.field(
        default=False, description="False if the user was not suspended, so that nothing changed."
    )


@strawberry.type
class SuspensionMutations:
    @mutation(
        "For support: let an account and its users read only. Its keys stay valid, and its open sockets are closed "
        "within seconds.",
        SuspendAccountPayload,
    )
    async def suspend_account(self, info: Info, input: SuspendAccountInput) -> SuspendAccountPayload:
        account_id = _account(input.account_id)
        suspension, canceled = await _suspend(
            info.context, WalletKey(account_id), input.reason, cancel_running=input.cancel_running
        )
        account = await find_account(info, account_id)
        return SuspendAccountPayload(account=account, suspension=suspension, canceled=canceled)

    @mutation("For support: let a suspended account in again.", ResumeAccountPayload)
    async def resume_account(self, info: Info, input: ResumeAccountInput) -> ResumeAccountPayload:
        context, account_id = info.context, _account(input.account_id)
        was_suspended = await context.database.write(resume, context.principal, WalletKey(account_id), input.reason)
        return ResumeAccountPayload(account=await find_account(info, account_id), was_suspended=was_suspended)

    @mutation(
        "For support: let an end user read only. Their open sockets are closed within seconds, and no session is "
        "opened for them.",
        SuspendUserPayload,
    )
    async def suspend_user(self, info: Info, input: SuspendUserInput) -> SuspendUserPayload:
        who = named(_account(input.account_id), input.user_ref)
        suspension, canceled = await _suspend(info.context, who, input.reason, cancel_running=input.cancel_running)
        return SuspendUserPayload(suspension=suspension, canceled=canceled)

    @mutation("For support: let a suspended end user in again.", ResumeUserPayload)
    async def resume_user(self, info: Info, input: ResumeUserInput) -> ResumeUserPayload:
        who = named(_account(input.account_id), input.user_ref)
        context = info.context
        was_suspended = await context.database.write(resume, context.principal, who, input.reason)
        return ResumeUserPayload(was_suspended=was_suspended)


def _account(text: strawberry.ID) -> UUID:
    return input_id(text, IdKind.ACCOUNT, "accountId")


async def _suspend(context: Context, who: WalletKey, reason: str, *, cancel_running: bool) -> tuple[Suspension, int]:
    """Suspend, and cancel what runs afterwards, so that nothing new begins meanwhile; return also how many jobs."""
    record = await context.database.write(suspend, context.principal, who, reason)
    canceled = await _cancel_running(context, who) if cancel_running else 0
    return Suspension.of(record, support=True), canceled


async def _cancel_running(context: Context, who: WalletKey) -> int:
    """Cancel jobs until none is left that can be canceled; each in a transaction of its own, which locks one family."""
    count = 0
    while running := await context.database.read(running_jobs, who, _READ_AT_ONCE):
        canceled: set[UUID] = set()
        for job_id in running:
            if job_id not in canceled:
                canceled |= await context.database.write(cancel, job_id, context.principal.actor)
        context.parts.hint(Step.COMPENSATE, canceled)
        count += len(canceled)
        if not canceled:
            break
    return count
