"""A deletion erases every word that a user gave with a request."""

from __future__ import annotations

from dataclasses import fields

from db.records.requests import JobRequest
from db.statements import source_of

# Chosen from what we offer: none of them is a user's own word.
CHOSEN = {"kind", "tier", "on_failure", "theme", "style", "camera"}


def test_each_field_of_a_request_is_chosen_from_ours_or_erased_or_no_text() -> None:
    words = {each.name for each in fields(JobRequest) if not {"int", "UUID"} & set(str(each.type).split(" | "))}
    erased = {name for name in words if f"{name} = NULL" in source_of("erase_requests")}
    assert words - CHOSEN == erased
