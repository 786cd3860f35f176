"""The official Python client works unchanged with the simulator."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
import replicate
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError
from replicate.webhook import Webhooks

from tests.simulator.certificates import needs_openssl, self_signed
from tests.simulator.clients import IMAGE, Api
from tests.simulator.conftest import Start
from tests.simulator.uploads import picture
from tests.support.receiver import Receiver

HELLO = "replicate/hello-world:5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


@pytest.fixture
def client(api: Api, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The official client, pointed at the shared simulator."""
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.01")
    return Client(api_token="r8_any", base_url=api.background.api_url)


def test_run_returns_the_output(client: Any) -> None:
    (url,) = client.run(IMAGE, input={"prompt": "x"})
    assert url.endswith("/out-0.webp")
    assert client.run(HELLO, input={"text": "Alice"}) == "hello Alice"


def test_run_raises_the_error_of_the_model(api: Api, client: Any) -> None:
    api.fault("fail", {"code": "E005"})
    with pytest.raises(ModelError, match="flagged as sensitive"):
        client.run(IMAGE, input={"prompt": "x"})


def test_create_get_wait_and_cancel(client: Any) -> None:
    prediction = client.models.predictions.create(IMAGE, {"prompt": "x"})
    assert prediction.status == "starting"
    assert client.predictions.get(prediction.id).id == prediction.id
    prediction.wait()
    assert prediction.status == "succeeded"
    prediction.cancel()
    prediction.reload()
    assert prediction.status == "succeeded"


def test_cancel_ends_a_running_prediction(start: Start) -> None:
    client = Client(api_token="r8_any", base_url=start(speed=1.0).background.api_url)
    prediction = client.models.predictions.create(IMAGE, {"prompt": "x"})
    prediction.cancel()
    prediction.reload()
    assert prediction.status == "canceled"


def test_create_with_wait_returns_the_output(client: Any) -> None:
    assert client.predictions.create(version=IMAGE, input={"prompt": "x"}, wait=10).output


def test_list_pages_follow_each_other(start: Start) -> None:
    api = start(instant=True)
    client = Client(api_token="r8_any", base_url=api.background.api_url)
    for _ in range(120):
        api.created()
    pages = list(replicate.pagination.paginate(client.predictions.list))
    assert [len(page.results) for page in pages] == [100, 20]


def test_errors_carry_title_and_status(client: Any) -> None:
    with pytest.raises(ReplicateError) as invalid:
        client.models.predictions.create(IMAGE, {})
    assert (invalid.value.status, invalid.value.title) == (422, "Input validation failed")
    with pytest.raises(ReplicateError) as missing:
        client.predictions.get("none")
    assert missing.value.status == 404


def test_files_are_created_listed_and_deleted(client: Any) -> None:
    file = client.files.create(io.BytesIO(b"content"), filename="a.txt", metadata={"job": "5"})
    assert (file.name, file.size, file.metadata) == ("a.txt", 7, {"job": "5"})
    assert [each.id for each in client.files.list()] == [file.id]
    client.files.delete(file.id)
    assert list(client.files.list()) == []


def test_file_objects_in_the_input_are_uploaded_and_used(drawing: Api) -> None:
    client = Client(api_token="r8_any", base_url=drawing.background.api_url)
    prediction = client.models.predictions.create(
        "minimax/video-01-live", {"prompt": "x", "first_frame_image": io.BytesIO(picture())}
    )
    assert drawing.until(prediction.id)["status"] == "succeeded"
    assert prediction.input is not None
    assert prediction.input["first_frame_image"].startswith(f"{drawing.background.api_url}/v1/files/")


@needs_openssl
def test_outputs_over_https_are_files_to_the_client(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", cert)
    api = start(tls_cert_file=cert, tls_key_file=key)
    client = Client(api_token="r8_any", base_url=api.background.api_url)
    (file,) = client.run(IMAGE, input={"prompt": "x"})
    assert api.background.api_url.startswith("https://")
    assert file.read()[8:12] == b"WEBP"


def test_models_versions_account_hardware_and_collections_are_read(client: Any) -> None:
    model = client.models.get(IMAGE)
    assert model.latest_version.openapi_schema["components"]["schemas"]["Input"]["required"] == ["prompt"]
    assert model.versions.get(model.latest_version.id).id == model.latest_version.id
    assert len(client.models.list().results) > 10
    assert [found.name for found in client.models.search("sunburst")] == ["gpt-image-2.5-sunburst"]
    assert client.accounts.current().username == "simulator"
    assert client.hardware.list()[0].sku == "cpu"
    assert client.collections.get("text-to-image").models


def test_deployments_are_created_run_and_deleted(client: Any) -> None:
    version = client.models.get(IMAGE).latest_version.id
    client.deployments.create(name="d", model=IMAGE, version=version, hardware="cpu", min_instances=0, max_instances=1)
    deployment = client.deployments.get("simulator/d")
    assert deployment.predictions.create(input={"prompt": "x"}).status == "starting"
    assert (
        client.deployments.update(
            deployment_owner="simulator", deployment_name="d", max_instances=4
        ).current_release.number
        == 2
    )
    assert client.deployments.delete(deployment_owner="simulator", deployment_name="d")


def test_webhooks_pass_the_clients_own_validation(api: Api, client: Any, receiver: Receiver) -> None:
    api.created(webhook=receiver.url)
    request = receiver.wait_for(1)[0]
    secret = client.webhooks.default.secret()
    Webhooks.validate(headers=request.headers, body=request.body.decode(), secret=secret, tolerance=60)


def test_async_methods_run_create_wait_and_list(api: Api) -> None:
    async def story() -> tuple[Any, str, int]:
        client = Client(api_token="r8_any", base_url=api.background.api_url)
        output = await client.async_run(IMAGE, input={"prompt": "x"})
        prediction = await client.models.predictions.async_create(IMAGE, {"prompt": "x"})
        await prediction.async_wait()
        listed = await client.predictions.async_list()
        return output, prediction.status, len(listed.results)

    output, status, count = asyncio.run(story())
    assert len(output) == 1
    assert (status, count) == ("succeeded", 2)


def test_async_methods_cancel(start: Start) -> None:
    slow = start(speed=1.0)

    async def story() -> str:
        client = Client(api_token="r8_any", base_url=slow.background.api_url)
        prediction = await client.models.predictions.async_create(IMAGE, {"prompt": "x"})
        await prediction.async_cancel()
        await prediction.async_reload()
        return str(prediction.status)

    assert asyncio.run(story()) == "canceled"


def test_async_methods_follow_pages(start: Start) -> None:
    api = start(instant=True)
    for _ in range(120):
        api.created()

    async def story() -> list[int]:
        client = Client(api_token="r8_any", base_url=api.background.api_url)
        return [len(page.results) async for page in replicate.pagination.async_paginate(client.predictions.async_list)]

    assert asyncio.run(story()) == [100, 20]


def test_async_methods_keep_files_and_validate_webhooks(api: Api, receiver: Receiver) -> None:
    api.created(webhook=receiver.url)
    request = receiver.wait_for(1)[0]

    async def story() -> tuple[str, int]:
        client = Client(api_token="r8_any", base_url=api.background.api_url)
        file = await client.files.async_create(io.BytesIO(b"content"), filename="a.txt")
        await client.files.async_delete(file.id)
        secret = await client.webhooks.default.async_secret()
        Webhooks.validate(headers=request.headers, body=request.body.decode(), secret=secret, tolerance=60)
        return file.name, len(list(await client.files.async_list()))

    assert asyncio.run(story()) == ("a.txt", 0)


def test_aborted_predictions_break_the_client_as_they_do_in_real_life(api: Api, client: Any) -> None:
    api.fault("abort")
    api.finished()
    with pytest.raises(ValueError, match="aborted"):
        client.predictions.list()
