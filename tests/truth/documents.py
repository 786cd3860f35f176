"""The generated parts of the documents: `python -m tests.truth.documents` writes them, a test keeps them up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import SecretStr

from diorama.settings import Settings
from jobs.catalogue.themes import themes
from jobs.providers.profiles import Profile, profiles
from jobs.usage_limits import USUAL_LIMITS
from schema.roles import LEAST_ROLE
from statemachine.vocabulary import SUPPORT_ROLES
from tests.acceptance.complaints import COMPLAINTS
from tests.jobs.media.refused_uploads import accepted_uploads_table, refused_uploads_table
from tests.jobs.media.shapes import SHAPES
from tests.jobs.media.sources import REFUSALS, SOURCES
from tests.truth import simulator_page, state_pages

_ROOT = Path(__file__).parents[2]
Blocks = dict[str, Callable[[], str]]


def settings_table() -> str:
    """Return every setting as a table row: its name, its default and its description."""
    rows = [f"| `{name.upper()}` | {default} | {description} |" for name, default, description in _settings()]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows, ""])


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
    return "\n".join(["| theme | name | description |", "| --- | --- | --- |", *rows, ""])


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


def video_sources_table() -> str:
    """Return the kinds of source videos, each with what comes out."""
    rows = [f"| {source.name} | {source.becomes} |" for source in SOURCES]
    return "\n".join(["| source | pictures |", "| --- | --- |", *rows, ""])


def video_shapes_table() -> str:
    """Return the shapes of videos, each with what becomes of it."""
    rows = [f"| {shape.name} | {shape.becomes} |" for shape in SHAPES]
    return "\n".join(["| source | pictures |", "| --- | --- |", *rows, ""])


def video_refusals_table() -> str:
    """Return the reasons for which a video is not used, each with its reaction."""
    rows = [f"| {refusal.what} | {refusal.reaction} |" for refusal in REFUSALS]
    return "\n".join(["| what is wrong | reaction |", "| --- | --- |", *rows, ""])


def complaints_table() -> str:
    """Return the complaints of the provider's users, each with its effect on the job."""
    rows = [f"| {each.failure} | {each.effect} |" for each in COMPLAINTS]
    return "\n".join(["| failure | effect on the job |", "| --- | --- |", *rows, ""])


def engine_failures_table() -> str:
    """Return the failures of engines of this kind, each with the tests that prevent it here."""
    from tests.faults.engine_failures import table

    return table()


def crash_table() -> str:
    """Return the aftermath of a worker's death at each boundary, from the list that the tests use."""
    from tests.faults.points import table

    return table()


def credit_rule() -> str:
    """Return the rule for a job's credits, a row for each case, from the list that the tests use."""
    from tests.jobs.requesting.credit_rule import table

    return table()


def usage_limits_table() -> str:
    """Return the usual limits of accounts and of users, with bytes in MiB."""
    rows = [
        (f"`{name.name}`", *(f"{most // 2**20:,} MiB" if most > 2**20 else f"{most:,}" for most in usual))
        for name, usual in USUAL_LIMITS.items()
    ]
    head = ("limit", "account", "user, paid", "user, free")
    return "".join("| " + " | ".join(row) + " |\n" for row in (head, ("---",) * len(head), *rows))


def roles_table() -> str:
    """Return the roles of support, each with the mutations that it has beyond those before it."""
    rows = []
    for role in SUPPORT_ROLES:
        mutations = [f"`{name}`" for name, least in LEAST_ROLE.items() if least is role]
        rows.append(f"| `{role.name}` | {', '.join(mutations) or 'none'} |")
    return "\n".join(["| role | mutations |", "| --- | --- |", *rows, ""])


_DOCS = _ROOT / "docs"
PAGES: dict[Path, Blocks] = {
    _ROOT / "README.md": {"main-states": state_pages.main_states},
    _DOCS / "architecture.md": {"steps": state_pages.steps_table},
    _DOCS / "states.md": {"states": state_pages.states_table, "state-diagram": state_pages.state_diagram},
    _DOCS / "guarantees.md": {"crash-points": crash_table},
    _DOCS / "credits.md": {"credit-rule": credit_rule},
    _DOCS / "limits.md": {"usage-limits": usage_limits_table},
    _DOCS / "settings.md": {"settings": settings_table},
    _DOCS / "themes.md": {"themes": themes_table},
    _DOCS / "models.md": {"models": models_table},
    _DOCS / "support.md": {"roles": roles_table},
    _DOCS / "engine-failures.md": {"engine-failures": engine_failures_table},
    _DOCS / "provider-failures.md": {"complaints": complaints_table},
    _DOCS / "media.md": {
        "video-sources": video_sources_table,
        "video-shapes": video_shapes_table,
        "video-refusals": video_refusals_table,
    },
    _DOCS / "uploads.md": {"uploads-accepted": accepted_uploads_table, "uploads-refused": refused_uploads_table},
    _DOCS / "simulator.md": simulator_page.BLOCKS,
}


def main() -> None:
    """Rewrite every generated block of every page."""
    for page, blocks in PAGES.items():
        page.write_text(_written(page.read_text(encoding="utf-8"), blocks), encoding="utf-8")


def _written(text: str, blocks: Blocks) -> str:
    """Return the text with each block between its two comments replaced."""
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, block=block: found.group(1) + block() + found.group(2), text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    main()
