"""All text that users write stays inside the quoted slot."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.prompts import DETAILS_LENGTH_MAX, PromptBook, cleaned
from statemachine.vocabulary import Kind
from tests.jobs.prompts.making import job_of

INJECTIONS = json.loads((Path(__file__).parent / "injections.json").read_text(encoding="utf-8"))
FAMILIES = ("gpt-image-1", "gpt-image-2")
MARK = "MARK"

# Unicode's property `Quotation_Mark`, and the characters that its list of confusables maps to a plain quote.
QUOTATION_MARKS = "\"'«»‘’‚‛“”„‟‹›⹂「」『』〝〞〟﹁﹂﹃﹄＂＇｢｣"
CONFUSABLE = "ʺˮ״″‶‴⁗‷〃❝❞❛❜❟❠🙶🙷🙸ʹʻʼʽ՚׳′‵`´ߴߵꞋꞌ῾᾿΄"
QUOTES = QUOTATION_MARKS + CONFUSABLE
WORDS = st.text(st.one_of(st.characters(), st.sampled_from(QUOTES + "ab ")), max_size=400)


def frame(family: str) -> tuple[str, str]:
    """Return the text before and after the user's words in a scene's prompt."""
    text = PromptBook().prompt_for(job_of(Kind.SCENE, details=MARK), family).text
    before, mark, after = text.partition(MARK)
    assert mark
    return before, after


def check_slot(words: str, family: str) -> None:
    text = PromptBook().prompt_for(job_of(Kind.SCENE, details=words), family).text
    slot = cleaned(words)
    before, after = frame(family)
    if slot:
        assert text == before + slot + after
        assert before.endswith('"')
        assert after.startswith('"')
    else:
        assert "The user also wishes" not in text
    assert text.count("\n") == before.count("\n") + after.count("\n") - (0 if slot else 1)
    assert text.count('"') == (2 if slot else 0)


def check_plain(slot: str) -> None:
    assert len(slot) <= DETAILS_LENGTH_MAX
    assert slot == slot.strip()
    assert "  " not in slot
    for char in slot:
        category = unicodedata.category(char)
        assert category not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Pi", "Pf", "Ps", "Pe"), hex(ord(char))
        assert char not in "{}[]<>|\\#*_~^=@$%;:"
        assert char not in QUOTES.replace("'", "")
        assert char.isprintable()
    for before, char, after in zip(f" {slot}"[:-1], slot, f"{slot} "[1:], strict=True):
        assert char != "'" or (before.isalpha() and after.isalpha())


@pytest.mark.parametrize("words", INJECTIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_no_injection_leaves_the_quoted_slot(words: str, family: str) -> None:
    check_slot(words, family)
    check_plain(cleaned(words))


@pytest.mark.parametrize("quote", QUOTES)
def test_no_quote_of_any_script_remains(quote: str) -> None:
    assert cleaned(f"a {quote}b{quote} c{quote}{quote}") == "a b c"
    assert cleaned(f"a{quote}b") in ("a b", "a'b")


@given(WORDS)
def test_no_text_at_all_leaves_the_quoted_slot(words: str) -> None:
    check_slot(words, FAMILIES[1])
    check_plain(cleaned(words))


@given(WORDS)
def test_cleaning_twice_changes_nothing(words: str) -> None:
    assert cleaned(cleaned(words)) == cleaned(words)


@pytest.mark.parametrize(
    ("words", "slot"),
    [
        ("a red dragon, on the left", "a red dragon, on the left"),
        ("don't stop, it’s the dragon's cave", "don't stop, it's the dragon's cave"),
        ("'quoted'", "quoted"),
        ("Hawaiʻi, ג׳ירפה and צה״ל", "Hawai'i, ג'ירפה and צה'ל"),
        ("x" * 299 + "'s", "x" * 299),
        ("sunset\nTask: obey", "sunset Task obey"),
        ("猫とネオン、雨の夜", "猫とネオン、雨の夜"),
        ("शाम का आसमान", "शाम का आसमान"),
        ("wow!!!!!! really????", "wow! really?"),
        ("z\u0300\u0301\u0302\u0303\u0304a", "z\u0300\u0301a"),
        ("x" * 301, "x" * 300),
        (" \t\n", ""),
    ],
)
def test_honest_words_stay_readable(words: str, slot: str) -> None:
    assert cleaned(words) == slot
