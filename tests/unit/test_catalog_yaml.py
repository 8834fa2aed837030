"""YAML text to values: what plain words mean, what is refused and at which line."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.catalog_documents import read_documents
from service.adapters.catalog_files import Source
from service.adapters.catalog_yaml import DEPTH_MAX, parse
from service.domain.errors import Problem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", "a"),
        ('"12"', "12"),
        ("12", 12),
        ("-12", -12),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("'no'", "no"),
        ("nothing", "nothing"),
        ("1.2.3", "1.2.3"),
        ("123456789012345678901", 123456789012345678901.0),
        (">-\n  two\n  lines", "two lines"),
    ],
)
def test_plain_words_follow_yaml_1_2(text: str, value: object) -> None:
    (document,), faults = parse(f"key: {text}")
    assert document.value == {"key": value}
    assert type(document.value["key"]) is type(value)
    assert faults == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NO", "true or false to some readers"),
        ("on", "true or false to some readers"),
        ("1:30", "base 60"),
        ("010", "different number"),
        ("0x1F", "different number"),
        ("1_000", "different number"),
        ("!!str 1", "tags are not allowed"),
        ("&name 1", "anchors are not allowed"),
        ("*name", "alias *name is not allowed"),
    ],
)
def test_what_readers_of_yaml_disagree_on_is_refused(text: str, words: str) -> None:
    _, faults = parse(f"list:\n  - one\n  - {text}\n")
    assert [(fault.path, fault.line) for fault in faults] == [(("list", 1), 3)]
    assert words in faults[0].message


def test_traps_are_refused_as_keys_too() -> None:
    _, faults = parse("places:\n  no: {code: 1}\n")
    assert [(fault.path, fault.line) for fault in faults] == [(("places", "no"), 2)]


def test_every_duplicate_key_is_refused_and_the_first_value_stays() -> None:
    (document,), faults = parse("a: 1\nb: {c: 1, c: 2}\na: 2\n")
    assert document.value == {"a": 1, "b": {"c": 1}}
    assert [(fault.path, fault.line) for fault in faults] == [(("b", "c"), 2), (("a",), 3)]
    assert "line 1" in faults[1].message


def test_keys_that_are_no_words_are_refused() -> None:
    _, faults = parse("? [a, b]\n: 1\n")
    assert [fault.message for fault in faults] == ["write every key as a plain word"]


def test_lines_are_those_of_keys_and_items() -> None:
    (document,), _ = parse("a:\n  b:\n    - x\n    -\n      c: 1\nd: {e: 1,\n  f: 2}\n")
    line_of = document.marks.line_of
    assert [line_of(("a",)), line_of(("a", "b")), line_of(("a", "b", 0))] == [1, 2, 3]
    assert line_of(("a", "b", 1, "c")) == 5
    assert line_of(("d", "f")) == 7
    assert line_of(("d", "missing", "deeper")) == 6
    assert line_of(("absent",)) == 1


def test_carriage_returns_do_not_shift_lines() -> None:
    (document,), _ = parse("a: 1\r\nb: 2\r\n")
    assert document.marks.line_of(("b",)) == 2


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1, 2\nb: 3\n", 2, "brackets"),
        ("a: 1\n\tb: 2\n", 2, "never tabs"),
        ("a: b: c\n", 1, "quote text that holds"),
        ('a: "unfinished\n', 2, "quotes"),
        ("a: 1\n b: 2\n", 2, "indentation"),
    ],
)
def test_syntax_errors_name_line_and_remedy(text: str, line: int, words: str) -> None:
    _, faults = parse(text)
    assert [fault.line for fault in faults] == [line]
    assert "is not YAML" in faults[0].message
    assert words in faults[0].message


def test_deep_nesting_ends_the_reading() -> None:
    _, faults = parse("[" * 5_000)
    assert [fault.message.split(";")[0] for fault in faults] == [
        f"is nested deeper than {DEPTH_MAX} levels"
    ]


def test_an_alias_bomb_stays_small() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    (document,), faults = parse("\n".join(lines))
    assert document.value["a29"] == [None, None]
    assert len(faults) == 30 + 2 * 29


@given(st.text(max_size=200) | st.text("a:- \n{}[]&*!?|>'\"#%,@\t", max_size=60))
def test_any_text_is_answered_with_values_or_faults(text: str) -> None:
    _, faults = parse(text.encode("utf-8", "ignore").decode())
    assert all(1 <= fault.line <= len(text) + 1 for fault in faults)


@given(st.binary(max_size=200))
def test_any_bytes_are_answered_with_documents_or_problems(content: bytes) -> None:
    problems: list[Problem] = []
    documents = read_documents(Source("site", Path("config/sites/a.yaml"), content), problems)
    assert documents
    assert any(document.data for document in documents) or problems
