"""One word for one idea, in plain English: no old word comes back."""

from __future__ import annotations

import pytest

from tests.truth.vocabulary import ROOMS, TERMS, Term, files_of, findings, findings_in


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_uses_an_old_word(room: str) -> None:
    found = [f"{each.path}:{each.line}: {each.term}: {each.text}" for each in findings(room)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_exists(room: str) -> None:
    assert any(files_of(room))


EXAMPLES = {
    "can not": "it can not be",
    "told": "it is told",
    "nobody, anybody": "nobody waits",
    "whoever": "whoever asks",
    "held, hold": "rows are held",
    "round": "the rounds are made",
    "trouble": "ProviderTrouble",
}


@pytest.mark.parametrize("term", [term for term in TERMS if term.old in EXAMPLES], ids=lambda term: term.old)
def test_an_old_word_is_found(term: Term) -> None:
    assert [each.term.split(" -> ")[0] for each in findings_in("a.sql", f"-- {EXAMPLES[term.old]}")] == [term.old]


def test_allowed_uses_are_not_found() -> None:
    assert not list(findings_in("a.sql", "-- round(x), a round trip, and the credits held by the ledger"))


@pytest.mark.parametrize("word", ["What", "Whether", "How", "Where", "Which", "When", "Who", "Why"])
def test_a_docstring_that_begins_with_a_question_word_is_found(word: str) -> None:
    assert [each.line for each in findings_in("a.py", f'def f():\n    """{word} it is."""')] == [2]
    assert [each.line for each in findings_in("a.py", f'class A:\n    b: int = 1\n    """{word} it is."""')] == [3]
