"""The generated parts of the documents, the API page and the deployment files agree with the code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import yaml
from graphql import build_schema
from strawberry.http import async_base_view
from strawberry.subscriptions.protocols.graphql_transport_ws import handlers
from uvicorn.protocols.websockets import websockets_sansio_impl
from websockets.frames import CloseCode

from jobs.catalogue.themes import themes
from schema import errors
from schema.live.buffers import FellBehind, ServerClosing
from statemachine.vocabulary import Event, State
from tests.truth.documents import PAGES

ROOT = Path(__file__).parents[2]
_BLOCKS = [(page, name) for page, blocks in PAGES.items() for name in blocks]


@pytest.mark.parametrize(("page", "name"), _BLOCKS, ids=[f"{page.name}-{name}" for page, name in _BLOCKS])
def test_the_generated_blocks_are_up_to_date(page: Path, name: str) -> None:
    """`python -m tests.truth.documents` regenerates them."""
    block = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", page.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None, f"{page.name} has no block {name}"
    assert block.group(1) == PAGES[page][name]()


def test_the_api_page_names_what_exists() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    names = r"`([A-Z]\w*\.\w+|[a-z]+(?:[A-Z]\w*)+)`"
    # Fields of errors, which are outside the schema.
    assert set(re.findall(names, page)) - {"requestId", "retryAfterMs"} <= _names_of_the_schema()


def _names_of_the_schema() -> set[str]:
    """Return every field, argument and member of an input, alone and as `Type.field`."""
    built = build_schema((ROOT / "schema" / "schema.graphql").read_text("utf-8"))
    found: set[str] = set()
    for kind in built.type_map.values():
        for name, of in getattr(kind, "fields", {}).items():
            found |= {name, f"{kind.name}.{name}", *getattr(of, "args", {})}
    return found


def test_the_api_page_names_every_error_code() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8").split("<!-- error-codes -->")[1].split("<!-- /error-codes")[0]
    codes = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)}
    thrown = {error.extensions["code"] for error in (FellBehind(), ServerClosing()) if error.extensions}
    assert set(re.findall(r"`([A-Z_]{5,})`", page)) == codes | thrown


def test_the_api_page_names_every_close_code() -> None:
    """Our own, those of the two libraries that speak for us, and the one for messages beyond `ws_max_size`."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8").split("<!-- close-codes -->")[1].split("<!-- /close-codes")[0]
    named = {int(code) for row in page.splitlines() for code in re.findall(r"\b\d{4}\b", row[: row.find("|", 2)])}
    ours = [each.read_text("utf-8") for each in (ROOT / "schema" / "transport").glob("*.py")]
    libraries = [inspect.getsource(each) for each in (handlers, async_base_view, websockets_sansio_impl)]
    closings = r"(?:close|send_close|fail)\(\s*(?:code=)?(\d{4})\b"
    written = {int(code) for source in (*ours, *libraries) for code in re.findall(closings, source)}
    framing = {CloseCode.PROTOCOL_ERROR, CloseCode.INVALID_DATA, CloseCode.MESSAGE_TOO_BIG}
    assert written >= {1012, 1013, 4400, 4403, 4406}
    assert named == written | framing


def test_at_least_twelve_themes_have_keys_for_a_command_line() -> None:
    assert len(themes()) >= 12
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", key) for key in themes())


def test_no_state_has_the_name_of_an_event() -> None:
    """A state says what is true now, an event what happened: a word for both would be ambiguous."""
    assert {str(state) for state in State}.isdisjoint(str(event) for event in Event)


def test_compose_starts_everything_in_order() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert set(services) == {"postgres", "s3", "simulator", "migrate", "api", "worker"}
    assert services["postgres"]["image"].startswith("postgres:18")
    assert services["simulator"]["profiles"] == ["simulator"]
    assert services["worker"]["deploy"]["replicas"] == 2
    for name in ("api", "worker"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    for name in ("postgres", "s3", "api", "worker", "simulator"):
        assert "healthcheck" in services[name], name


def test_every_variable_of_the_environment_file_is_a_setting() -> None:
    from diorama.settings import Settings

    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = {line.lstrip("# ").split("=")[0] for line in lines if re.match(r"^(# )?[A-Z0-9_]+=", line)}
    known = {name.upper() for name in Settings.model_fields} | {"POSTGRES_PASSWORD"}
    assert names <= known, names - known


def test_the_lock_files_contain_no_address() -> None:
    for path in (ROOT / "requirements").glob("*.*"):
        assert "://" not in path.read_text(encoding="utf-8"), path.name
