"""Mutations for uploads: a selfie goes straight to the object store, and is then checked."""

from __future__ import annotations

from datetime import datetime

import strawberry

from jobs.requesting.uploads import UPLOAD_BYTES_MAX, Upload, complete_upload, create_upload
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.mutations.request_options import BehalfInput
from schema.scalars import URL
from schema.types.asset import Asset


@strawberry.input(description="The file to be uploaded.")
class CreateUploadInput(BehalfInput):
    content_type: str = strawberry.field(description="The media type, one of `uploadLimits.contentTypes`.")


@strawberry.type(description="One field of the form.")
class FormField:
    name: str = strawberry.field(description="The name of the form field.")
    value: str = strawberry.field(description="Its value, to be sent unchanged.")


@strawberry.type(description="A form to POST as multipart/form-data: these fields first, then the file as `file`.")
class UploadForm:
    url: URL = strawberry.field(description="The address to POST the form to.")
    fields: list[FormField] = strawberry.field(description="The fields to send before the file, in this order.")
    expires_at: datetime = strawberry.field(description="When the form stops working, 15 minutes after it was made.")
    max_bytes: int = strawberry.field(
        description="The largest file in bytes; the store refuses a larger one with a 400 and `EntityTooLarge`."
    )

    @classmethod
    def of(cls, upload: Upload) -> UploadForm:
        """Return the form of an upload."""
        fields = [FormField(name=name, value=value) for name, value in upload.form.fields.items()]
        return cls(url=URL(upload.form.url), fields=fields, expires_at=upload.expires_at, max_bytes=UPLOAD_BYTES_MAX)


@strawberry.type(description="The reserved asset, and the form that uploads its file.")
class CreateUploadPayload(Payload):
    asset: Asset | None = strawberry.field(default=None, description="The asset, `PENDING` until `completeUpload`.")
    form: UploadForm | None = strawberry.field(default=None, description="The form to POST with the file.")


@strawberry.input(description="The upload to complete.")
class CompleteUploadInput:
    asset_id: strawberry.ID = strawberry.field(description="The asset of `createUpload`, after its form was posted.")


@strawberry.type(description="The selfie that was uploaded.")
class CompleteUploadPayload(Payload):
    asset: Asset | None = strawberry.field(default=None, description="The selfie, ready for use.")


@strawberry.type
class UploadMutations:
    @mutation("Create an upload form for a selfie, whose bytes go straight to the object store.", CreateUploadPayload)
    async def create_upload(self, info: Info, input: CreateUploadInput) -> CreateUploadPayload:
        context = info.context
        runtime = context.parts.runtime
        upload = await context.database.write(
            create_upload,
            runtime.store,
            context.principal,
            content_type=input.content_type,
            kept_for=runtime.retention.selfies,
            user_ref=input.on_behalf_of,
        )
        return CreateUploadPayload(asset=Asset.of(upload.asset), form=UploadForm.of(upload))

    @mutation(
        "Check and clean an uploaded file. Safe to repeat: it then returns the asset as it is.", CompleteUploadPayload
    )
    async def complete_upload(self, info: Info, input: CompleteUploadInput) -> CompleteUploadPayload:
        asset_id = input_id(input.asset_id, IdKind.ASSET, "assetId")
        parts, caller = info.context.parts, info.context.principal
        async with parts.upload_checks.place(caller):
            asset = await parts.upload_checks.run(
                complete_upload, parts.runtime.blocking_engine, parts.runtime.store, caller, asset_id
            )
        return CompleteUploadPayload(asset=Asset.of(asset))
