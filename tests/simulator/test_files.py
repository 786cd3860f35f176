"""The Files API."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime

import pytest

from simulator.files import download_signature
from simulator.multipart import parse
from simulator.problems import BadRequest
from tests.simulator.clients import Api
from tests.simulator.conftest import Start

CONTENT = b"\r\n--not-the-boundary\r\n\x00\xff\n"


def upload(api: Api, content: bytes = CONTENT) -> dict[str, object]:
    """Upload a file and return its object."""
    response = api.post(
        "/files",
        files={"content": ("a.bin", content, "image/png"), "metadata": (None, '{"job": 5}', "application/json")},
    )
    assert response.status_code == 201, response.text
    body: dict[str, object] = response.json()
    return body


def test_upload_returns_size_checksums_and_expiry(api: Api) -> None:
    body = upload(api)
    created, expires = (datetime.fromisoformat(str(body.pop(name))) for name in ("created_at", "expires_at"))
    assert (expires - created).total_seconds() == 24 * 3600
    file_id = body.pop("id")
    md5 = hashlib.md5(CONTENT).hexdigest()
    assert body == {
        "name": "a.bin",
        "content_type": "image/png",
        "size": len(CONTENT),
        "etag": md5,
        "checksums": {"sha256": hashlib.sha256(CONTENT).hexdigest(), "md5": md5},
        "metadata": {"job": 5},
        "urls": {"get": f"{api.background.api_url}/v1/files/{file_id}"},
    }


def test_form_fields_name_the_file_and_its_type(api: Api) -> None:
    form = {"filename": "named.zip", "type": "application/zip"}
    body = api.post("/files", data=form, files={"content": ("x", b"1")}).json()
    assert (body["name"], body["content_type"]) == ("named.zip", "application/zip")


def test_files_are_listed_newest_first_read_and_deleted(api: Api) -> None:
    first, second = upload(api, b"1"), upload(api, b"2")
    assert [each["id"] for each in api.get("/files").json()["results"]] == [second["id"], first["id"]]
    assert api.get(f"/files/{first['id']}").json() == first
    assert api.http.delete(f"/v1/files/{first['id']}").status_code == 204
    gone = api.get(f"/files/{first['id']}")
    assert (gone.status_code, gone.json()) == (404, {"detail": "File not found"})


def test_file_over_the_limit_is_rejected(start: Start) -> None:
    api = start(max_file_bytes=10)
    response = api.post("/files", files={"content": ("a", b"x" * 11)})
    assert (response.status_code, response.json()) == (413, {"detail": "Files must be less than 100MB in size"})


def test_files_expire_after_a_day(start: Start) -> None:
    api = start()
    file = upload(api)
    api.control("POST", "/clock", {"advance_s": 24 * 3600 + 1})
    assert api.get("/files").json()["results"] == []
    assert api.get(f"/files/{file['id']}").status_code == 404


def test_download_needs_a_valid_and_current_signature(api: Api) -> None:
    file_id = str(upload(api)["id"])
    settings = api.background.settings
    now = api.background.state.clock.now()
    for expiry, status in ((now + 60, 200), (now - 60, 404)):
        text = str(int(expiry))
        signature = download_signature(settings.files_secret, "simulator", file_id, text)
        query = {"owner": "simulator", "expiry": text, "signature": signature}
        response = api.get(f"/files/{file_id}/download", params=query)
        assert response.status_code == status
        assert status != 200 or response.headers["content-type"] == "application/octet-stream"
    forged = {"owner": "simulator", "expiry": str(int(time.time()) + 10**8), "signature": "AAAA"}
    assert api.get(f"/files/{file_id}/download", params=forged).status_code == 404


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data", "", "multipart/form-data; boundary=x"]
)
def test_body_that_is_not_a_form_is_rejected(api: Api, content_type: str) -> None:
    response = api.post("/files", content=b"abc", headers={"Content-Type": content_type})
    assert response.status_code == 400


def test_form_without_content_is_rejected(api: Api) -> None:
    response = api.post("/files", files={"metadata": (None, b"{}")})
    assert "content" in response.json()["detail"]


def test_metadata_must_be_a_json_object(api: Api) -> None:
    for metadata in ("{", "[]"):
        response = api.post("/files", files={"content": ("a", b"1"), "metadata": (None, metadata)})
        assert response.status_code == 400


def test_multipart_keeps_every_byte_of_a_part() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="content"; filename="\xc3\xa9.png"\r\n\r\n'
        + CONTENT
        + b"\r\n--b--\r\n"
    )
    part = parse(body, "multipart/form-data; boundary=b")["content"]
    assert (part.content, part.filename, part.content_type) == (CONTENT, "é.png", None)


def test_multipart_without_its_end_is_malformed() -> None:
    with pytest.raises(BadRequest, match="boundary"):
        parse(b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1', "multipart/form-data; boundary=b")
