"""The code of the page for partners' servers, in JavaScript, on a real server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.schema.conftest import acme as acme
from tests.schema.conftest import api_database as api_database
from tests.schema.conftest import server as server
from tests.schema.test_partner_page import example
from tests.support.eventually import scaled
from tests.support.partners import Partner

# Loses the first responses, after the server has carried out their requests.
DRIVER = """
import { createStory } from "./partner.mjs";
const { URL, KEY, GIVEN } = process.env;
let lost = 2;
const real = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const response = await real(...request);
  if (lost-- > 0) throw new TypeError("the response was lost");
  return response;
};
const given = JSON.parse(GIVEN);
const options = { url: URL, key: KEY };
const made = [await createStory(options, given), await createStory(options, given)];
const refused = await createStory(options, { ...given, order: "2", user: "penniless" }).catch((error) => error.errors);
const failed = await createStory({ url: URL, key: "dio_key_wrong" }, given).catch((error) => error.cause);
console.log(JSON.stringify({ made, refused, failed }));
"""


def test_the_code_makes_a_story_once_and_a_refusal_is_no_failure(node: str, acme: Partner, tmp_path: Path) -> None:
    ada = acme.user("ada")
    (tmp_path / "partner.mjs").write_text(example("javascript"))
    (tmp_path / "driver.mjs").write_text(DRIVER)
    given = {"order": "1", "user": "ada", "selfieId": acme.asset(), "theme": "neon-city"}
    found = driven(node, tmp_path, URL=f"{acme.server.url}/graphql", KEY=acme.secret or "", GIVEN=json.dumps(given))
    [edge] = ada.ask("{ stories(first: 9) { edges { node { id } } } }")["stories"]["edges"]
    assert [story["id"] for story in found["made"]] == [edge["node"]["id"]] * 2
    assert [each["code"] for each in found["refused"]] == ["INSUFFICIENT_CREDITS"]
    assert [each["extensions"]["code"] for each in found["failed"]] == ["UNAUTHENTICATED"]


def driven(node: str, folder: Path, **given: str) -> Any:
    """Return what the driver prints."""
    run = subprocess.run(
        [node, "driver.mjs"], cwd=folder, env=os.environ | given, capture_output=True, text=True, timeout=scaled(60)
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
