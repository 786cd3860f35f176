"""Mutations that grant, adjust and refund credits."""

from __future__ import annotations

import strawberry

from jobs.requesting.credits import AdjustRequest, GrantRequest, adjust_credits, grant_credits
from jobs.requesting.revoking import revoke_grant
from jobs.support.refunding import RefundRequest, refund_job
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind, encode_id
from schema.mutations.arguments import input_id
from schema.mutations.payloads import KeyedPayload
from schema.roles import check_amount
from schema.scalars import BigInt
from schema.types.credit_balance import CreditBalance
from schema.types.credits import CreditEntry
from schema.types.job import Job
from statemachine.vocabulary import KeyScope


@strawberry.input(description="The credits to give, and the wallet that receives them.")
class GrantCreditsInput:
    amount: BigInt = strawberry.field(description="The credits to give, 1 to 1000000000.")
    idempotency_key: str = strawberry.field(description="1 to 255 characters. The same key grants only once.")
    user_ref: str | None = strawberry.field(
        default=None, description="The end user who receives the credits from your account. Support may omit it."
    )
    account: str | None = strawberry.field(
        default=None, description="For support: the name of the account; null for your own."
    )
    reason: str | None = strawberry.field(default=None, description="Kept with the entry, at most 500 characters.")


@strawberry.type(description="The wallet after the grant.")
class GrantCreditsPayload(KeyedPayload):
    balance: CreditBalance | None = strawberry.field(
        default=None, description="The credits of the wallet that received them, as they are now."
    )
    grant_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the grant, with which `revokeGrant` takes it back."
    )


@strawberry.input(description="The grant to take back, and why.")
class RevokeGrantInput:
    grant_id: strawberry.ID = strawberry.field(description="The grant, as `grantCredits` returned it.")
    reason: str = strawberry.field(description="The reason, at most 500 characters; kept with the ledger entries.")


@strawberry.type(description="What came back of the grant.")
class RevokeGrantPayload(KeyedPayload):
    amount: BigInt | None = strawberry.field(
        default=None, description="The credits that went back: what the user had not spent, at most what was granted."
    )
    balance: CreditBalance | None = strawberry.field(
        default=None, description="The credits of the wallet that had received them, as they are now."
    )


@strawberry.input(description="The wallet to adjust, and by how much.")
class AdjustCreditsInput:
    account: str = strawberry.field(description="The name of the account.")
    change: BigInt = strawberry.field(
        description="Positive to add, negative to remove, at most 1000000000; the available credits cannot fall "
        "below zero."
    )
    reason: str = strawberry.field(description="The reason, at most 500 characters; kept with the entry.")
    idempotency_key: str = strawberry.field(description="1 to 255 characters. The same key adjusts only once.")
    user_ref: str | None = strawberry.field(default=None, description="The end user; null for the account itself.")


@strawberry.type(description="The adjustment as the ledger has it.")
class AdjustCreditsPayload(KeyedPayload):
    entry: CreditEntry | None = strawberry.field(default=None, description="The ledger entry that was written.")


@strawberry.input(description="The job to refund, and why.")
class RefundJobInput:
    job_id: strawberry.ID = strawberry.field(description="A job that was charged.")
    reason: str = strawberry.field(description="The reason, at most 500 characters; kept with the ledger entry.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters. The same key with the same job refunds only once."
    )


@strawberry.type(description="The refunded job.")
class RefundJobPayload(KeyedPayload):
    job: Job | None = strawberry.field(
        default=None, description="The job; `credits` has the refund, and `creditEntries` its entry with the reason."
    )
    amount: BigInt | None = strawberry.field(default=None, description="The credits that went back.")


@strawberry.type
class CreditMutations:
    @mutation(
        "Transfer credits from your account to one of your end users.", GrantCreditsPayload, scope=KeyScope.CREDITS
    )
    async def grant_credits(self, info: Info, input: GrantCreditsInput) -> GrantCreditsPayload:
        request = GrantRequest(
            idempotency_key=input.idempotency_key,
            amount=input.amount,
            user_ref=input.user_ref,
            account=input.account,
            reason=input.reason,
        )
        check_amount(info.context.principal, input.amount, info.context.parts.settings.agent_credits_max)
        granted = await info.context.database.write(grant_credits, info.context.principal, request)
        return GrantCreditsPayload(
            balance=CreditBalance.of(granted.balance),
            grant_id=strawberry.ID(encode_id(IdKind.GRANT, granted.grant_id)),
            replayed=granted.replayed,
        )

    @mutation(
        "Take back what an end user has not spent of a grant, say to a mistyped user. A grant is revoked once; "
        "repeating it changes nothing. Requires an API key.",
        RevokeGrantPayload,
        scope=KeyScope.CREDITS,
    )
    async def revoke_grant(self, info: Info, input: RevokeGrantInput) -> RevokeGrantPayload:
        grant_id = input_id(input.grant_id, IdKind.GRANT, "grantId")
        revoked = await info.context.database.write(revoke_grant, info.context.principal, grant_id, input.reason)
        return RevokeGrantPayload(
            amount=BigInt(revoked.amount), balance=CreditBalance.of(revoked.balance), replayed=revoked.replayed
        )

    @mutation(
        "For support: adjust the credits of a wallet, with a reason that stays in the ledger.",
        AdjustCreditsPayload,
        scope=KeyScope.CREDITS,
    )
    async def adjust_credits(self, info: Info, input: AdjustCreditsInput) -> AdjustCreditsPayload:
        reader = info.context.principal
        request = AdjustRequest(
            idempotency_key=input.idempotency_key,
            account=input.account,
            change=input.change,
            reason=input.reason,
            user_ref=input.user_ref,
        )
        check_amount(reader, input.change, info.context.parts.settings.agent_credits_max)
        adjusted = await info.context.database.write(adjust_credits, reader, request)
        return AdjustCreditsPayload(entry=CreditEntry.of(adjusted.entry, reader=reader), replayed=adjusted.replayed)

    @mutation(
        "For support: refund what a job was charged. It stays as it is, and so does what was made from it.",
        RefundJobPayload,
        scope=KeyScope.CREDITS,
    )
    async def refund_job(self, info: Info, input: RefundJobInput) -> RefundJobPayload:
        request = RefundRequest(input.idempotency_key, input_id(input.job_id, IdKind.JOB, "jobId"), input.reason)
        refunded = await info.context.database.write(refund_job, info.context.principal, request)
        return RefundJobPayload(job=Job.of(refunded.job), amount=BigInt(refunded.amount), replayed=refunded.replayed)
