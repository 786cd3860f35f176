"""The examples of the page about limits as they stand, each as those who use it."""

from __future__ import annotations

import re
from pathlib import Path

from schema.ids import IdKind, encode_id
from tests.support.partners import Partner

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"


def test_every_example_works(acme: Partner, support: Partner) -> None:
    account = encode_id(IdKind.ACCOUNT, acme.principal.account_id)
    text = PAGE.read_text(encoding="utf-8").replace("account_…", account)
    own, upload, change = re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)
    for caller in (acme, acme.user()):
        assert len(caller.ask(own)["viewer"]["limits"]) == 5
        assert caller.ask(upload)["createUpload"]["userErrors"] == []
    changed = support.ask(change)["setUsageLimit"]
    assert (changed["userErrors"], len(changed["account"]["limits"])) == ([], 5)
