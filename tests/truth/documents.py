"""The generated parts of the documents: `python -m tests.truth.documents` writes them, a test keeps them up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import SecretStr

from diorama.settings import Settings
from jobs.catalogue.themes import themes
from jobs.providers.profiles import Profile, profiles
from statemachine.transitions import TRANSITIONS
from statemachine.vocabulary import TERMINAL, State
from tests.acceptance.complaints import COMPLAINTS
from tests.truth import simulator_page

_ROOT = Path(__file__).parents[2]
Blocks = dict[str, Callable[[], str]]


def state_diagram() -> str:
    """Return the transitions as a Mermaid diagram, one arrow for all events between two states."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for rule in TRANSITIONS:
        arrows.setdefault((rule.from_state or "[*]", rule.to_state), []).append(rule.event)
    lines = [f"    {start} --> {end}: {' / '.join(events)}" for (start, end), events in arrows.items()]
    ends = [f"    {state} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, *ends, "```", ""])


def settings_table() -> str:
    """Return every setting as a table row: its name, its default and what it is."""
    rows = [f"| `{name.upper()}` | {default} | {told} |" for name, default, told in _settings()]
    return "\n".join(["| variable | default | what |", "| --- | --- | --- |", *rows, ""])


def _settings() -> Iterator[tuple[str, str, str]]:
    for name, field in Settings.model_fields.items():
        yield name, _shown(field.default), field.description or ""


def _shown(default: object) -> str:
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, tuple):
        default = ",".join(default)
    if isinstance(default, bool):
        default = str(default).lower()
    return f"`{default}`" if default not in ("", None) else ""


def themes_table() -> str:
    """Return the themes as table rows."""
    rows = [f"| `{theme.key}` | {theme.name} | {theme.description} |" for theme in themes().values()]
    return "\n".join(["| theme | name | what |", "| --- | --- | --- |", *rows, ""])


def models_table() -> str:
    """Return the known models as table rows, in the order of the profiles."""
    rows = [_model_row(profile) for profile in profiles().values()]
    head = ["| model | makes | source | price | needs | ends |", "| --- | --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])


def _model_row(profile: Profile) -> str:
    lengths = " or ".join(f"{seconds} s" for seconds in profile.durations_s)
    makes = f"{', '.join(profile.kinds)} {lengths}".rstrip()
    sizes = " and ".join(dict.fromkeys(f"{width}×{height}" for width, height in profile.output.sizes_px.values()))
    costs = {profile.price(kind, length) for kind in profile.kinds for length in profile.durations_s or (None,)}
    price = " or ".join(f"${micros / 1e6:g}" for micros in sorted(costs))
    secret = f"`{profile.secret.upper()}`" if profile.secret else ""
    return f"| `{profile.model}` | {makes} | {sizes} | {price} | {secret} | {profile.ends or ''} |"


def complaints_table() -> str:
    """Return what users of the provider complain about, and what becomes of the job."""
    rows = [f"| {each.what} | {each.end} |" for each in COMPLAINTS]
    return "\n".join(["| what happens | what becomes of the job |", "| --- | --- |", *rows, ""])


def engine_failures_table() -> str:
    """Return how engines of this kind have failed, and which tests hold it off here."""
    from tests.faults.engine_failures import table

    return table()


def crash_table() -> str:
    """Return what becomes of a job whose worker is killed, a row a boundary: the list that the tests go through."""
    # Only in a checkout are the tests there, and only there is this page written.
    from tests.faults.points import table

    return table()


def credit_rule() -> str:
    """Return what becomes of a job's credits, a row a happening: the list that the tests go through."""
    from tests.jobs.requesting.credit_rule import table

    return table()


BLOCKS: Blocks = {
    "state-diagram": state_diagram,
    "credit-rule": credit_rule,
    "crash-points": crash_table,
    "settings": settings_table,
    "themes": themes_table,
    "models": models_table,
}


PAGES: dict[Path, Blocks] = {
    _ROOT / "README.md": BLOCKS,
    _ROOT / "docs" / "engine-failures.md": {"engine-failures": engine_failures_table},
    _ROOT / "docs" / "provider-failures.md": {"complaints": complaints_table},
    _ROOT / "docs" / "simulator.md": simulator_page.BLOCKS,
}


def main() -> None:
    """Write every generated block of every page anew."""
    for page, blocks in PAGES.items():
        page.write_text(_written(page.read_text(encoding="utf-8"), blocks), encoding="utf-8")


def _written(text: str, blocks: Blocks) -> str:
    """Return the text with what stands between the marks of each block replaced."""
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, block=block: found.group(1) + block() + found.group(2), text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    main()
