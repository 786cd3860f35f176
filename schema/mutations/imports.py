"""The mutation that imports a selfie from a public address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry

from jobs.importing.imports import Imported, ImportFolder, ImportRequest, begin_import
from schema.context import Info
from schema.fields import mutation
from schema.mutations.payloads import KeyedPayload
from schema.mutations.request_options import BehalfInput
from schema.scalars import URL
from schema.types.asset import Asset

if TYPE_CHECKING:
    from db.records.assets import Asset as AssetRecord
    from jobs.identity import Principal
    from schema.context import Parts


@strawberry.input(description="The address of the picture to import.")
class ImportAssetInput(BehalfInput):
    url: URL = strawberry.field(description="A public http or https address on port 80 or 443, without a login.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters. The same key imports only once; an import that failed may be tried again."
    )


@strawberry.type(description="The imported selfie.")
class ImportAssetPayload(KeyedPayload):
    asset: Asset | None = strawberry.field(default=None, description="The selfie, ready for use.")


@strawberry.type
class ImportMutations:
    @mutation(
        "Import a selfie from a public address. It is checked and cleaned like an upload, within `uploadLimits`.",
        ImportAssetPayload,
    )
    async def import_asset(self, info: Info, input: ImportAssetInput) -> ImportAssetPayload:
        parts, caller = info.context.parts, info.context.principal
        imported: Imported = await info.context.database.write(
            begin_import,
            parts.runtime.fetcher,
            caller,
            ImportRequest(str(input.url), input.on_behalf_of),
            idempotency_key=input.idempotency_key,
            kept_for=parts.runtime.retention.selfies,
        )
        asset = imported.asset
        if asset.state == "pending":
            asset = await _fetched(parts, caller, asset, str(input.url))
        return ImportAssetPayload(asset=Asset.of(asset), replayed=imported.replayed)


async def _fetched(parts: Parts, caller: Principal, asset: AssetRecord, url: str) -> AssetRecord:
    """Fetch and clean a picture, each in its own kind of place; neither blocks the event loop."""
    runtime = parts.runtime
    async with parts.imports.place(caller):
        with ImportFolder(runtime.blocking_engine, runtime.store, asset) as folder:
            await parts.imports.run(folder.fetch, runtime.fetcher, url)
            async with parts.upload_checks.place(caller):
                return await parts.upload_checks.run(folder.clean)
