"""`diorama doctor --store`: checks that an object store does what the service needs, and leaves nothing in it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from diorama.doctor.findings import Finding
from diorama.doctor.store_checks import CHECKS, Check
from diorama.doctor.store_under_test import Lacking, StoreUnderTest, clean_up, new_folder
from diorama.settings import SettingsError, read_settings
from diorama.wiring import build_s3_settings
from storage import S3Settings, S3Store, StorageError
from storage.errors import error_code

_REQUEST_TIMEOUT_S = 30.0


def examine_store() -> Iterator[Finding]:
    """Check the store that the settings name."""
    try:
        settings = build_s3_settings(read_settings("store"))
    except SettingsError as error:
        yield Finding("settings", False, str(error))
        return
    yield from checked(settings)


def checked(settings: S3Settings, checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """Yield a finding for each check, or a single one where the store cannot be used at all."""
    try:
        S3Store(settings).check()
    except (StorageError, ValueError) as error:
        yield Finding("store", False, str(error))
        return
    with httpx.Client(timeout=_REQUEST_TIMEOUT_S) as http:
        tested = StoreUnderTest(settings, http, new_folder())
        try:
            for check in checks:
                yield _finding(check, tested)
        finally:
            left = _left(tested)
        yield left


def _finding(check: Check, tested: StoreUnderTest) -> Finding:
    try:
        check.run(tested)
    except Lacking as lacking:
        return Finding(check.what, False if check.is_needed else None, str(lacking))
    except ClientError as error:
        detail = f"the store refused it ({error_code(error)})"
        return Finding(check.what, False if check.is_needed else None, detail)
    except (StorageError, httpx.HTTPError, BotoCoreError, KeyError) as error:
        return Finding(check.what, False, f"{type(error).__name__}: {error}")
    return Finding(check.what, True, "ok")


def _left(tested: StoreUnderTest) -> Finding:
    try:
        left = list(clean_up(tested))
    except StorageError as error:
        return Finding("left behind", False, f"delete {tested.folder} by hand: {error}")
    if left:
        return Finding("left behind", False, f"delete by hand: {', '.join(left)}")
    return Finding("left behind", True, "nothing")
