"""The project's vocabulary as data: old words, their replacements and allowed uses, and the rules of its English.

`python -m tests.truth.vocabulary` counts the findings in each room; with a folder or file, it prints each of them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Term:
    """An old word and its replacement. Phrases that `allowed` matches, and files that `files` matches, may use it."""

    old: str
    new: str
    pattern: str
    allowed: str = ""
    files: str = ""


TERMS = (
    Term(
        "round",
        "periodic task",
        r"\brounds?\b(?!\()",
        r"round trips?|round numbers?|rounds? (of hashing|away|down|up)|:round=near|assert_round",
    ),
    Term("turn", "leader lock, fairness cursor", r"\b(Turn|take_turn)\b|\b(its|whose|own|their) turns?\b", '"""Turn '),
    Term("line of accounts", "fairness cursor", r"\b(accounts_)?in_line\b|accounts in line"),
    Term("passes (of errors)", "is_transient", r"\bpasses\((error|exc)|passes by (itself|themselves)"),
    Term("trouble", "provider error, account error", r"[tT]rouble"),
    Term("cure", "retry policy", r"\b[cC]ures?\b"),
    Term("mark", "correlation id", r"_by_mark\b|\bmarks? of a prediction"),
    Term("astray, stray", "orphan", r"\b[aA]stray\b|\bstray (submission|prediction)s?"),
    Term("sweep", "orphan search, purge", r"\b[sS]weep(s|er|ing)?\b|\bswept\b|\b(provider|retention)_sweep_s\b"),
    Term("forget", "purge", r"\b[fF]org(et|ets|otten)\b", r"forgotten (psql|transaction)"),
    Term(
        "look", "poll", r"\b(last|first|next) looks?\b|\blooked? (at|for) again\b|_looks?\b|\blooks\b", "looks around"
    ),
    Term("watching", "tracking", r"\b[wW]atch(ed|es|ing)\b|\bWATCHING\b"),
    Term("let through", "admitted", r"\blet[_ ]through\b"),
    Term("patience", "retry_after", r"[pP]atience"),
    Term("told", "notified, returned, reported", r"\b\w*told\b"),
    Term(
        "held, hold",
        "claim, lease, lock, pause",
        r"\b(held|holds?|holding)\b",
        r"[cC]redit|\bledger|'held'|held: (int|Int|BigInt)\b|must hold\b|HOLD = |HELD = |held=Big"
        "|hold_price|hold_from|holds_its_price",
        r"ledger|credit",
    ),
    Term("mendable, mend", "user error, fix", r"\b[mM]end(able|s|ed)?\b"),
    Term("asked for", "requested", r"\basked[ -]for\b"),
    Term("printed", "sdl", r"\bPRINTED\b"),
    Term("effects", "row changes", r"\b[eE]ffects\b", "no effect|recorded_effects|effects_of"),
    Term("answer", "response", r"\b[aA]nswer(s|ed|ing)?\b"),
    Term("can not", "cannot", r"\b[cC]an not\b"),
    # The Unix account is named so.
    Term("nobody, anybody", "no process, no user, ...", r"\b([nN]obody|[aA]nybody)\b", r"pw_?nam|account.*'nobody'"),
    Term("whoever", "the caller, a reader, ...", r"\b[wW]ho(ever|soever)\b"),
    Term("what has to", "name the thing", r"\b[wW]hat (has|have|had) to\b"),
    Term("that there is", "leave it out", r"\bthat there (is|are)\b"),
)
QUESTION = re.compile(r"(What|Whether|How|Where|Which|When|Who|Whose|Why)\b")

# This file and its test list the old words; migrations are frozen, with their rows and db/schema.sql; the changelog is
# history; the drawing code speaks of round shapes.
EXEMPT = (
    "tests/truth/vocabulary.py",
    "tests/truth/test_vocabulary.py",
    "db/migrations/",
    "db/schema.sql",
    "tests/db/rows/",
    "CHANGELOG.md",
    "simulator/studio/",
)
SUFFIXES = (".py", ".sql", ".md", ".graphql")
# The rooms that the rules apply to.
ROOMS = (
    "README.md",
    "CONTRIBUTING.md",
    "db",
    "diorama",
    "docs",
    "jobs",
    "schema",
    "simulator",
    "statemachine",
    "storage",
    "tests",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A use of an old word, or a docstring that begins with a question word."""

    path: str
    line: int
    term: str
    text: str

    @property
    def room(self) -> str:
        """Return the first two folders of the path."""
        return "/".join(self.path.split("/")[:2]) if self.path.count("/") > 1 else self.path.split("/")[0]


def files_of(*rooms: str) -> Iterator[Path]:
    """Yield the files of rooms, or the rooms themselves where they are files, in order."""
    for room in rooms:
        place = ROOT / room
        yield from (
            [place]
            if place.is_file()
            else sorted(p for p in place.rglob("*") if p.suffix in SUFFIXES and "node_modules" not in p.parts)
        )


def findings(*rooms: str) -> Iterator[Finding]:
    """Yield every finding in the files of rooms."""
    for file in files_of(*rooms):
        path = file.relative_to(ROOT).as_posix()
        if not path.startswith(EXEMPT):
            yield from findings_in(path, file.read_text(encoding="utf-8"))


def findings_in(path: str, text: str) -> Iterator[Finding]:
    """Yield the findings in one file."""
    terms = [term for term in TERMS if not (term.files and re.search(term.files, path))]
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.replace("_", " ")
        for term in terms:
            if re.search(term.pattern, words) and not (term.allowed and re.search(term.allowed, line)):
                yield Finding(path, number, f"{term.old} -> {term.new}", line.strip())
    if path.endswith(".py"):
        yield from _questions(path, text)


def _questions(path: str, text: str) -> Iterator[Finding]:
    # A string that stands alone documents the module, class, function or field that it stands below.
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            doc = node.value.value.strip()
            if QUESTION.match(doc):
                yield Finding(path, node.lineno, "a docstring begins with a verb", doc.splitlines()[0])


def report(rooms: list[str]) -> Iterator[str]:
    """Yield the findings of rooms as lines, or the count of every room."""
    for finding in findings(*rooms) if rooms else ():
        yield f"{finding.path}:{finding.line}: {finding.term}: {finding.text[:120]}\n"
    if not rooms:
        counts = Counter(finding.room for finding in findings(*ROOMS))
        yield from (f"{count:6} {room}\n" for room, count in counts.most_common())
        yield f"{counts.total():6} in all\n"


if __name__ == "__main__":
    sys.stdout.writelines(report(sys.argv[1:]))
