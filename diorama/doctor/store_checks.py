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

from diorama.doctor.store_bench import SMALL, Bench, Lacking, need
from storage import Content, ObjectMissing
from storage.errors import error_code
from storage.uploads import MULTIPART_BYTES, unfinished

_ODD_NAME = "Öl & +%?#=;@ 'x'~.txt"
_ORIGIN = {"Origin": "https://app.example.com"}
_EXPIRY_S, _EXPIRES_WITHIN_S = 1, 5.0
_SKEW_MAX_S = 450.0


def _bytes(bench: Bench) -> None:
    content = bench.put("bytes")
    bench.store.verify(bench.key("bytes"), content)
    need(content.sha256_hex == hashlib.sha256(SMALL).hexdigest(), "the digest is wrong")


def _facts(bench: Bench) -> None:
    content = bench.put("facts", "image/png")
    found = bench.client.head_object(Bucket=bench.bucket, Key=bench.full_key("facts"))
    need(found["ContentType"] == "image/png", f"the type became {found['ContentType']}: browsers would not show it")
    need(found["ContentLength"] == content.size_bytes, f"HEAD says {found['ContentLength']} bytes, not 10")
    need(found["Metadata"].get("sha256") == content.sha256_hex, "metadata is lost")
    need("immutable" in found.get("CacheControl", ""), "Cache-Control is lost: browsers would load each file again")


def _missing(bench: Bench) -> None:
    need(bench.store.head(bench.key("nowhere")) is None, "HEAD finds an object that was never written")
    try:
        bench.store.verify(bench.key("nowhere"), Content(1, ""))
    except ObjectMissing:
        return
    raise Lacking("GET of an object that was never written does not fail")


def _list(bench: Bench) -> None:
    names = ["list/10", "list/2", "list/b"]
    for name in reversed(names):
        bench.put(name)
    found = [each.key for each in bench.store.list(bench.key("list/"))]
    need(found == [bench.key(name) for name in names], "a listing is not complete, or not in the order of the keys")
    later = [each.key for each in bench.store.list(bench.key("list/"), after=bench.key("list/10"))]
    need(later == found[1:], "StartAfter is ignored")
    first = bench.client.list_objects_v2(Bucket=bench.bucket, Prefix=bench.full_key("list/"), MaxKeys=2)
    need(first["IsTruncated"] and len(first["Contents"]) == 2, "a listing is not cut into pages")
    rest = bench.client.list_objects_v2(
        Bucket=bench.bucket, Prefix=bench.full_key("list/"), ContinuationToken=first["NextContinuationToken"]
    )
    need([each["Key"] for each in rest["Contents"]] == [bench.full_key("list/b")], "the second page is another one")


def _delete(bench: Bench) -> None:
    for name in ("delete/a", f"delete/{_ODD_NAME}"):
        bench.put(name)
    bench.store.delete([bench.key(f"delete/{name}") for name in ("a", _ODD_NAME, "nowhere")])
    left = [each.key for each in bench.store.list(bench.key("delete/"))]
    need(not left, f"a batch deletion left {left}: the key needs s3:DeleteObject, and an object lock must be off")


def _parts(bench: Bench) -> None:
    size_bytes = MULTIPART_BYTES + 1
    with TemporaryDirectory(prefix="diorama-doctor-") as folder:
        path = Path(folder) / "large"
        path.write_bytes(b"x" * size_bytes)
        stored = bench.store.put_file(bench.key("large"), path, content_type="video/mp4")
    bench.store.verify(bench.key("large"), Content(size_bytes, stored.sha256_hex))


def _abandoned(bench: Bench) -> None:
    key = bench.full_key("abandoned")
    made = bench.client.create_multipart_upload(Bucket=bench.bucket, Key=key)
    try:
        seen = [each.key for each in unfinished(bench.client, bench.bucket, key)]
    finally:
        bench.client.abort_multipart_upload(Bucket=bench.bucket, Key=key, UploadId=made["UploadId"])
    need(seen == [key], "unfinished uploads are not listed: set a lifecycle rule AbortIncompleteMultipartUpload")


def _range(bench: Bench) -> None:
    bench.put("range")
    address = bench.store.presigned_get(bench.key("range"), expires_s=60)
    got = bench.http.get(address, headers={"Range": "bytes=2-4"})
    need((got.status_code, got.content) == (206, b"234"), f"a range gets {_said(got)}: players could not seek")


def _address(bench: Bench) -> None:
    bench.put("address", "image/png")
    got = bench.http.get(bench.store.presigned_get(bench.key("address"), expires_s=60))
    need((got.status_code, got.content) == (200, SMALL), f"a signed address gets {_said(got)}: {_PUBLIC}")
    need(got.headers.get("content-type") == "image/png", "a signed address gets another content type")


def _name(bench: Bench) -> None:
    bench.put("name")
    got = bench.http.get(bench.store.presigned_get(bench.key("name"), expires_s=60, filename="scène.png"))
    said = got.headers.get("content-disposition", "")
    need("sc%C3%A8ne.png" in said, f"the name for saving is {said or 'not sent'}: a proxy must pass the query on")


def _private(bench: Bench) -> None:
    bench.put("private")
    got = bench.http.get(bench.store.presigned_get(bench.key("private"), expires_s=60).partition("?")[0])
    need(not got.is_success, "an address without a signature reads the object: the bucket is public; make it private")


def _expiry(bench: Bench) -> None:
    bench.put("expiry")
    address = bench.store.presigned_get(bench.key("expiry"), expires_s=_EXPIRY_S)
    # A store whose clock is behind ends the address later.
    until = time.monotonic() + _EXPIRES_WITHIN_S + max(0.0, -_ahead_s(bench))
    while bench.http.get(address).is_success:
        need(time.monotonic() < until, f"an address for {_EXPIRY_S} s still reads: a cache in front must not keep it")
        time.sleep(0.2)


def _form(bench: Bench) -> None:
    got = bench.post(bench.form("posted"))
    need(got.is_success, f"a form gets {_said(got)}: {_PUBLIC}")
    need(bench.store.head(bench.key("posted")) is not None, "a posted file is not stored")
    found = bench.client.head_object(Bucket=bench.bucket, Key=bench.full_key("posted"))
    need(found["ContentType"] == "image/png", f"a posted file's type became {found['ContentType']}")


def _form_size(bench: Bench) -> None:
    _must_refuse(
        bench, bench.post(bench.form("too-large"), SMALL * 2), "too-large", "more bytes than its policy allows"
    )


def _form_type(bench: Bench) -> None:
    got = bench.post(bench.form("type"), SMALL, **{"Content-Type": "text/html"})
    _must_refuse(bench, got, "type", "another type than its policy names")


def _form_key(bench: Bench) -> None:
    got = bench.post(bench.form("key"), key=bench.full_key("other-key"))
    _must_refuse(bench, got, "other-key", "another key than its policy names")


def _must_refuse(bench: Bench, got: httpx.Response, name: str, what: str) -> None:
    taken = got.is_success or bench.store.head(bench.key(name)) is not None
    need(not taken, f"a form takes {what}: users could store anything; use a store that checks policies")


def _cors(bench: Bench) -> None:
    form = bench.form("cors")
    asked = bench.http.options(form.url, headers={**_ORIGIN, "Access-Control-Request-Method": "POST"})
    need(_allows(asked), "browsers may not post forms: set CORS rules that allow POST and GET from your pages' origins")
    bench.put("cors")
    got = bench.http.get(bench.store.presigned_get(bench.key("cors"), expires_s=60), headers=_ORIGIN)
    need(_allows(got), "pages may not read files: set CORS rules that allow GET from your pages' origins")


def _encryption(bench: Bench) -> None:
    bench.put("encryption")
    found = bench.client.head_object(Bucket=bench.bucket, Key=bench.full_key("encryption"))
    used, wanted = str(found.get("ServerSideEncryption", "")), bench.settings.encryption.algorithm
    need(not wanted or used == wanted, f"an object is encrypted with {used or 'nothing'}, not {wanted}: S3_ENCRYPTION")


def _clock(bench: Bench) -> None:
    off_s = abs(_ahead_s(bench))
    need(off_s <= _SKEW_MAX_S, f"the store's clock is {off_s:.0f} s off this machine's: synchronize both with NTP")


def _ahead_s(bench: Bench) -> float:
    """Return the seconds that the store's clock is ahead of this machine's."""
    headers = bench.client.head_bucket(Bucket=bench.bucket)["ResponseMetadata"]["HTTPHeaders"]
    return (parsedate_to_datetime(headers["date"]) - datetime.now(UTC)).total_seconds()


def _conditional(bench: Bench) -> None:
    key = bench.full_key("conditional")
    bench.put("conditional")
    try:
        bench.client.put_object(Bucket=bench.bucket, Key=key, Body=b"other", IfNoneMatch="*")
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
    run: Callable[[Bench], None]
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
