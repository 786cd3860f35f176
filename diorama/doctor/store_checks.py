"""The checks of `diorama doctor --store`: each uses the object store as the service does, and says what it needs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from botocore.exceptions import ClientError

from diorama.doctor.store_under_test import SMALL, Lacking, StoreUnderTest, need
from storage import Content, ObjectMissing
from storage.errors import error_code
from storage.uploads import MULTIPART_BYTES, unfinished

_ODD_NAME = "Öl & +%?#=;@ 'x'~.txt"
_ORIGIN = {"Origin": "https://app.example.com"}
_EXPIRY_S, _EXPIRES_WITHIN_S = 1, 5.0
_SKEW_MAX_S = 450.0


def _bytes(tested: StoreUnderTest) -> None:
    content = tested.put("bytes")
    tested.store.verify(tested.key("bytes"), content)
    need(content.sha256_hex == hashlib.sha256(SMALL).hexdigest(), "the digest is wrong")


def _facts(tested: StoreUnderTest) -> None:
    content = tested.put("facts", "image/png")
    found = tested.client.head_object(Bucket=tested.bucket, Key=tested.full_key("facts"))
    need(found["ContentType"] == "image/png", f"the type became {found['ContentType']}: browsers would not show it")
    need(found["ContentLength"] == content.size_bytes, f"HEAD says {found['ContentLength']} bytes, not 10")
    need(found["Metadata"].get("sha256") == content.sha256_hex, "metadata is lost")
    need("immutable" in found.get("CacheControl", ""), "Cache-Control is lost: browsers would load each file again")


def _missing(tested: StoreUnderTest) -> None:
    need(tested.store.head(tested.key("nowhere")) is None, "HEAD finds an object that was never written")
    try:
        tested.store.verify(tested.key("nowhere"), Content(1, ""))
    except ObjectMissing:
        return
    raise Lacking("GET of an object that was never written does not fail")


def _list(tested: StoreUnderTest) -> None:
    names = ["list/10", "list/2", "list/b"]
    for name in reversed(names):
        tested.put(name)
    found = [each.key for each in tested.store.list(tested.key("list/"))]
    need(found == [tested.key(name) for name in names], "a listing is not complete, or not in the order of the keys")
    later = [each.key for each in tested.store.list(tested.key("list/"), after=tested.key("list/10"))]
    need(later == found[1:], "StartAfter is ignored")
    first = tested.client.list_objects_v2(Bucket=tested.bucket, Prefix=tested.full_key("list/"), MaxKeys=2)
    need(first["IsTruncated"] and len(first["Contents"]) == 2, "a listing is not cut into pages")
    rest = tested.client.list_objects_v2(
        Bucket=tested.bucket, Prefix=tested.full_key("list/"), ContinuationToken=first["NextContinuationToken"]
    )
    need([each["Key"] for each in rest["Contents"]] == [tested.full_key("list/b")], "the second page is another one")


def _delete(tested: StoreUnderTest) -> None:
    for name in ("delete/a", f"delete/{_ODD_NAME}"):
        tested.put(name)
    tested.store.delete([tested.key(f"delete/{name}") for name in ("a", _ODD_NAME, "nowhere")])
    left = [each.key for each in tested.store.list(tested.key("delete/"))]
    need(not left, f"a batch deletion left {left}: the key needs s3:DeleteObject, and an object lock must be off")


def _parts(tested: StoreUnderTest) -> None:
    size_bytes = MULTIPART_BYTES + 1
    with TemporaryDirectory(prefix="diorama-doctor-") as folder:
        path = Path(folder) / "large"
        path.write_bytes(b"x" * size_bytes)
        stored = tested.store.put_file(tested.key("large"), path, content_type="video/mp4")
    tested.store.verify(tested.key("large"), Content(size_bytes, stored.sha256_hex))


def _abandoned(tested: StoreUnderTest) -> None:
    key = tested.full_key("abandoned")
    made = tested.client.create_multipart_upload(Bucket=tested.bucket, Key=key)
    try:
        seen = [each.key for each in unfinished(tested.client, tested.bucket, key)]
    finally:
        tested.client.abort_multipart_upload(Bucket=tested.bucket, Key=key, UploadId=made["UploadId"])
    need(seen == [key], "unfinished uploads are not listed: set a lifecycle rule AbortIncompleteMultipartUpload")


def _range(tested: StoreUnderTest) -> None:
    tested.put("range")
    address = tested.store.presigned_get(tested.key("range"), expires_s=60)
    got = tested.http.get(address, headers={"Range": "bytes=2-4"})
    need((got.status_code, got.content) == (206, b"234"), f"a range gets {_said(got)}: players could not seek")


def _address(tested: StoreUnderTest) -> None:
    tested.put("address", "image/png")
    got = tested.http.get(tested.store.presigned_get(tested.key("address"), expires_s=60))
    need((got.status_code, got.content) == (200, SMALL), f"a signed address gets {_said(got)}: {_PUBLIC}")
    need(got.headers.get("content-type") == "image/png", "a signed address gets another content type")


def _name(tested: StoreUnderTest) -> None:
    tested.put("name")
    got = tested.http.get(tested.store.presigned_get(tested.key("name"), expires_s=60, filename="scène.png"))
    said = got.headers.get("content-disposition", "")
    need("sc%C3%A8ne.png" in said, f"the name for saving is {said or 'not sent'}: a proxy must pass the query on")


def _private(tested: StoreUnderTest) -> None:
    tested.put("private")
    got = tested.http.get(tested.store.presigned_get(tested.key("private"), expires_s=60).partition("?")[0])
    need(not got.is_success, "an address without a signature reads the object: the bucket is public; make it private")


def _expiry(tested: StoreUnderTest) -> None:
    tested.put("expiry")
    address = tested.store.presigned_get(tested.key("expiry"), expires_s=_EXPIRY_S)
    # A store whose clock is behind ends the address later.
    until = time.monotonic() + _EXPIRES_WITHIN_S + max(0.0, -_ahead_s(tested))
    while tested.http.get(address).is_success:
        need(time.monotonic() < until, f"an address for {_EXPIRY_S} s still reads: a cache in front must not keep it")
        time.sleep(0.2)


def _form(tested: StoreUnderTest) -> None:
    got = tested.post(tested.form("posted"))
    need(got.is_success, f"a form gets {_said(got)}: {_PUBLIC}")
    need(tested.store.head(tested.key("posted")) is not None, "a posted file is not stored")
    found = tested.client.head_object(Bucket=tested.bucket, Key=tested.full_key("posted"))
    need(found["ContentType"] == "image/png", f"a posted file's type became {found['ContentType']}")


def _form_size(tested: StoreUnderTest) -> None:
    _must_refuse(
        tested, tested.post(tested.form("too-large"), SMALL * 2), "too-large", "more bytes than its policy allows"
    )


def _form_type(tested: StoreUnderTest) -> None:
    got = tested.post(tested.form("type"), SMALL, **{"Content-Type": "text/html"})
    _must_refuse(tested, got, "type", "another type than its policy names")


def _form_key(tested: StoreUnderTest) -> None:
    got = tested.post(tested.form("key"), key=tested.full_key("other-key"))
    _must_refuse(tested, got, "other-key", "another key than its policy names")


def _must_refuse(tested: StoreUnderTest, got: httpx.Response, name: str, what: str) -> None:
    taken = got.is_success or tested.store.head(tested.key(name)) is not None
    need(not taken, f"a form takes {what}: users could store anything; use a store that checks policies")


def _cors(tested: StoreUnderTest) -> None:
    form = tested.form("cors")
    asked = tested.http.options(form.url, headers={**_ORIGIN, "Access-Control-Request-Method": "POST"})
    need(_allows(asked), "browsers may not post forms: set CORS rules that allow POST and GET from your pages' origins")
    tested.put("cors")
    got = tested.http.get(tested.store.presigned_get(tested.key("cors"), expires_s=60), headers=_ORIGIN)
    need(_allows(got), "pages may not read files: set CORS rules that allow GET from your pages' origins")


def _encryption(tested: StoreUnderTest) -> None:
    tested.put("encryption")
    found = tested.client.head_object(Bucket=tested.bucket, Key=tested.full_key("encryption"))
    used, wanted = str(found.get("ServerSideEncryption", "")), tested.settings.encryption.algorithm
    need(not wanted or used == wanted, f"an object is encrypted with {used or 'nothing'}, not {wanted}: S3_ENCRYPTION")


def _clock(tested: StoreUnderTest) -> None:
    off_s = abs(_ahead_s(tested))
    need(off_s <= _SKEW_MAX_S, f"the store's clock is {off_s:.0f} s off this machine's: synchronize both with NTP")


def _ahead_s(tested: StoreUnderTest) -> float:
    """Return the seconds that the store's clock is ahead of this machine's."""
    headers = tested.client.head_bucket(Bucket=tested.bucket)["ResponseMetadata"]["HTTPHeaders"]
    return (parsedate_to_datetime(headers["date"]) - datetime.now(UTC)).total_seconds()


def _conditional(tested: StoreUnderTest) -> None:
    key = tested.full_key("conditional")
    tested.put("conditional")
    try:
        tested.client.put_object(Bucket=tested.bucket, Key=key, Body=b"other", IfNoneMatch="*")
    except ClientError as error:
        code = error_code(error)
        need(code == "PreconditionFailed", f"If-None-Match is refused ({code}); nothing here depends on it")
        return
    raise Lacking("If-None-Match is ignored; nothing here depends on it")


def _allows(got: httpx.Response) -> bool:
    return bool(got.headers.get("access-control-allow-origin"))


def _said(got: httpx.Response) -> str:
    return f"HTTP {got.status_code} with {len(got.content)} bytes"


_PUBLIC = "check S3_PUBLIC_ENDPOINT_URL and S3_PATH_STYLE, and that a proxy passes host, path and query on unchanged"


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name. What is not needed is only a note if it is lacking."""

    what: str
    run: Callable[[StoreUnderTest], None]
    is_needed: bool = True


CHECKS = (
    Check("clock", _clock),
    Check("bytes and digest", _bytes),
    Check("HEAD, type and metadata", _facts),
    Check("missing objects", _missing),
    Check("listing in pages", _list),
    Check("batch deletion, odd names", _delete),
    Check("objects in parts", _parts),
    Check("unfinished uploads", _abandoned, is_needed=False),
    Check("encryption", _encryption),
    Check("signed address", _address),
    Check("range of a signed address", _range),
    Check("name for saving", _name),
    Check("address without signature", _private),
    Check("expiry of a signed address", _expiry),
    Check("form", _form),
    Check("form: size", _form_size),
    Check("form: type", _form_type),
    Check("form: key", _form_key),
    Check("CORS", _cors),
    Check("conditional writes", _conditional, is_needed=False),
)
