"""Nothing that a caller reads names what belongs to another account, or to another user.

In a file of its own, so that its callers are new: a partner that has named a user of another account has one of the
same name.
"""

from __future__ import annotations

import pytest

from tests.schema.isolation.places import Place, readings_of
from tests.schema.isolation.requests import NODES
from tests.schema.isolation.strangers import Stranger
from tests.schema.isolation.test_ids_of_others import SCHEMA, WRITER


@pytest.mark.parametrize("reading", readings_of(SCHEMA, ("Query", *NODES)), ids=str)
def test_nothing_of_others_is_in_what_a_caller_reads(callers: tuple[Stranger, ...], reading: Place) -> None:
    for each in callers:
        if not each.changes_only:
            operation = WRITER.operation(reading, each.mine, depth=2)
            text = each.caller.post(operation.document, operation.naming("")).text
            for theirs in each.others:
                shown = {what for what in each.hidden if theirs[what] in text}
                assert shown == set(), f"{each.name} reads {reading}"
